"""An incident's newsfeed: who changed which field when; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kibcase_connectors.model import Touch
from kibcase_connectors.resilient.wire import moment, principal_id


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One entry: the bare names of the fields that were changed, when (epoch milliseconds), and by whom."""

    at: int
    by: str
    principal: str
    fields: frozenset[str]
    creation: bool = False


def news(raw: object) -> tuple[News, ...]:
    """Read a newsfeed, oldest first. Its form is not documented: entries that do not have it are left out."""
    entries = (_entry(one) for one in (raw if isinstance(raw, list) else ()))
    return tuple(sorted((one for one in entries if one is not None), key=lambda one: one.at))


def _entry(raw: object) -> News | None:
    try:
        return _read(raw)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _read(raw: Any) -> News:
    principal = raw.get("principal") or {}
    return News(
        at=int(raw["timestamp"]), by=str(principal.get("display_name") or principal.get("name") or ""),
        principal=principal_id(principal), creation=raw.get("type") == "incident_created",
        fields=frozenset(str(change["field"]) for change in raw.get("changes") or ()),
    )


def touches(
    entries: Sequence[News], fields: Mapping[str, frozenset[str]], otherwise: Mapping[str, Touch], *,
    offset: timedelta, name_of: Callable[[News], str],
) -> dict[str, Touch]:
    """Give who changed each field last; ``fields`` holds the platform's fields that make up each.

    A newsfeed that does not reach back to the creation does not tell of all changes: what it does not name is
    taken from ``otherwise``. So is what a newsfeed never tells: fields that it does not list by a name of ours.
    """
    whole = any(entry.creation for entry in entries)
    found: dict[str, Touch] = {}
    for name, parts in fields.items():
        last = next((entry for entry in reversed(entries) if entry.fields & parts), None)
        if last is not None:
            found[name] = Touch(at=moment(last.at) + offset, by=name_of(last))
        elif name in otherwise and not (whole and parts):
            found[name] = otherwise[name]
    return found
