"""What can be set on a running Jira over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from kibcase.server.faults import Fault, Faults
from kibcase_connectors.standins.control import Panel
from kibcase_connectors.standins.control_faults import worded
from kibcase_connectors.standins.jira.call import Switches
from kibcase_connectors.standins.jira.catalog import JiraUser
from kibcase_connectors.standins.jira.credentials import identify
from kibcase_connectors.standins.jira.limits import BUCKET, Limits, Spelling
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.state import JiraState
from kibcase_connectors.standins.jira.troubles import LOGIN_PAGE, MAINTENANCE
from kibcase_connectors.standins.switches import (
    FLAG,
    SECONDS,
    BadSwitch,
    Count,
    Positive,
    Seconds,
    Switch,
    attribute,
    clock_skew,
)

_Span = Annotated[Seconds, Field(gt=0)]
_Interval = Annotated[int, Field(ge=1, le=86_400)]
_NAMES: Final = TypeAdapter[Any](list[str])
_POSITIVE: Final = TypeAdapter[Any](Positive | None)
_SIZE: Final = TypeAdapter[Any](Count | None)
_WINDOWS: Final = TypeAdapter[Any](tuple[tuple[Positive, _Span], ...])
_BUCKET: Final = TypeAdapter[Any](tuple[Count, Count, _Interval] | None)
_SPELLING: Final = TypeAdapter[Any](Spelling)


def panel(faults: Faults, state: JiraState, switches: Switches) -> Panel:
    """Give the switches of a Jira; administrators are users with the global permission ADMINISTER."""
    def is_administrator(headers: Mapping[str, str]) -> bool:
        user = identify(headers.get("authorization"), state.catalog)
        return isinstance(user, JiraUser) and "ADMINISTER" in user.permissions

    limits = switches.limits
    return Panel(
        is_administrator=is_administrator, administrators="users with the permission ADMINISTER",
        envelope=worded(JiraProblem), actions={}, switches={
            "maintenance": _standing(faults, MAINTENANCE),
            "login_page": _standing(faults, LOGIN_PAGE),
            "expired_credentials": attribute(FLAG, switches, "expired"),
            "captcha": Switch(
                kind=_NAMES, read=lambda: sorted(switches.captcha), write=lambda names: _lock(state, switches, names)
            ),
            "captcha_after": attribute(_POSITIVE, switches, "captcha_after"),
            "rate_limit": Switch(
                kind=_BUCKET, read=lambda: None if limits.bucket == BUCKET else limits.bucket,
                write=lambda bucket: _limit(limits, "bucket", BUCKET if bucket is None else bucket),
            ),
            "burst_limits": _windows(limits, "burst"),
            "issue_write_limits": _windows(limits, "issue_writes"),
            "retry_after": attribute(_SPELLING, limits, "spelling"),
            "page_size": attribute(_POSITIVE, switches, "page_cap"),
            "upload_limit": attribute(_SIZE, state, "upload_limit"),
            "search_lag": attribute(SECONDS, state, "search_lag"),
            "clock_skew": clock_skew(state),
        },
    )


def _standing(faults: Faults, fault: Fault) -> Switch:
    # The fault may as well be armed in Python and withdrawn with all others, so that none but the list knows.
    def numbers() -> list[int]:
        return [armed.number for armed in faults.armed if armed.fault == fault]

    def write(on: bool) -> None:  # noqa: FBT001 - the one value of the switch
        held = numbers()
        if on and not held:
            faults.arm(fault)
        for number in () if on else held:
            faults.disarm(number)

    return Switch(kind=FLAG, read=lambda: bool(numbers()), write=write)


def _lock(state: JiraState, switches: Switches, names: list[str]) -> None:
    unknown = sorted(set(names) - state.catalog.users.keys())
    if unknown:
        raise BadSwitch(f"captcha: there is no user {unknown[0][:64]!r}")
    with state.lock:
        for name in switches.captcha - set(names):
            switches.failures.pop(name, None)
        switches.captcha = set(names)


def _windows(limits: Limits, name: str) -> Switch:
    return Switch(
        kind=_WINDOWS, read=lambda: getattr(limits, name), write=lambda windows: _limit(limits, name, windows)
    )


def _limit(limits: Limits, name: str, value: object) -> None:
    setattr(limits, name, value)
    limits.forget()
