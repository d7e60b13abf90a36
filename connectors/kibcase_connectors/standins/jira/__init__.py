"""A stand-in of Jira, Cloud and Data Center, that speaks REST API v2 over HTTP.

Needs the ``server`` extra (starlette, uvicorn). It holds issues in memory or in a SQLite file, and
enforces the rules that bite integrations: workflows, screens, search consistency, time zones in JQL.
"""

from __future__ import annotations

from kibcase_connectors.standins.jira.catalog import (
    ALL_PERMISSIONS,
    DEFAULT_USERS,
    TEAM_PERMISSIONS,
    CustomField,
    JiraUser,
    Named,
    Project,
)
from kibcase_connectors.standins.jira.person import Person
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.standin import JiraStandin
from kibcase_connectors.standins.jira.state import JiraState
from kibcase_connectors.standins.jira.workflow import (
    DEFAULT_WORKFLOW,
    ScreenField,
    Status,
    Transition,
    Workflow,
)

__all__ = [
    "ALL_PERMISSIONS",
    "DEFAULT_USERS",
    "DEFAULT_WORKFLOW",
    "TEAM_PERMISSIONS",
    "CustomField",
    "JiraProblem",
    "JiraStandin",
    "JiraState",
    "JiraUser",
    "Named",
    "Person",
    "Project",
    "ScreenField",
    "Status",
    "Transition",
    "Workflow",
]
