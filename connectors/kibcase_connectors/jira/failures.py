"""What an exception or an odd answer means for the caller; pure.

The question behind every line is: was a request that writes perhaps carried out? Refused by Jira or never
sent: no. Sent without an answer that tells: perhaps, so ``OutcomeUnknown``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import requests

from kibcase.errors import bounded
from kibcase.retry import parse_http_date, parse_retry_after
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
from kibcase_connectors.jira.wire import FIELDS
from kibcase_connectors.network import cause_of, never_sent

_LOG_IN: Final = (
    "Check the account's credentials; API tokens expire. "
    "A failed-login captcha is cleared by logging in once in a browser."
)
_ANONYMOUS: Final = "Jira does not accept the credentials and serves us as an anonymous caller"
_ADDRESS: Final = (
    "Check that the address is Jira's own, with its context path, and not that of a log-in page or a proxy."
)
_ODD: Final = "the answer is not in Jira's form"
_LOOK: Final = "The request may have arrived; it is not repeated before that is known."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was attempted: by which system, what in words, and whether the request writes."""

    system: str
    what: str
    writes: bool = False


def login_failed(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says that the credentials were not accepted, whatever its status.

    Jira may serve a caller with an expired token as an anonymous one, with status 200
    (``X-Seraph-LoginReason``), and asks for a captcha with ``X-Authentication-Denied-Reason``.
    """
    reason = headers.get("X-Seraph-LoginReason", "").upper()
    return "FAILED" in reason or "DENIED" in reason or "X-Authentication-Denied-Reason" in headers


def from_answer(deed: Deed, response: requests.Response) -> ConnectorError:
    """Give the error for an answer that is not the wanted one, whatever its status."""
    status, said, field = response.status_code, _said(response), _field(response)
    if status == 401 or (login_failed(response.headers) and not (deed.writes and status < 300)):
        return Denied(deed.system, deed.what, said=said if status >= 400 else _ANONYMOUS, advice=_LOG_IN)
    if status < 400 or status == 408 or status >= 500:
        return _unusable(deed, response, said)
    if status == 429:
        return Throttled(deed.system, deed.what, said=said, retry_after=retry_after(response))
    kind = {404: NotFound, 409: Conflict, 412: Conflict}.get(status, Refused)
    return kind(deed.system, deed.what, said=said, field=field, advice=_ADVICE.get(status, ""))


_ADVICE = {
    403: "Give the account the right to do this in the project's permission scheme.",
    410: "This Jira no longer has the requested API; if it is on Cloud, set deployment: cloud.",
    413: "Send less at once, or raise the limit in Jira.",
}


def _unusable(deed: Deed, response: requests.Response, said: str) -> ConnectorError:
    if 300 <= response.status_code < 400:
        advice = "Jira's address must be the final one and must not lead to a log-in page."
        return Unavailable(deed.system, deed.what, said=said, advice=advice)
    wait = retry_after(response)
    if not deed.writes:
        if response.status_code == 503 and wait:
            return Throttled(deed.system, deed.what, said=said, retry_after=wait)
        served = response.status_code < 300 and not _body(response)
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS if served else "")
    # A 503 that says when to come back was sent in place of doing the work. Data Center adds
    # "retry-after: 0" to answers of every kind, so only a positive value says that.
    if response.status_code == 503 and wait:
        return Throttled(deed.system, deed.what, said=said, retry_after=wait)
    return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)


def from_exception(deed: Deed, error: Exception) -> ConnectorError:
    """Give the error for a request that got no answer. Texts of exceptions may hold URLs and are not used."""
    said = _cause(error)
    if never_sent(error):
        return Unavailable(deed.system, deed.what, said=said, advice="Check the address, the proxy and TLS.")
    if deed.writes:
        return OutcomeUnknown(deed.system, deed.what, said=said, advice=_LOOK)
    return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS if said == _ODD else "")


def odd(deed: Deed) -> ConnectorError:
    """Give the error for a read whose answer is JSON, but not of the shape that Jira gives."""
    return Unavailable(deed.system, deed.what, said=_ODD)


def unsteady(deed: Deed) -> ConnectorError:
    """Give the error for a list that kept changing while it was read page by page."""
    return Unavailable(deed.system, deed.what, said="the list keeps changing while it is read")


def _cause(error: Exception) -> str:
    unread = not isinstance(error, requests.RequestException) or isinstance(error, requests.JSONDecodeError)
    return _ODD if unread else cause_of(error)


def retry_after(response: requests.Response) -> float | None:
    """Give the seconds to wait that an answer names: a whole number, a decimal, or an HTTP date."""
    now = parse_http_date(response.headers.get("Date")) or datetime.now(UTC)
    return parse_retry_after(response.headers.get("Retry-After"), now=now)


def _body(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _errors(response: requests.Response) -> dict[str, str]:
    errors = _body(response).get("errors")
    return {str(k): str(v) for k, v in errors.items()} if isinstance(errors, dict) else {}


def _field(response: requests.Response) -> str | None:
    name = next(iter(_errors(response)), None)
    return None if name is None else FIELDS.get(name, name)


def _said(response: requests.Response) -> str:
    denied = response.headers.get("X-Authentication-Denied-Reason")
    if denied:
        return bounded(denied)
    body = _body(response)
    messages = body.get("errorMessages")
    texts = [f"{name}: {text}" for name, text in _errors(response).items()]
    texts += [str(text) for text in messages] if isinstance(messages, list) else []
    texts += [body[key] for key in ("message", "errorMessage") if isinstance(body.get(key), str) and not texts]
    return bounded("; ".join(texts)) if texts else f"HTTP {response.status_code}, {_kind(response)}"


def _kind(response: requests.Response) -> str:
    if not response.content:
        return "no body"
    kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    return f"not in Jira's form ({bounded(kind, 60) or 'no content type'})"
