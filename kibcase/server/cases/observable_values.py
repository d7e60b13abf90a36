"""Which values an observable of which type may have (Kibana's ``common/observables/validators``); pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from kibcase.server.stack import Stack

_BUILT_IN: Final = {
    "observable-type-ipv4": "IPv4",
    "observable-type-ipv6": "IPv6",
    "observable-type-url": "URL",
    "observable-type-hostname": "Hostname",
    "observable-type-file-hash": "File hash",
    "observable-type-file-path": "File path",
    "observable-type-email": "Email",
    "observable-type-domain": "Domain",
}

_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?!.*--)(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}\.?"
)
_GENERIC = re.compile(r"[a-zA-Z0-9._:/\\-]+")

_NUMBER = r"(0x[a-f0-9]+|\d+)"
_IPV4 = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:\.{_NUMBER})?", re.IGNORECASE)

_ATOM = r"(?>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)"
_DOTTED = rf"{_ATOM}(?>(?:\.{_ATOM})*)"
_QUOTED = r'"(?>(?:[^"\\\r\n]|\\.)*)"'
_MAILBOX = rf"(?:{_DOTTED}|{_QUOTED})\s*@\s*(?:{_DOTTED}|\[[^\[\]\\\r\n]*\])"
_ADDRESS = re.compile(rf"\s*(?:{_MAILBOX}|(?>(?:(?:{_ATOM}|\.|{_QUOTED})\s*)*)<\s*{_MAILBOX}\s*>)\s*", re.ASCII)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SPECIAL: Final = frozenset({"http", "https", "ws", "wss", "ftp"})
_FORBIDDEN_HOST: Final = frozenset("\0\t\n\r #/:<>?@[\\]^|")
_FORBIDDEN_DOMAIN: Final = _FORBIDDEN_HOST | frozenset("%\x7f") | frozenset(map(chr, range(0x20)))
_CONTROLS: Final = "".join(map(chr, range(0x21)))


def built_in_types(stack: Stack) -> dict[str, str]:
    """Give the labels of the built-in observable types of a stack, by key."""
    if not stack.has_agent_observables:
        return dict(_BUILT_IN)
    return _BUILT_IN | {"observable-type-hostname": "Host name", "observable-type-agent-id": "Agent ID"}


def is_valid(type_key: str, value: str) -> bool:
    """Tell whether Kibana takes ``value`` for a type; custom types have the rule of host names and hashes."""
    check = _CHECKS.get(type_key)
    return bool(value) and (check(value) if check else _GENERIC.fullmatch(value) is not None)


def _is_ipv4(text: str) -> bool:
    # ipaddr.js reads what inet_aton reads: 1 to 4 parts, each decimal, octal or hexadecimal; the last part fills up.
    found = _IPV4.fullmatch(text)
    if found is None:
        return False
    parts = [part for part in found.groups() if part is not None]
    if any(re.fullmatch(r"0\d+", part) and not re.fullmatch(r"0[0-7]+", part) for part in parts):
        return False
    numbers = [_number(part) for part in parts]
    return all(number <= 0xFF for number in numbers[:-1]) and numbers[-1] < 256 ** (5 - len(numbers))


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part, 16)
    # No number of more than 12 digits is an address, and Python refuses to read very long ones.
    digits = part.lstrip("0") or "0"
    if len(digits) > 12:
        return 1 << 64
    return int(digits, 8 if part.startswith("0") else 10)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_email(text: str) -> bool:
    at = 0
    while found := _ADDRESS.match(text, at):
        if found.end() == len(text):
            return True
        if text[found.end()] != ",":
            return False
        at = found.end() + 1
    return False


def _is_url(text: str) -> bool:
    cleaned = re.sub(r"[\t\n\r]", "", text.strip(_CONTROLS))
    found = _SCHEME.fullmatch(cleaned)
    if found is None:
        return False
    scheme, rest = found[1].lower(), found[2]
    if scheme in _SPECIAL:
        return _has_good_authority(re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0], special=True)
    if scheme == "file":
        host = re.split(r"[/\\?#]", rest[2:], maxsplit=1)[0] if re.match(r"[/\\]{2}", rest) else ""
        return not host or re.fullmatch(r"[A-Za-z][:|]", host) is not None or _is_host(host, special=True)
    if rest.startswith("//"):
        return _has_good_authority(re.split(r"[/?#]", rest[2:], maxsplit=1)[0], special=False)
    return True


def _has_good_authority(authority: str, *, special: bool) -> bool:
    credentials, at, place = authority.rpartition("@")
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?", place)
    if found is None or int((found[2] or "0").lstrip("0")[:6] or 0) > 0xFFFF:
        return False
    if not found[1]:
        # Without a host there can be no credentials and no port, and a web address needs a host in any case.
        return not special and not credentials and not at and found[2] is None
    return _is_host(found[1], special=special)


def _is_host(host: str, *, special: bool) -> bool:
    if host.startswith("["):
        return host.endswith("]") and "%" not in host and _is_ipv6(host[1:-1])
    if not special:
        return not _FORBIDDEN_HOST & set(host)
    decoded = unquote(host)
    if not decoded or _FORBIDDEN_DOMAIN & set(decoded):
        return False
    last = decoded.removesuffix(".").rpartition(".")[2]
    ends_in_number = re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", last) is not None
    return not ends_in_number or _is_ipv4(decoded.removesuffix("."))


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "observable-type-ipv4": _is_ipv4,
    "observable-type-ipv6": _is_ipv6,
    "observable-type-url": _is_url,
    "observable-type-domain": lambda value: _DOMAIN.fullmatch(value) is not None,
    "observable-type-email": _is_email,
}
