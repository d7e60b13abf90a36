"""The activity of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from kibcase.models.attachment import (
    ActionsAttachment,
    AlertAttachment,
    EventAttachment,
    ExternalReference,
    PersistableState,
    UnknownAttachment,
    UserComment,
)
from kibcase.models.base import ApiModel
from kibcase.models.unified import UnifiedAttachment
from kibcase.models.user import User

# Stacks that keep attachments in the unified shape answer with it, others with the shapes of /comments.
LatestAttachment = Annotated[
    UserComment
    | AlertAttachment
    | EventAttachment
    | ExternalReference
    | PersistableState
    | ActionsAttachment
    | UnifiedAttachment
    | UnknownAttachment,
    Field(union_mode="left_to_right"),
]


class UserAction(ApiModel):
    """One entry of the activity of a case.

    ``type`` says what was touched ("create_case", "title", "tags", "status", "comment", "pushed", ...),
    ``action`` how ("create", "update", "add", "delete", "push_to_service"); ``payload`` holds the new
    value, for tags and assignees only what was added or removed. ``comment_id`` is None except for
    comments. Types that newer stacks add come as they are.
    """

    id: str
    type: str
    action: str
    created_at: datetime
    version: str | None = None
    owner: str | None = None
    created_by: User | None = None
    payload: dict[str, Any] | None = None
    comment_id: str | None = None


class FoundUserActions(ApiModel):
    """One page of activity (GET /api/cases/{id}/user_actions/_find).

    ``latest_attachments`` are the attachments of the page as they are now, since stack 9.5 in the unified shape;
    only ``search`` answers with them.
    """

    user_actions: Annotated[list[UserAction], Field(alias="userActions")]
    page: int = 1
    per_page: Annotated[int, Field(alias="perPage")] = 20
    total: int = 0
    latest_attachments: Annotated[list[LatestAttachment], Field(alias="latestAttachments")] = Field(
        default_factory=list
    )


class UserActionStats(ApiModel):
    """How much activity a case has (GET /internal/cases/{id}/user_actions/_stats).

    Older stacks tell ``total``, ``total_comments`` and ``total_other_actions`` only.
    """

    total: int = 0
    total_comments: int = 0
    total_other_actions: int = 0
    total_deletions: int | None = None
    total_comment_creations: int | None = None
    total_comment_deletions: int | None = None
    total_hidden_comment_updates: int | None = None
    total_other_action_deletions: int | None = None
