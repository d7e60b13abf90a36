"""What an exception or an odd answer means for the caller; pure.

The question behind every line is: was a request that writes perhaps carried out? Refused by the platform
or never sent: no. Sent without an answer that tells: perhaps, so ``OutcomeUnknown``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from kibcase.errors import bounded
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
from kibcase_connectors.network import cause_of, never_sent
from kibcase_connectors.resilient.wire import NAMES
from kibcase_connectors.waiting import asked_wait

LOG_IN: Final = (
    "Check the API key or the password, whether it is blocked, and whether this address may use it. Wrong ones can "
    "lock the account or the address, so nothing more is sent until kibcase is started again."
)
_ADDRESS: Final = "Check that the address is the platform's own, and not that of a log-in page or a proxy."
_ODD: Final = "the answer is not in the platform's form"
_LOOK: Final = "The request may have arrived; it is not repeated before that is known."
_TERSE: Final = "The platform keeps the cause to itself; its server log (client.log) tells it."
_FIELDS = {name: field for field, name in NAMES.items()}
_ADVICE = {
    400: _TERSE,
    403: "Give the account the permission for this, and access to the incident's workspace.",
    413: "Send less at once.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was attempted: by which system, what in words, whether it writes.

    ``whole`` marks requests without which nothing works, so that a missing right is one of the connection; ``extra``
    those for what a platform need not have, so that a 404 of whatever form says that it has not.
    """

    system: str
    what: str
    writes: bool = False
    whole: bool = False
    extra: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, its body read. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Give the body as JSON. Raises ``ValueError``."""
        try:
            return json.loads(self.content)
        except RecursionError:
            pass
        raise ValueError("JSON nested too deeply")


def from_answer(deed: Deed, answer: Answer) -> ConnectorError:
    """Give the error for an answer that is not the wanted one, whatever its status."""
    status, said = answer.status, _said(answer)
    if status == 401:
        return Denied(deed.system, deed.what, said=said, advice=LOG_IN)
    if status == 429:
        return Throttled(deed.system, deed.what, said=said, retry_after=retry_after(answer))
    if status < 400 or status == 408 or status >= 500:
        return _unusable(deed, answer, said)
    if status == 403 and deed.whole:
        return Denied(deed.system, deed.what, said=said, advice=_ADVICE[403])
    if status == 404 and (deed.whole or not (deed.extra or _is_own(answer))):
        # The session, the fields and the queries are always there: a proxy knows no way to them, or to all the rest.
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS)
    kind = {404: NotFound, 409: Conflict, 412: Conflict}.get(status, Refused)
    return kind(deed.system, deed.what, said=said, advice=_ADVICE.get(status, ""))


def _unusable(deed: Deed, answer: Answer, said: str) -> ConnectorError:
    wait = retry_after(answer)
    if answer.status == 503 and wait:
        # Sent in place of doing the work.
        return Throttled(deed.system, deed.what, said=said, retry_after=wait)
    if 300 <= answer.status < 400:
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS)
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS if answer.status < 300 else "")


def from_exception(deed: Deed, error: Exception) -> ConnectorError:
    """Give the error for a request that got no answer. Texts of exceptions may hold URLs and are not used."""
    said = cause_of(error)
    if never_sent(error):
        return Unavailable(deed.system, deed.what, said=said, advice="Check the address, the proxy and TLS.")
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=said)


def odd(deed: Deed) -> ConnectorError:
    """Give the error for an answer that is JSON, but not of the shape that the platform gives."""
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=_ODD, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=_ODD, advice=_ADDRESS)


def from_patch(deed: Deed, body: Mapping[str, Any], fields: Mapping[str, str]) -> ConnectorError | None:
    """Give the error for the answer to a PATCH, which has status 200 also when it was refused; None if it was not.

    ``fields`` gives for names of the platform's fields what people call them.
    """
    if body.get("success") is True:
        return None
    if body.get("success") is not False:
        return odd(deed)
    message = bounded(str(body.get("message") or body.get("title") or "refused without a reason"))
    failed = [str(each["field"]) for each in body.get("field_failures") or () if isinstance(each, dict)]
    if failed:
        said = f"{message} ({', '.join(failed)})"
        return Conflict(deed.system, deed.what, said=said, field=canonical(failed[0]), advice="Read it again.")
    return Refused(deed.system, deed.what, said=message, field=named_in(message, fields))


def named_in(message: str, fields: Mapping[str, str], *, alone: bool = True) -> str | None:
    """Give the field that a message is about, by what people call it, None if it names none.

    ``alone``: where only one field was sent, a refusal is about that one.
    """
    for name, label in fields.items():
        if label and re.search(rf"\b{re.escape(label)}\b", message, re.IGNORECASE):
            return canonical(name)
    return canonical(next(iter(fields))) if alone and len(fields) == 1 else None


def canonical(name: str) -> str:
    """Give the field that sync speaks of for one of the platform's, or its name if there is none."""
    return _FIELDS.get(name, name)


def retry_after(answer: Answer) -> float | None:
    """Give the seconds to wait that an answer names, None if it names none."""
    return asked_wait(answer.headers, datetime.now(UTC), status=answer.status)


def no_file(deed: Deed, kind: str, told: str, size: int) -> ConnectorError:
    """Give the error for an answer that is not the file: a page about a failed download, or another length."""
    said = f"{told or 'an unknown number of'} bytes came where the file has {size}"
    if kind == "text/html":
        said = "a page came in the place of the file, as it does when a download fails"
    return Unavailable(deed.system, deed.what, said=said, advice=_TERSE)


def _is_own(answer: Answer) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def _said(answer: Answer) -> str:
    try:
        body = answer.json()
    except ValueError:
        body = None
    message = (body.get("message") or body.get("title")) if isinstance(body, dict) else None
    if isinstance(message, str):
        return f"{bounded(message)} (HTTP {answer.status})"
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    form = f"{_ODD} ({bounded(kind, 60) or 'no content type'})" if answer.content else "no body"
    return f"HTTP {answer.status}, {form}"
