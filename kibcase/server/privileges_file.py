"""Users, roles and API keys from a YAML or JSON file (``kibcase server --users FILE``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from kibcase.server.users import ApiKey, Directory, Privileges, User

if TYPE_CHECKING:
    from pathlib import Path

_LONGEST: Final = 1_048_576
_USER: Final = ("password", "full_name", "email", "profile_uid", "roles", "privileges")
_KEY: Final = ("user", "privileges", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What ``CasesServer`` takes as ``users``, ``roles`` and ``api_keys``; ``users`` None means its default."""

    users: Mapping[str, str | User] | None = None
    roles: Mapping[str, Privileges] | None = None
    api_keys: Mapping[str, str | ApiKey] | None = None


def read_accounts(path: Path) -> Accounts:
    """Read accounts from a file; its form is described in docs/testing-your-scripts.md.

    Raises ``OSError`` if it cannot be read and ``ValueError``, with the file's name, if it is not understood.
    """
    with path.open("rb") as file:
        text = file.read(_LONGEST + 1)
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"it has more than {_LONGEST} bytes")
        accounts = parse_accounts(yaml.safe_load(text))
        Directory(accounts.users, accounts.api_keys, roles=accounts.roles)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise ValueError(f"{path} is not YAML{where}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    return accounts


def parse_accounts(document: Any) -> Accounts:
    """Read accounts from the decoded file; raises ``ValueError``, which never holds a password."""
    if not isinstance(document, dict):
        raise ValueError("it must be a mapping with users, roles or api_keys")
    _check_keys(document, ("users", "roles", "api_keys"), "the file")
    return Accounts(
        users=_mapped(document, "users", _user), roles=_mapped(document, "roles", _sections),
        api_keys=_mapped(document, "api_keys", _key),
    )


def _mapped(document: dict[Any, Any], name: str, read: Any) -> dict[str, Any] | None:
    given = document.get(name)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ValueError(f"{name} must be a mapping")
    for key in given:
        if not isinstance(key, str) or not key:
            raise ValueError(f"the names in {name} must be strings")
    # The name of an API key is its secret.
    return {key: read(value, "an API key" if name == "api_keys" else f"{name}.{key}") for key, value in given.items()}


def _user(given: Any, where: str) -> str | User:
    if isinstance(given, str):
        return given
    fields = _fields(given, _USER, where)
    if not isinstance(fields.get("password"), str) or not fields["password"]:
        raise ValueError(f"{where} needs a password, a string")
    for name in ("full_name", "email", "profile_uid"):
        if fields.get(name) is not None and not isinstance(fields[name], str):
            raise ValueError(f"{where}.{name} must be a string")
    roles = fields.get("roles")
    if roles is not None and not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
        raise ValueError(f"{where}.roles must be a list of names")
    if fields.get("privileges") is not None:
        fields["privileges"] = _sections(fields["privileges"], f"{where}.privileges")
    return User(**fields)


def _key(given: Any, where: str) -> str | ApiKey:
    if isinstance(given, str):
        return given
    fields = _fields(given, _KEY, where)
    if not isinstance(fields.get("user"), str) or not isinstance(fields.get("name", ""), str):
        raise ValueError(f"{where} needs the name of its user")
    if fields.get("privileges") is not None:
        fields["privileges"] = _sections(fields["privileges"], f"{where}.privileges")
    return ApiKey(**fields)


def _sections(given: Any, where: str) -> Privileges:
    if not isinstance(given, list) or not all(isinstance(section, dict) for section in given):
        raise ValueError(f"{where} must be a list of Kibana privileges, each with base or feature, and spaces")
    return given


def _fields(given: Any, known: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ValueError(f"{where} must be a mapping")
    _check_keys(given, known, where)
    return dict(given)


def _check_keys(given: dict[Any, Any], known: tuple[str, ...], where: str) -> None:
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ValueError(f"{where} has no {str(unknown[0])[:64]!r}, only {', '.join(known)}")
