"""Turn what Kibana answers into the vocabulary of sync; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from kibcase.errors import InvalidAnswer
from kibcase.models import Attachment, Case, User, UserAction, UserComment
from kibcase_connectors.kibana.mapping import marks_among
from kibcase_connectors.kibana.text import without_mark
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    FIELDS,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Comment,
    File,
    Json,
    Snapshot,
    Touch,
)
from kibcase_connectors.people import NOBODY, People

EDITS: Final = frozenset({"add", "delete", "update"})
"""The ``action`` of user actions that change something that was there (not ``create``)."""

ASSIGNEES: Final = "assignees"
CUSTOM_FIELDS: Final = "customFields"
_FIELD_OF: Final = {**{name: name for name in FIELDS}, ASSIGNEES: ASSIGNEE, OBSERVABLES: OBSERVABLES}

# Where each solution shows its cases.
_APPS: Final = {
    "observability": "/app/observability/cases",
    "cases": "/app/management/insightsAndAlerting/cases",
}
_SECURITY_APP: Final = "/app/security/cases"


def case_mark(case_id: str) -> str:
    """Give the mark that copies of this case carry."""
    return f"{MARK_PREFIX}kibana-{case_id}"


def case_label(case: Case) -> str:
    """Give what people call the case: its number where Kibana has numbered it, else the start of its id."""
    return f"case {case.incremental_id}" if case.incremental_id is not None else f"case {case.id[:8]}"


def case_url(base: str, space: str, owner: str, case_id: str) -> str:
    """Give the address of the case's page in Kibana."""
    prefix = "" if space == "default" else f"/s/{quote(space, safe='')}"
    return f"{base}{prefix}{_APPS.get(owner, _SECURITY_APP)}/{quote(case_id, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people are called: by the table of people, else as Kibana names them. ``system`` is its configured name."""

    system: str = ""
    people: People = NOBODY

    def of(self, user: User | None) -> str:
        """Give the name that people know a user by, "" if Kibana does not say."""
        if user is None:
            return ""
        accounts = [account for account in (user.profile_uid, user.username) if account]
        return self.people.name_of(self.system, accounts, user.full_name or user.username or "", user.email or "")


def fields_of(case: Case) -> dict[str, Json]:
    """Give the fields of a case that every stack has, in Kibana's own form."""
    return {
        TITLE: case.title,
        DESCRIPTION: case.description,
        STATUS: str(case.status),
        SEVERITY: str(case.severity),
        TAGS: list(case.tags),
    }


def comment_of(attachment: UserComment, names: Names) -> Comment:
    """Give a user comment without its mark; ``digest`` is over the text with it, as Kibana holds it.

    Raises ``InvalidAnswer`` if Kibana left out when it was written.
    """
    if attachment.created_at is None:
        raise InvalidAnswer(f"comment {attachment.id} has no created_at")
    read = without_mark(attachment.comment)
    return Comment(
        key=attachment.id, body=read.body, mark=read.mark, author=names.of(attachment.created_by),
        created=attachment.created_at, updated=attachment.updated_at,
        digest=sha256(attachment.comment.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def comments_of(attachments: Iterable[Attachment], names: Names) -> tuple[Comment, ...]:
    """Give the comments among the attachments of a case, oldest first, each once."""
    found = {one.id: comment_of(one, names) for one in attachments if isinstance(one, UserComment)}
    return tuple(sorted(found.values(), key=lambda comment: comment.created))


def touched_by(
    actions: Iterable[UserAction], offset: timedelta, names: Names, customs: Mapping[str, str] | None = None
) -> Mapping[str, Touch]:
    """Give who last changed each field; ``actions`` come newest first.

    ``offset`` is what must be added to Kibana's clock to get ours; ``customs`` gives the common names of custom
    fields by their keys.
    """
    touched: dict[str, Touch] = {}
    for action in actions:
        for field in _changed(action, customs or {}):
            touched.setdefault(field, Touch(at=action.created_at + offset, by=names.of(action.created_by)))
    return MappingProxyType(touched)


def _changed(action: UserAction, customs: Mapping[str, str]) -> list[str]:
    """Give the fields that an entry of the activity is about, none if it is no change of one."""
    if action.type == CUSTOM_FIELDS and action.action in EDITS:
        told = (action.payload or {}).get(CUSTOM_FIELDS)
        items = told if isinstance(told, list) else []
        return [customs[one["key"]] for one in items if isinstance(one, dict) and one.get("key") in customs]
    # Kibana calls every change of observables "create".
    if action.type in _FIELD_OF and (action.action in EDITS or action.type == OBSERVABLES):
        return [_FIELD_OF[action.type]]
    return []


def snapshot_of(
    case: Case, fields: Mapping[str, Json], *, touched: Mapping[str, Touch], comments: tuple[Comment, ...],
    files: tuple[File, ...], url: str, created: Touch, settled: bool,
) -> Snapshot:
    """Put together what was read of one case; ``settled`` as in ``Snapshot``."""
    return Snapshot(
        key=case.id, label=case_label(case), version=case.version, mark=case_mark(case.id), url=url,
        fields=MappingProxyType(dict(fields)), touched=touched, created=created, comments=comments, files=files,
        marks=marks_among(tuple(case.tags)), settled=settled,
    )
