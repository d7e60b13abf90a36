"""Check and build the parts of Kibana's addresses: base URL, space, path segments. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from kibcase.errors import InvalidValue

_SPACE = re.compile(r"[a-z0-9_-]+")


def base_url(url: str) -> str:
    """Return ``url`` without a trailing slash.

    Raises ``ValueError`` if it is not http(s), names no host, has a query, or holds credentials; the
    message never repeats the URL.
    """
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("the URL of Kibana is malformed") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL of Kibana holds credentials; give them as arguments of their own")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise ValueError("the URL of Kibana begins with http:// or https:// and names a host")
    if parts.query or parts.fragment:
        raise ValueError("the URL of Kibana has neither query nor fragment")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def space_id(space: str | None) -> str | None:
    """Return the id of a space, None for the default one; raises ``InvalidValue`` for one Kibana refuses."""
    if space is None or space == "default":
        return None
    if not _SPACE.fullmatch(space):
        raise InvalidValue(f"a space id holds lower-case letters, digits, _ and - only, not {space[:60]!r}")
    return space


def segment(value: str) -> str:
    """Escape ``value`` to be one segment of a path; raises ``InvalidValue`` for one that cannot be."""
    if value in {"", ".", ".."}:
        raise InvalidValue(f"not an id: {value!r}")
    return quote(well_formed(value), safe="")


def well_formed(text: str) -> str:
    """Return ``text`` with U+FFFD in the place of each half of a surrogate pair, which UTF-8 cannot tell.

    Names of files that are not UTF-8 hold such halves; where JSON carries them Kibana does the same.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
