"""The activity of a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from kibcase.models.base import ApiModel
from kibcase.models.user import User


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
    """One page of activity (GET /api/cases/{id}/user_actions/_find)."""

    user_actions: list[UserAction] = Field(alias="userActions")
    page: int = 1
    per_page: int = Field(default=20, alias="perPage")
    total: int = 0
