"""A stand-in of ServiceNow, ITSM and Security Incident Response, that speaks its REST APIs over HTTP.

Needs the ``server`` extra (starlette, uvicorn). It holds records in memory or in a SQLite file, and enforces the rules
that bite integrations: ignored query parts, silently dropped values, data policies, states, journals, time zones.
"""

from __future__ import annotations

from kibcase_connectors.standins.servicenow.access import JOURNAL_CLOSED, Restriction
from kibcase_connectors.standins.servicenow.choices import DEFAULT_CHOICES, Choice
from kibcase_connectors.standins.servicenow.limits import RateRule
from kibcase_connectors.standins.servicenow.people import (
    ALL_GRANTS,
    DEFAULT_GROUPS,
    DEFAULT_USERS,
    TEAM_ROLES,
    Group,
    OAuthApp,
    RsaPublicKey,
    ServiceNowUser,
)
from kibcase_connectors.standins.servicenow.person import Person
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem, aborted
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_connectors.standins.servicenow.rules import (
    CALLER_MANDATORY,
    DEFAULT_POLICIES,
    DEFAULT_RULES,
    DEFAULT_STATES,
    HOLD_REASON_MANDATORY,
    ITSM_STATES,
    SIR_STATES,
    SIR_STATES_OPEN,
    BusinessRule,
    Change,
    DataPolicy,
    StateModel,
    foreign_assignee,
)
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_connectors.standins.servicenow.standin import ServiceNowStandin
from kibcase_connectors.standins.servicenow.state import ServiceNowState

__all__ = [
    "ALL_GRANTS",
    "CALLER_MANDATORY",
    "DEFAULT_CHOICES",
    "DEFAULT_GROUPS",
    "DEFAULT_POLICIES",
    "DEFAULT_RULES",
    "DEFAULT_STATES",
    "DEFAULT_USERS",
    "HOLD_REASON_MANDATORY",
    "ITSM_STATES",
    "JOURNAL_CLOSED",
    "SIR_STATES",
    "SIR_STATES_OPEN",
    "TEAM_ROLES",
    "BusinessRule",
    "Change",
    "Choice",
    "Column",
    "DataPolicy",
    "Group",
    "OAuthApp",
    "Person",
    "RateRule",
    "Restriction",
    "Row",
    "RsaPublicKey",
    "ServiceNowProblem",
    "ServiceNowStandin",
    "ServiceNowState",
    "ServiceNowUser",
    "StateModel",
    "aborted",
    "foreign_assignee",
]
