"""What can be set on a running Resilient over HTTP."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter

from kibcase_connectors.standins.control import Panel
from kibcase_connectors.standins.control_faults import worded
from kibcase_connectors.standins.resilient.call import Switches
from kibcase_connectors.standins.resilient.catalog import ALL_PERMISSIONS, Catalog
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.query import PAGE_LIMIT
from kibcase_connectors.standins.resilient.sessions import Sessions
from kibcase_connectors.standins.resilient.state import ResilientState
from kibcase_connectors.standins.switches import (
    FLAG,
    SECONDS,
    STRICT,
    Count,
    Positive,
    Seconds,
    Switch,
    attribute,
    clock_skew,
)


class _Rate(BaseModel):
    model_config = STRICT

    requests: Positive
    seconds: Annotated[Seconds, Field(gt=0)] = 60.0
    status: Literal[429, 503] = 429


_RATE: Final = TypeAdapter[Any](_Rate | None)
_PAGE: Final = TypeAdapter[Any](Annotated[int, Field(ge=1, le=PAGE_LIMIT)] | None)
_COUNT: Final = TypeAdapter[Any](Count)
_MESSAGE: Final = TypeAdapter[Any](Annotated[str, Field(min_length=1, max_length=1000)] | None)


def panel(state: ResilientState, sessions: Sessions, switches: Switches) -> Panel:
    """Give the switches of a platform; administrators are users and API keys with every permission (Basic)."""
    return Panel(
        is_administrator=lambda headers: _is_administrator(headers, state.catalog),
        administrators="users and API keys with every permission, with HTTP Basic",
        envelope=worded(ResilientProblem),
        actions={"end_sessions": sessions.end, "unlock": sessions.unlock}, switches={
            "maintenance": Switch(
                kind=FLAG, read=lambda: switches.maintenance is not None,
                write=lambda on: setattr(switches, "maintenance", 503 if on else None),
            ),
            "rate_limit": Switch(
                kind=_RATE, read=lambda: _rate(switches), write=lambda rate: _limit(switches, rate)
            ),
            "page_size": Switch(
                kind=_PAGE, read=lambda: None if switches.page_limit == PAGE_LIMIT else switches.page_limit,
                write=lambda rows: setattr(switches, "page_limit", PAGE_LIMIT if rows is None else rows),
            ),
            "broken_downloads": attribute(FLAG, switches, "broken_downloads"),
            "conflicts": attribute(_COUNT, switches, "conflicts"),
            "closing_refusal": attribute(_MESSAGE, state, "closing_veto"),
            "search_lag": attribute(SECONDS, state, "search_lag"),
            "clock_skew": clock_skew(state),
        },
    )


def _is_administrator(headers: Mapping[str, str], catalog: Catalog) -> bool:
    # Not with Sessions: it counts wrong secrets, and an account that it has locked must be able to unlock.
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        login, _, secret = base64.b64decode(given.strip(), validate=True).partition(b":")
    except binascii.Error:
        return False
    return any(
        account.login.encode() == login and hmac.compare_digest(account.secret.encode(), secret)
        for account in catalog.accounts.values()
        if account.kind != "system" and account.permissions >= ALL_PERMISSIONS
    )


def _rate(switches: Switches) -> _Rate | None:
    if switches.rate is None:
        return None
    requests, seconds, status = switches.rate
    return _Rate(requests=requests, seconds=seconds, status=503 if status == 503 else 429)


def _limit(switches: Switches, rate: _Rate | None) -> None:
    switches.recent.clear()
    switches.rate = None if rate is None else (rate.requests, rate.seconds, rate.status)
