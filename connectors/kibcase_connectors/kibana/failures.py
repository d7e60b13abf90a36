"""What an error of the library means for sync; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kibcase.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    EndpointNotFound,
    KibcaseError,
    LicenseRequired,
    NotFoundError,
    NoUsableAnswer,
    PermissionDenied,
    ServerError,
    TooManyRequests,
    bounded,
)
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.model import DESCRIPTION, SEVERITY, STATUS, TAGS, TITLE

_PRIVILEGE: Final = (
    "Give the account the Kibana privilege Cases: All for the owner in this space, "
    "and for closed cases the sub-privilege to reopen them."
)
_ADDRESS: Final = "Check url and space in the configuration."
_GAVE_UP_WAITING: Final = 408
# Kibana names the field in prose ("The length of the title is too long.") or as a path ("cases,0,tags").
_FIELDS: Final = {
    TITLE: re.compile(r"\btitle\b"),
    DESCRIPTION: re.compile(r"\bdescription\b"),
    TAGS: re.compile(r"\btags?\b"),
    SEVERITY: re.compile(r"\bseverity\b"),
    STATUS: re.compile(r"\bstatus\b|\bclose\b"),
}


@contextmanager
def translated(system: str, what: str, *, writes: bool = False, whole: bool = False) -> Iterator[None]:
    """Turn errors of the library into those of ``kibcase_connectors.errors``.

    ``what`` is the deed and its object, for people. ``writes``: the request changes something, so that
    a lost answer leaves its outcome unknown. ``whole``: without it nothing works, so that a missing
    right is the whole connection's and not that of one case.
    """
    try:
        yield
    except ConnectorError:
        raise
    except KibcaseError as error:
        raise translation(error, system, what, writes=writes, whole=whole) from error


def translation(
    error: KibcaseError, system: str, what: str, *, writes: bool = False, whole: bool = False
) -> ConnectorError:
    """Give the connector error that says the same as ``error``; see ``translated``."""
    if isinstance(error, NoUsableAnswer):
        lost = writes and error.sent
        return (OutcomeUnknown if lost else Unavailable)(system, what, said=bounded(str(error)))
    if isinstance(error, ApiError):
        return _answered(error, system, what, writes=writes, whole=whole)
    # Found before anything was sent: a limit, a version that is too old.
    text = bounded(str(error))
    return Refused(system, what, said=text, field=_field(text))


def _answered(error: ApiError, system: str, what: str, *, writes: bool, whole: bool) -> ConnectorError:
    said = f"Kibana said: {bounded(error.message) or 'nothing'} ({error.status})"
    if isinstance(error, TooManyRequests):
        return Throttled(system, what, said=said, retry_after=error.retry_after)
    if isinstance(error, AuthenticationError):
        return Denied(system, what, said=said, advice="Check the user name and password, or the API key.")
    if isinstance(error, LicenseRequired):
        return Refused(system, what, said=said, advice=error.advice)
    if isinstance(error, PermissionDenied):
        return (Denied if whole else Refused)(system, what, said=said, advice=_PRIVILEGE)
    if isinstance(error, NotFoundError):
        return _missing(error, system, what, said)
    if isinstance(error, ConflictError):
        return Conflict(system, what, said=said)
    if isinstance(error, ServerError) or error.status == _GAVE_UP_WAITING:
        unknown = writes and not _starting(error)
        return (OutcomeUnknown if unknown else Unavailable)(system, what, said=said)
    return Refused(system, what, said=said, field=_field(error.message))


def _missing(error: NotFoundError, system: str, what: str, said: str) -> ConnectorError:
    # Only a case or comment that Kibana says it lacks is gone; a wrong address or space is not that, nor a proxy
    # that knows no way to Kibana.
    own = isinstance(error.body, dict) and "statusCode" in error.body
    if not own or isinstance(error, EndpointNotFound) or "[space/" in error.message:
        return Unavailable(system, what, said=said, advice=_ADDRESS)
    return NotFound(system, what, said=said)


def _starting(error: ApiError) -> bool:
    return error.status == 503 and "not ready" in error.message.casefold()


def _field(text: str) -> str | None:
    named = [field for field, pattern in _FIELDS.items() if pattern.search(text)]
    return named[0] if len(named) == 1 else None
