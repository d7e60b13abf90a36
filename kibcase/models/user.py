"""People, as they appear in cases."""

from __future__ import annotations

from kibcase.models.base import ApiModel


class User(ApiModel):
    """Who did something: ``created_by``, ``updated_by`` and their like.

    Each field may be None; ``profile_uid`` is missing for API keys and for users who never logged in.
    """

    username: str | None = None
    full_name: str | None = None
    email: str | None = None
    profile_uid: str | None = None

    @property
    def display_name(self) -> str:
        """The full name, else the user name, else the e-mail address, else "unknown"."""
        return self.full_name or self.username or self.email or "unknown"


class Assignee(ApiModel):
    """Who a case is assigned to, by the uid of the user profile.

    Newer stacks add the names when they answer; requests take ``uid`` alone.
    """

    uid: str
    username: str | None = None
    full_name: str | None = None
    email: str | None = None
