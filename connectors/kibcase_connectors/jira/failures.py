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
from kibcase_connectors.model import ASSIGNEE
from kibcase_connectors.network import cause_of, never_sent
from kibcase_connectors.waiting import asked_wait, limits_one_thing, rate_limit_reason

_LOG_IN: Final = "Check the account's credentials; API tokens expire."
_CAPTCHA: Final = (
    "Jira wants a captcha: log in once in a browser as this account, check the credentials and start kibcase again. "
    "Until then nothing is sent, since each try deepens the lock."
)
_ANONYMOUS: Final = "Jira does not accept the credentials and serves us as an anonymous caller"
_ADDRESS: Final = (
    "Check that the address is Jira's own, with its context path, and not that of a log-in page or a proxy."
)
_ODD: Final = "the answer is not in Jira's form"
_OWN: Final = frozenset({"errorMessages", "errors"})
"""What Jira's own errors hold one of; those of its framework and of proxies do not."""

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


def captcha(headers: Mapping[str, str]) -> bool:
    """Tell whether Jira wants a captcha before this account may log in again (Data Center)."""
    return "X-Authentication-Denied-Reason" in headers or "DENIED" in headers.get("X-Seraph-LoginReason", "").upper()


def again(locked: Denied) -> Denied:
    """Give the error for a request that is not sent, because Jira asked for a captcha before."""
    return Denied(locked.system, locked.what, said=locked.said, advice=_CAPTCHA)


def no_version_3(deed: Deed) -> Denied:
    """Give the error for a Data Center that was taken for Cloud."""
    return Denied(
        deed.system, deed.what, said="this Jira is Data Center, which has no REST API v3",
        advice="Set deployment: datacenter, and log in with token, or with username and password.",
    )


def from_answer(deed: Deed, response: requests.Response) -> ConnectorError:
    """Give the error for an answer that is not the wanted one, whatever its status."""
    status, said, field = response.status_code, _said(response), _field(response)
    if status == 401 or (login_failed(response.headers) and not (deed.writes and status < 300)):
        advice = _CAPTCHA if captcha(response.headers) else _LOG_IN
        return Denied(deed.system, deed.what, said=said if status >= 400 else _ANONYMOUS, advice=advice)
    if status < 400 or status == 408 or status >= 500:
        return _unusable(deed, response, said)
    if status == 429:
        return _throttled(deed, response, said)
    if status == 404 and not _OWN.intersection(_body(response)):
        # A proxy knows no way to Jira, or Jira has not started its REST API yet: nothing is gone.
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS)
    kind = {404: NotFound, 409: Conflict, 412: Conflict}.get(status, Refused)
    return kind(deed.system, deed.what, said=said, field=field, advice=_ADVICE.get(status, ""))


_ADVICE = {
    403: "Give the account the right to do this in the project's permission scheme.",
    410: "This Jira no longer has the requested API; if it is on Cloud, set deployment: cloud.",
    413: "Send less at once, or raise the limit in Jira.",
}


def _throttled(deed: Deed, response: requests.Response, said: str) -> Throttled:
    reason = rate_limit_reason(response.headers)
    one = limits_one_thing(response.headers)
    told = f"{said}; limit: {reason}{' (too many writes to this one ticket)' if one else ''}" if reason else said
    return Throttled(deed.system, deed.what, said=told, retry_after=retry_after(response), whole=not one)


def _unusable(deed: Deed, response: requests.Response, said: str) -> ConnectorError:
    if 300 <= response.status_code < 400:
        advice = "Jira's address must be the final one and must not lead to a log-in page."
        return Unavailable(deed.system, deed.what, said=said, advice=advice)
    # A 503 that says when to come back was sent in place of doing the work; a gateway that says so (502, 504)
    # does not know whether the work was done. Data Center adds "retry-after: 0" to answers of every kind, so
    # only a positive value says anything.
    wait = retry_after(response) if response.status_code in (502, 503, 504) else None
    if wait and (response.status_code == 503 or not deed.writes):
        return _throttled(deed, response, said)
    if not deed.writes:
        served = response.status_code < 300 and not _body(response)
        return Unavailable(deed.system, deed.what, said=said, advice=_ADDRESS if served else "")
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
    """Give the seconds to wait that an answer names; see ``kibcase_connectors.waiting``."""
    return asked_wait(response.headers, datetime.now(UTC), status=response.status_code)


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
    return None if name is None else {**FIELDS, "assignee": ASSIGNEE}.get(name, name)


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
