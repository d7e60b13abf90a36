"""A stand-in of Jira, Cloud and Data Center, that speaks REST API v2 (and v3 on Cloud) over HTTP.

Needs the ``server`` extra (starlette, uvicorn), v3 also the ``connectors`` extra. It holds issues in
memory or in a SQLite file, and enforces the rules that bite integrations: workflows, screens, search
consistency, time zones in JQL, permissions, rate limits.
"""

from __future__ import annotations

import kibcase.server  # noqa: F401 - tells in one place that the extra is missing, before anything else needs it
from kibcase_connectors.standins.jira.catalog import (
    ALL_PERMISSIONS,
    DEFAULT_CUSTOM_FIELDS,
    DEFAULT_USERS,
    TEAM_PERMISSIONS,
    CustomField,
    IssueType,
    JiraUser,
    LinkType,
    Named,
    Project,
)
from kibcase_connectors.standins.jira.media import MediaRequest
from kibcase_connectors.standins.jira.person import Person
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.standin import JiraStandin
from kibcase_connectors.standins.jira.state import JiraState
from kibcase_connectors.standins.jira.workflow import (
    DEFAULT_WORKFLOW,
    ScreenField,
    Status,
    Transition,
    Validator,
    Workflow,
)

__all__ = [
    "ALL_PERMISSIONS",
    "DEFAULT_CUSTOM_FIELDS",
    "DEFAULT_USERS",
    "DEFAULT_WORKFLOW",
    "TEAM_PERMISSIONS",
    "CustomField",
    "IssueType",
    "JiraProblem",
    "JiraStandin",
    "JiraState",
    "JiraUser",
    "LinkType",
    "MediaRequest",
    "Named",
    "Person",
    "Project",
    "ScreenField",
    "Status",
    "Transition",
    "Validator",
    "Workflow",
]
