"""What can be set on a running ServiceNow instance over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from kibcase_connectors.standins.control import Panel
from kibcase_connectors.standins.control_faults import worded
from kibcase_connectors.standins.servicenow.app import Parts
from kibcase_connectors.standins.servicenow.call import Mode, Switches
from kibcase_connectors.standins.servicenow.credentials import identify
from kibcase_connectors.standins.servicenow.limits import Budget, RateRule
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem
from kibcase_connectors.standins.switches import FLAG, SECONDS, STRICT, Count, Switch, attribute, clock_skew


class _Hourly(BaseModel):
    model_config = STRICT

    limit: Count
    api: str = "Table API"
    users: tuple[str, ...] = ()


_RULE: Final = TypeAdapter[Any](_Hourly | None)
_QUOTA: Final = TypeAdapter[Any](Count | None)


def panel(parts: Parts) -> Panel:
    """Give the switches of an instance; administrators are users with the role admin."""
    state, switches, budget = parts.state, parts.switches, parts.budget

    def is_administrator(headers: Mapping[str, str]) -> bool:
        user = identify(headers, state, parts.tokens)
        return user is not None and "admin" in user.roles

    return Panel(
        is_administrator=is_administrator, administrators="users with the role admin",
        envelope=worded(ServiceNowProblem), actions={"revoke_tokens": parts.tokens.revoke}, switches={
            "maintenance": _while(switches, "maintenance"),
            "hibernation": _while(switches, "hibernating"),
            "lost_sessions": _while(switches, "restarting"),
            "rate_limit": Switch(kind=_RULE, read=lambda: _rule(budget), write=lambda rule: _limit(budget, rule)),
            "list_limit": attribute(_QUOTA, switches, "quota"),
            "search_lag": attribute(SECONDS, state, "list_lag"),
            "clock_skew": clock_skew(state),
        },
    )


def _while(switches: Switches, mode: Mode) -> Switch:
    def write(on: bool) -> None:  # noqa: FBT001 - the one value of the switch
        if on:
            switches.mode = mode
        elif switches.mode == mode:
            switches.mode = "running"

    return Switch(kind=FLAG, read=lambda: switches.mode == mode, write=write)


def _rule(budget: Budget) -> _Hourly | None:
    rule = budget.rule
    return None if rule is None else _Hourly(limit=rule.limit, api=rule.api, users=tuple(sorted(rule.users)))


def _limit(budget: Budget, given: _Hourly | None) -> None:
    rule = None if given is None else RateRule(limit=given.limit, api=given.api, users=frozenset(given.users))
    budget.set(rule)
