"""Turn what Kibana answers into the vocabulary of sync; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    DESCRIPTION,
    FIELDS,
    MARK_PREFIX,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Comment,
    Json,
    Snapshot,
    Touch,
)

EDITS: Final = frozenset({"add", "delete", "update"})
"""The ``action`` of user actions that change something that was there (not ``create``)."""

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


def person(user: User | None) -> str:
    """Give the name that people know a user by, "" if Kibana does not say."""
    return "" if user is None else user.full_name or user.username or ""


def fields_of(case: Case) -> dict[str, Json]:
    """Give the fields of a case in Kibana's own form."""
    return {
        TITLE: case.title,
        DESCRIPTION: case.description,
        STATUS: str(case.status),
        SEVERITY: str(case.severity),
        TAGS: list(case.tags),
    }


def comment_of(attachment: UserComment) -> Comment:
    """Give a user comment without its mark; ``digest`` is over the text with it, as Kibana holds it.

    Raises ``InvalidAnswer`` if Kibana left out when it was written.
    """
    if attachment.created_at is None:
        raise InvalidAnswer(f"comment {attachment.id} has no created_at")
    read = without_mark(attachment.comment)
    return Comment(
        key=attachment.id, body=read.body, mark=read.mark, author=person(attachment.created_by),
        created=attachment.created_at, updated=attachment.updated_at,
        digest=sha256(attachment.comment.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def comments_of(attachments: Iterable[Attachment]) -> tuple[Comment, ...]:
    """Give the comments among the attachments of a case, oldest first, each once."""
    found = {one.id: comment_of(one) for one in attachments if isinstance(one, UserComment)}
    return tuple(sorted(found.values(), key=lambda comment: comment.created))


def touched_by(actions: Iterable[UserAction], offset: timedelta) -> Mapping[str, Touch]:
    """Give who last changed each field; ``actions`` come newest first.

    ``offset`` is what must be added to Kibana's clock to get ours.
    """
    touched: dict[str, Touch] = {}
    for action in actions:
        if action.type in FIELDS and action.action in EDITS and action.type not in touched:
            touched[action.type] = Touch(at=action.created_at + offset, by=person(action.created_by))
    return MappingProxyType(touched)


def snapshot_of(
    case: Case, attachments: Iterable[Attachment], actions: Iterable[UserAction], *, url: str, offset: timedelta,
    settled: bool = True,
) -> Snapshot:
    """Put together what was read of one case; ``settled`` as in ``Snapshot``."""
    return Snapshot(
        key=case.id, label=case_label(case), version=case.version, mark=case_mark(case.id), url=url,
        fields=MappingProxyType(fields_of(case)), touched=touched_by(actions, offset),
        created=Touch(at=case.created_at + offset, by=person(case.created_by)),
        comments=comments_of(attachments), marks=marks_among(tuple(case.tags)), settled=settled,
    )
