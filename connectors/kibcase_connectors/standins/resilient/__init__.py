"""A stand-in of IBM QRadar SOAR (formerly Resilient) that speaks its REST API over HTTP.

Needs the ``server`` extra (starlette, uvicorn). It holds incidents in memory, and enforces the rules
that bite integrations: changes that must name the old value, refusals with status 200, fields demanded
on closing, custom fields named in two ways, HTML that comes back other than it was sent, ids that
differ between organisations.
"""

from __future__ import annotations

from kibcase_connectors.standins.resilient.catalog import (
    ALL_PERMISSIONS,
    ARTIFACT_TYPES,
    DEFAULT_CUSTOM_FIELDS,
    DEFAULT_KEYS,
    DEFAULT_SEVERITIES,
    DEFAULT_USERS,
    SYSTEM,
    TEAM_PERMISSIONS,
    Account,
    ArtifactType,
    Choice,
    Field,
    Group,
    Organization,
    choices,
)
from kibcase_connectors.standins.resilient.person import Person
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Written
from kibcase_connectors.standins.resilient.standin import ResilientStandin
from kibcase_connectors.standins.resilient.state import ResilientState

__all__ = [
    "ALL_PERMISSIONS",
    "ARTIFACT_TYPES",
    "DEFAULT_CUSTOM_FIELDS",
    "DEFAULT_KEYS",
    "DEFAULT_SEVERITIES",
    "DEFAULT_USERS",
    "SYSTEM",
    "TEAM_PERMISSIONS",
    "Account",
    "ArtifactType",
    "Choice",
    "Field",
    "Group",
    "Organization",
    "Person",
    "ResilientProblem",
    "ResilientStandin",
    "ResilientState",
    "Written",
    "choices",
]
