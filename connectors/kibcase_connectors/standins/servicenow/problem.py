"""What the stand-in answers when it refuses a request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ServiceNowProblem(Exception):
    """A refusal, with the status and the body that a ServiceNow instance would send.

    ``message`` and ``detail`` go into ``error`` (Table API: ``{"error": {"message", "detail"}, "status": "failure"}``).
    Raised to callers of ``Person`` and ``ServiceNowState``; the HTTP side turns it into an answer.
    """

    def __init__(self, status: int, message: str, detail: str | None = None) -> None:
        self.status = status
        self.message = message
        self.detail = detail
        super().__init__(f"{status}: {message}" + (f": {detail}" if detail else ""))

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        return {"error": {"message": self.message, "detail": self.detail}, "status": "failure"}


def not_authenticated() -> ServiceNowProblem:
    """Give the 401 of the REST APIs."""
    return ServiceNowProblem(401, "User Not Authenticated", "Required to provide Auth information")


def no_record(detail: str = "Record doesn't exist or ACL restricts the record retrieval") -> ServiceNowProblem:
    """Give the 404 that hides whether a record was deleted or is only invisible."""
    return ServiceNowProblem(404, "No Record found", detail)


def no_resource() -> ServiceNowProblem:
    """Give the 400 for a path that no API serves."""
    return ServiceNowProblem(400, "Requested URI does not represent any resource")


def invalid_table(name: str) -> ServiceNowProblem:
    """Give the 400 for a table that the instance does not have."""
    return ServiceNowProblem(400, f"Invalid table {name[:80]}")


def acl_refused(operation: str) -> ServiceNowProblem:
    """Give the 403 of an access control; ``operation`` is ``Insert``, ``Update`` or ``Delete``."""
    return ServiceNowProblem(
        403, "Operation Failed", f"ACL Exception {operation} Failed due to security constraints"
    )


def mandatory(labels: Iterable[str]) -> ServiceNowProblem:
    """Give the 403 of a data policy; ``labels`` are those of the columns that must not be empty."""
    return ServiceNowProblem(
        403, "Operation Failed", f"Data Policy Exception: The following fields are mandatory: {', '.join(labels)}"
    )


def aborted(table: str, rule: str) -> ServiceNowProblem:
    """Give the 403 of a business rule that stops a write."""
    return ServiceNowProblem(
        403, "Operation Failed",
        f"Operation against file '{table}' was aborted by Business Rule '{rule}'. Business Rule Stack:{rule}",
    )
