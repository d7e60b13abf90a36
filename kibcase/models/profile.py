"""User profiles, and the people of a case."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from kibcase.models.base import ApiModel
from kibcase.models.user import User


class UserProfile(ApiModel):
    """The profile of somebody who logged in to Kibana at least once; ``uid`` is what assignees hold."""

    uid: str
    enabled: bool = True
    user: User = User()
    data: dict[str, Any] = Field(default_factory=dict)


class CaseUser(ApiModel):
    """Somebody who has to do with a case; ``uid`` is None for who has no profile."""

    user: User = User()
    uid: str | None = None
    avatar: dict[str, Any] | None = None


class CaseUsers(ApiModel):
    """The people of a case (GET /internal/cases/{id}/_users).

    ``participants`` did something in it, ``unassigned`` were assigned once.
    """

    participants: list[CaseUser] = Field(default_factory=list)
    reporter: CaseUser | None = None
    assignees: list[CaseUser] = Field(default_factory=list)
    unassigned: Annotated[list[CaseUser], Field(alias="unassignedUsers")] = Field(default_factory=list)
