"""What the stand-in answers when it refuses a request."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class ResilientProblem(Exception):
    """A refusal, with the status and the body that the SOAR platform would send.

    ``message`` defaults to the reason phrase of the status: the platform often says no more than that
    and keeps the cause in the server's log. Raised to callers of ``Person`` and ``ResilientState``; the
    HTTP side turns it into an answer.
    """

    def __init__(self, status: int, message: str | None = None) -> None:
        self.status = status
        self.message = message or HTTPStatus(status).phrase
        super().__init__(f"{status}: {self.message}")

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        return status_body(success=False, message=self.message) | {"error_code": "generic"}


def status_body(*, success: bool, message: str | None = None) -> dict[str, Any]:
    """Give the platform's status object, which tells how a request went."""
    return {"success": success, "title": None, "message": message, "hints": []}
