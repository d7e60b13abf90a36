"""Jira's JSON as values: what sync reads of issues, comments, transitions and accounts (REST v2 and v3); pure.

The decoders raise ``KeyError``, ``TypeError`` or ``ValueError`` on anything that is not Jira's; the client
turns these into connector errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from kibcase_connectors.model import DESCRIPTION, SEVERITY, STATUS, TAGS, TITLE, Json

NAMES: Final = {
    TITLE: "summary", DESCRIPTION: "description", STATUS: "status", SEVERITY: "priority", TAGS: "labels",
}
"""Jira's field for each field that sync speaks of."""

FIELDS: Final = {name: field for field, name in NAMES.items()}
"""The reverse of ``NAMES``."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

MARK_PROPERTY: Final = "kibcase"
"""The key of the comment property that holds the mark of a mirror: ``{"mark": ...}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A Jira account: ``id`` is the accountId on Cloud and the user key on Data Center.

    ``login`` is the user name (Data Center). ``email`` is "" where Jira hides the address.
    """

    id: str
    name: str
    time_zone: str = ""
    active: bool = True
    email: str = ""
    login: str = ""

    @property
    def handle(self) -> str:
        """What names the account in requests: its user name (Data Center) or id (Cloud)."""
        return self.login or self.id

    @property
    def spellings(self) -> tuple[str, ...]:
        """Everything that people may call the account in a configuration."""
        return tuple(dict.fromkeys(text for text in (self.login, self.id) if text))

    def native(self) -> dict[str, Json]:
        """Give the form that snapshots, announcements and receipts hold."""
        return {"id": self.handle, "name": self.name, "email": self.email}


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraStatus:
    """A workflow status; ``category`` is the key ``new``, ``indeterminate``, ``done`` or ``undefined``."""

    id: str
    name: str
    category: str

    def native(self) -> dict[str, Json]:
        """Give the form that snapshots, announcements and receipts hold."""
        return {"id": self.id, "name": self.name, "category": self.category}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One field of one changelog entry, as Jira's own texts before and after it.

    ``field`` is the field's id, or what ``untold`` makes of its name.
    """

    entry: int
    field: str
    at: datetime
    by: Account
    old: str | None
    old_text: str | None
    new_text: str | None
    new: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraFile:
    """One attachment, without its bytes."""

    id: str
    name: str
    size: int
    media_type: str
    author: Account
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue as read, as far as its fields were asked for.

    ``natives`` holds the fields that sync speaks of in the form of snapshots, ``fields`` all of them as Jira
    sent them. ``type_id`` and ``type_name`` are the issue type's. ``edits`` is the changelog, oldest first, and
    ``missing`` how many of its entries, the oldest, the answer left out. Times that were not asked for are the
    epoch.
    """

    id: str
    key: str
    natives: Mapping[str, Json]
    updated: datetime = EPOCH
    created: datetime = EPOCH
    creator: Account = Account(id="", name="")
    type_id: str = ""
    type_name: str = ""
    edits: tuple[Edit, ...] = ()
    missing: int = 0
    files: tuple[JiraFile, ...] = ()
    resolved: bool = False
    fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, marks among them."""
        found = self.natives.get(TAGS)
        return tuple(map(str, found)) if isinstance(found, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraComment:
    """One comment as stored: ``body`` is a text (v2) or a document (v3), ``mark`` that of the comment property."""

    id: str
    body: Any
    author: Account
    created: datetime
    updated: datetime
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenField:
    """A field of a create or transition screen.

    ``allowed`` are the values it takes, as Jira gives them; ``many`` tells that it takes a list of them.
    ``operations`` are what ``update`` may do with it.
    """

    id: str
    name: str
    required: bool
    has_default: bool
    allowed: tuple[Mapping[str, Any], ...] = ()
    many: bool = False
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A step of the workflow that is open to this account from the present status."""

    id: str
    name: str
    to: JiraStatus
    screen: tuple[ScreenField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a search; ``token`` leads to the next (Cloud), ``total`` counts all hits (Data Center)."""

    issues: tuple[Issue, ...]
    token: str | None = None
    total: int | None = None


def timestamp(text: str) -> datetime:
    """Read a time such as ``2026-01-01T10:11:12.345+0000``; the result is in UTC."""
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError("a time without an offset")
    return value.astimezone(UTC)


def account(raw: Mapping[str, Any] | None) -> Account:
    """Read a user object; Jira leaves it out for changes by nobody, and hides names of deleted users."""
    if not raw:
        return Account(id="", name="")
    key = raw.get("accountId") or raw.get("key") or raw.get("name") or ""
    return Account(
        id=str(key), name=str(raw.get("displayName") or raw.get("name") or ""),
        time_zone=str(raw.get("timeZone") or ""), active=raw.get("active") is not False,
        email=str(raw.get("emailAddress") or ""), login="" if raw.get("accountId") else str(raw.get("name") or ""),
    )


def status(raw: Mapping[str, Any]) -> JiraStatus:
    """Read a status object with its category."""
    category = raw.get("statusCategory") or {}
    return JiraStatus(id=str(raw["id"]), name=str(raw["name"]), category=str(category.get("key", "undefined")))


def issue(
    raw: Mapping[str, Any], asked: Sequence[str], natives: Callable[[Mapping[str, Any]], dict[str, Json]]
) -> Issue:
    """Read an issue with the fields ``asked`` for, and the changelog if there is one (``expand=changelog``).

    ``natives`` gives the fields that sync speaks of in the form of snapshots.
    """
    fields: Mapping[str, Any] = raw["fields"]
    changelog = raw.get("changelog") or {}
    entries: Sequence[Mapping[str, Any]] = changelog.get("histories") or ()
    kind = fields.get("issuetype") or {}
    return Issue(
        id=str(int(raw["id"])), key=str(raw.get("key", "")), natives=natives(fields),
        updated=timestamp(fields["updated"]) if "updated" in asked else EPOCH,
        created=timestamp(fields["created"]) if "created" in asked else EPOCH,
        creator=account(fields.get("creator") or fields.get("reporter")),
        type_id=str(kind.get("id", "")), type_name=str(kind.get("name", "")),
        edits=edits(entries), missing=max(0, int(changelog.get("total") or 0) - len(entries)),
        files=files(fields.get("attachment") or ()), resolved=fields.get("resolution") is not None, fields=fields,
    )


def files(rows: Sequence[Mapping[str, Any]]) -> tuple[JiraFile, ...]:
    """Read attachments (``fields.attachment``), oldest first."""
    found = [
        JiraFile(
            id=str(raw["id"]), name=str(raw["filename"]), size=int(raw["size"]),
            media_type=str(raw.get("mimeType") or "application/octet-stream"), author=account(raw.get("author")),
            created=timestamp(raw["created"]),
        )
        for raw in rows
    ]
    return tuple(sorted(found, key=lambda file: (file.created, len(file.id), file.id)))


def edits(entries: Sequence[Mapping[str, Any]]) -> tuple[Edit, ...]:
    """Read changelog entries, in either of the orders in which Jira gives them; oldest first."""
    found = [edit for entry in entries for edit in _entry(entry)]
    return tuple(sorted(found, key=lambda edit: (edit.at, edit.entry)))


def _entry(raw: Mapping[str, Any]) -> list[Edit]:
    at, by = timestamp(raw["created"]), account(raw.get("author"))
    return [
        Edit(
            entry=int(raw["id"]), field=_changed_field(item), at=at, by=by,
            old=_text(item.get("from")), old_text=_text(item.get("fromString")),
            new=_text(item.get("to")), new_text=_text(item.get("toString")),
        )
        for item in raw["items"]
    ]


def _changed_field(item: Mapping[str, Any]) -> str:
    # Cloud tells the id. Data Center names the field: a standard one by its id, one's own as people see it.
    name = str(item.get("fieldId") or item["field"])
    return untold(name) if item.get("fieldtype") == "custom" and not item.get("fieldId") else name


def untold(name: str) -> str:
    """Give what stands for the id of a custom field that a changelog knows by its name only."""
    return f"custom field {name}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def comment(raw: Mapping[str, Any]) -> JiraComment:
    """Read a comment, with its mark if properties were asked for (``expand=properties``)."""
    return JiraComment(
        id=str(raw["id"]), body=raw.get("body"),
        author=account(raw.get("author")), created=timestamp(raw["created"]),
        updated=timestamp(raw.get("updated") or raw["created"]), mark=_mark(raw.get("properties") or ()),
    )


def _mark(properties: Sequence[Mapping[str, Any]]) -> str | None:
    for item in properties:
        value = item.get("value")
        if item.get("key") == MARK_PROPERTY and isinstance(value, dict) and isinstance(value.get("mark"), str):
            return str(value["mark"])
    return None


def screen_field(key: str, raw: Mapping[str, Any]) -> ScreenField:
    """Read the description of a field on a screen (createmeta, ``transitions.fields``)."""
    return ScreenField(
        id=key, name=str(raw.get("name") or key), required=raw.get("required") is True,
        has_default=raw.get("hasDefaultValue") is True, allowed=tuple(raw.get("allowedValues") or ()),
        many=(raw.get("schema") or {}).get("type") == "array",
        operations=tuple(map(str, raw.get("operations") or ())),
    )


def transition(raw: Mapping[str, Any]) -> Transition:
    """Read one transition (``expand=transitions.fields``)."""
    fields: Mapping[str, Mapping[str, Any]] = raw.get("fields") or {}
    return Transition(
        id=str(raw["id"]), name=str(raw.get("name") or raw["id"]), to=status(raw["to"]),
        screen=tuple(screen_field(key, value) for key, value in fields.items()),
    )
