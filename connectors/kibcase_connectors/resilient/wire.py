"""The platform's JSON as values: what sync reads of incidents, notes, fields and pages; pure.

The decoders raise ``KeyError``, ``TypeError``, ``ValueError`` or ``AttributeError`` on anything that is not
the platform's; the client turns these into connector errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kibcase_connectors.model import ASSIGNEE, DESCRIPTION, SEVERITY, STATUS, TITLE

NAMES: Final = {
    TITLE: "name", DESCRIPTION: "description", STATUS: "plan_status", SEVERITY: "severity_code", ASSIGNEE: "owner_id",
}
"""The platform's field for each field that sync speaks of and that has one of its own in every organisation."""

CUSTOM: Final = "properties"
"""The prefix of custom fields, in queries and in incidents; changes name them without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value of a select field; ``id`` is the organisation's own."""

    id: int | str
    label: str
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef:
    """The definition of a field of incidents (``types/incident/fields``).

    ``number`` is its id. ``required`` is ``always``, ``close`` or "". ``input_type`` is ``text``, ``textarea``,
    ``select``, ``multiselect``, ``boolean``, ``number``, ``datepicker``, ``datetimepicker``, ``select_owner``, ...
    """

    name: str
    text: str
    input_type: str
    number: int | None = None
    custom: bool = False
    required: str = ""
    rich_text: bool = False
    choices: tuple[Choice, ...] = ()

    @property
    def path(self) -> str:
        """The name in queries: ``properties.x`` for a custom field."""
        return f"{CUSTOM}.{self.name}" if self.custom else self.name

    @property
    def many(self) -> bool:
        """Whether a value is a list."""
        return self.input_type.startswith("multiselect")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that can be chosen."""
        return tuple(choice.label for choice in self.choices if choice.enabled)

    def label(self, value: object) -> str | None:
        """Give the label of a choice, also of one that can be chosen no longer; None if there is none."""
        return next((choice.label for choice in self.choices if choice.id == value), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as read; times are epoch milliseconds on the platform's clock.

    ``values`` holds every field by its path, in the form the platform gave: ids for choices, rich text as
    ``{"format", "content"}``. ``rehearsal`` tells that it is a draft or belongs to a simulation.
    """

    id: int
    vers: int
    created: int
    modified: int
    creator: str
    creator_id: str = ""
    values: Mapping[str, Any]
    perms: Mapping[str, Any]
    rehearsal: bool = False

    @property
    def key(self) -> str:
        """The id as text."""
        return str(self.id)

    def text(self, path: str) -> str:
        """Give the text of a field, HTML if it is rich text; "" if it is empty."""
        return content(self.values.get(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note with its text as HTML; times are epoch milliseconds.

    ``principal`` is the id of its writer, "" if the platform does not say.
    """

    id: int
    html: str
    author: str
    created: int
    modified: int
    principal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """The organisation and who we are in it: ``handle`` is our principal, ``user`` our e-mail if it is a user."""

    id: int
    name: str
    handle: str
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a query; ``total`` counts all hits, None if the platform did not say."""

    incidents: tuple[Incident, ...]
    total: int | None


def content(value: object) -> str:
    """Give the text of a value that is plain, or rich text in either of its forms."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def moment(millis: int) -> datetime:
    """Give the time of epoch milliseconds, in UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def incident(raw: Mapping[str, Any]) -> Incident:
    """Read an incident (``return_level=full``)."""
    custom = raw[CUSTOM]
    values = {name: value for name, value in raw.items() if name != CUSTOM}
    values |= {f"{CUSTOM}.{name}": value for name, value in dict(custom or {}).items()}
    created = int(raw["create_date"])
    return Incident(
        id=int(raw["id"]), vers=int(raw["vers"]), created=created,
        modified=int(raw.get("inc_last_modified_date") or created), creator=_creator(raw),
        creator_id=principal_id(raw.get("creator_principal"), raw.get("creator_id")), values=values,
        perms=raw.get("perms") or {}, rehearsal=any(raw.get(name) is True for name in ("inc_training", "draft")),
    )


def _creator(raw: Mapping[str, Any]) -> str:
    principal = raw.get("creator_principal") or {}
    return person_name(raw.get("creator") or {}, "fname", "lname") or str(principal.get("display_name") or "")


def principal_id(principal: object, otherwise: object = None) -> str:
    """Give the id of a principal as text, else ``otherwise``; "" if there is neither."""
    found = principal.get("id") if isinstance(principal, Mapping) else None
    return str(found if found is not None else "" if otherwise is None else otherwise)


def person_name(raw: Mapping[str, Any], first: str, last: str) -> str:
    """Give the first and last names of a person, as far as there are any."""
    return " ".join(str(raw[name]).strip() for name in (first, last) if raw.get(name)).strip()


def notes(raw: Sequence[Mapping[str, Any]]) -> tuple[Note, ...]:
    """Read notes and the replies inside them, oldest first; deleted and empty ones are left out."""
    found = {note.id: note for item in raw for note in _thread(item)}
    return tuple(sorted(found.values(), key=lambda note: (note.created, note.id)))


def _thread(raw: Mapping[str, Any]) -> Iterator[Note]:
    if raw.get("is_deleted") is not True and content(raw.get("text")).strip():
        yield note(raw)
    for child in raw.get("children") or ():
        yield from _thread(child)


def note(raw: Mapping[str, Any]) -> Note:
    """Read one note. Notes of API keys have no names, so the principal is asked for one."""
    created = int(raw["create_date"])
    return Note(
        id=int(raw["id"]), html=content(raw["text"]), author=_author(raw), created=created,
        modified=int(raw.get("modify_date") or created),
        principal="" if raw.get("user_id") is None else str(raw["user_id"]),
    )


def _author(raw: Mapping[str, Any]) -> str:
    principal, writer = raw.get("modify_principal") or {}, raw.get("user_id")
    named = principal if principal.get("id") == writer else {}
    shown = person_name(raw, "user_fname", "user_lname") or str(named.get("display_name") or named.get("name") or "")
    return shown or f"principal {writer}"


def page(raw: Mapping[str, Any]) -> Page:
    """Read one page of ``incidents/query_paged``."""
    rows, total = raw["data"], raw.get("recordsFiltered")
    if not isinstance(rows, list):
        raise TypeError("a list of incidents was expected")
    return Page(
        incidents=tuple(map(incident, rows)),
        total=total if isinstance(total, int) and not isinstance(total, bool) else None,
    )


def field_def(raw: Mapping[str, Any]) -> FieldDef:
    """Read the definition of a field."""
    name = str(raw["name"])
    return FieldDef(
        name=name, text=str(raw.get("text") or name), input_type=str(raw["input_type"]),
        number=raw["id"] if isinstance(raw.get("id"), int) else None,
        custom=raw.get("prefix") == CUSTOM, required=str(raw.get("required") or ""),
        rich_text=raw.get("rich_text") is True,
        choices=tuple(
            Choice(id=item["value"], label=str(item["label"]), enabled=item.get("enabled") is not False)
            for item in raw.get("values") or ()
        ),
    )


def organisation(raw: Mapping[str, Any], wanted: int | str) -> Organisation | None:
    """Find the organisation of that id, name, UUID or cloud account in a session; None if it is not open to us."""
    named = (wanted.strip().casefold(),) if isinstance(wanted, str) else ()
    for org in raw["orgs"]:
        known = [str(org.get(key) or "").casefold() for key in ("name", "uuid", "cloud_account")]
        alike = any(name in known for name in named) or str(wanted).strip() == str(org["id"])
        if alike and org.get("enabled") is not False:
            who = raw.get("api_key_handle") if raw.get("api_key_handle") is not None else raw.get("user_id")
            user = "" if raw.get("api_key_handle") is not None else str(raw.get("user_email") or "")
            return Organisation(id=int(org["id"]), name=str(org.get("name") or org["id"]), handle=str(who), user=user)
    return None
