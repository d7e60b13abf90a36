"""What an answer of ServiceNow, or the lack of one, means for sync; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import requests
from urllib3.exceptions import HTTPError

from kibcase.errors import bounded
from kibcase_connectors.errors import (
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.network import cause_of, never_sent
from kibcase_connectors.waiting import asked_wait, rate_limit_reason

_LOG_IN: Final = "Check the account's credentials, and that the account is active and may use web services."
_ADDRESS: Final = "Check that the address is the instance's own and not that of a log-in page or a proxy."
_LOOK: Final = "The request may have arrived; it is not repeated before that is known."
_RIGHTS: Final = "Give the account the roles to do this (itil for incidents, sn_si.analyst for security incidents)."
_MANDATORY: Final = "Give values in the configuration: close_code, close_notes, hold_reason, caller or create_fields."
_ASLEEP: Final = "the instance is hibernating"
_WAKE: Final = "Wake it on the vendor's developer site."
_ODD: Final = "the answer is not in ServiceNow's form"
_LARGE: Final = "Leave the file out, or raise the limit (com.glide.attachment.max_size, or that of a proxy on the way)."
_TOO_LARGE: Final = 413
_CANCELLED: Final = "transaction cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was attempted: by which system, what in words, and whether the request writes."""

    system: str
    what: str
    writes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came; ``headers`` are looked up without regard to case, ``body`` is cut off nowhere."""

    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """Decode the body; None if it is not JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    @property
    def object(self) -> Mapping[str, Any]:
        """Give the body if it is a JSON object, else an empty one."""
        body = self.json()
        return body if isinstance(body, dict) else {}


class Cancelled(Exception):
    """The instance gave up on a list in the middle (transaction quota); what it sent of it is not to be used."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(said)


class MoveRefused(Refused):
    """A business rule or state model does not let a record go to a state; another way may be open."""


def is_cancelled(answer: Answer) -> bool:
    """Tell whether the instance gave up in the middle: an error in a body of status 2xx, or what another one says.

    Which of the two it is depends on whether the status was sent before the transaction quota struck.
    """
    if answer.status < 300:
        return bool(answer.object.get("error"))
    return _CANCELLED in said_in(answer).casefold()


def from_answer(deed: Deed, answer: Answer) -> ConnectorError:
    """Give the error for an answer that is not the wanted one, whatever its status."""
    status, said = answer.status, said_in(answer)
    if b"Instance Hibernating page" in answer.content[:100_000]:
        return Unavailable(deed.system, deed.what, said=_ASLEEP, advice=_WAKE)
    if status == 401:
        return Denied(deed.system, deed.what, said=said, advice=_LOG_IN)
    if status == 429:
        return Throttled(deed.system, deed.what, said=_limited(answer, said), retry_after=retry_after(answer))
    if status == _TOO_LARGE:
        return Refused(deed.system, deed.what, said=said, advice=_LARGE)
    if status < 400 or status == 408 or status >= 500:
        return _unusable(deed, answer, said)
    if not answer.object or (status == 404 and "error" not in answer.object):
        # Whatever this is, ServiceNow itself says everything in JSON, with a member "error".
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS)
    if status == 404:
        return NotFound(deed.system, deed.what, said=said)
    return _forbidden(deed, said) if status == 403 else Refused(deed.system, deed.what, said=said)


def _forbidden(deed: Deed, said: str) -> ConnectorError:
    # Access controls, data policies and business rules are all told as 403; only the text tells them apart.
    folded = said.casefold()
    if "mandatory" in folded or "data policy" in folded:
        return Refused(deed.system, deed.what, said=said, field=_first_field(said), advice=_MANDATORY)
    if "acl" in folded.split() or "security constraint" in folded or not deed.writes:
        return Refused(deed.system, deed.what, said=said, advice=_RIGHTS)
    return MoveRefused(deed.system, deed.what, said=said)


def _first_field(said: str) -> str | None:
    found = re.search(r"mandatory:\s*([^,;]{1,80})", said)
    return found[1].strip() if found else None


def _unusable(deed: Deed, answer: Answer, said: str) -> ConnectorError:
    if 300 <= answer.status < 400:
        advice = "The instance's address must be the final one and must not lead to a log-in page."
        return Unavailable(deed.system, deed.what, said=said, advice=advice)
    wait = retry_after(answer)
    if answer.status == 503 and wait:
        # Sent in place of doing the work.
        return Throttled(deed.system, deed.what, said=said, retry_after=wait)
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)
    served = answer.status < 300 and not answer.object
    return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS if served else "")


def from_exception(deed: Deed, error: Exception) -> ConnectorError:
    """Give the error for a request that got no answer. Texts of exceptions may hold URLs and are not used."""
    said = cause_of(error)
    if never_sent(error):
        return Unavailable(deed.system, deed.what, said=said, advice="Check the address, the proxy and TLS.")
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=said)


def odd(deed: Deed) -> ConnectorError:
    """Give the error for an answer that is JSON, but not of the shape that ServiceNow gives."""
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=_ODD, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=_ODD, advice=_ADDRESS)


def retry_after(answer: Answer) -> float | None:
    """Give the seconds to wait that an answer names; see ``kibcase_connectors.waiting.asked_wait``."""
    return asked_wait(answer.headers, datetime.now(UTC), status=answer.status)


def _limited(answer: Answer, said: str) -> str:
    rule = rate_limit_reason(answer.headers)
    return said if rule is None else f"{said} ({rule})"


def said_in(answer: Answer) -> str:
    """Give what an answer says went wrong: the Table API's error object, or OAuth's error texts."""
    body = answer.object
    error = body.get("error")
    parts: list[object] = [error, body.get("error_description")]
    if isinstance(error, dict):
        parts = [error.get("message"), error.get("detail")]
    texts = [part for part in parts if isinstance(part, str) and part.strip()]
    return bounded(": ".join(texts)) if texts else f"HTTP {answer.status}, {_kind(answer)}"


def _kind(answer: Answer) -> str:
    if not answer.content:
        return "no body"
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    return f"not in ServiceNow's form ({bounded(kind, 60) or 'no content type'})"


def caught() -> tuple[type[Exception], ...]:
    """Give what sending a request may raise."""
    return (requests.RequestException, HTTPError)
