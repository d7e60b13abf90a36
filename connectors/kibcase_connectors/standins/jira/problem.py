"""What the stand-in answers when it refuses a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_SUCH_ISSUE = "Issue does not exist or you do not have permission to see it."


class JiraProblem(Exception):
    """A refusal, with the status and the body that Jira would send.

    ``messages`` goes into ``errorMessages`` and ``fields`` into ``errors`` (text by field id), the body
    of all refusals of the Jira REST API v2. Raised to callers of ``Person`` and ``JiraState``; the
    HTTP side turns it into an answer.
    """

    def __init__(
        self, status: int, *messages: str, fields: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.messages = messages
        self.fields = dict(fields or {})
        super().__init__(f"{status}: {'; '.join([*messages, *(f'{k}: {v}' for k, v in self.fields.items())])}")

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        return {"errorMessages": list(self.messages), "errors": dict(self.fields)}


def unknown_field(field: str) -> str:
    """Give Jira's text for a field that the screen does not offer."""
    return f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."


def issue_not_found() -> JiraProblem:
    """Give the 404 that hides whether an issue was deleted or is only invisible."""
    return JiraProblem(404, NO_SUCH_ISSUE)
