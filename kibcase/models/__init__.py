"""The objects of the Kibana API, one file per resource."""

from kibcase.models.alert import AlertOfCase, CaseOfAlert, CaseTotals
from kibcase.models.attachment import (
    ActionsAttachment,
    AlertAttachment,
    Attachment,
    EventAttachment,
    ExternalReference,
    FoundComments,
    PersistableState,
    Rule,
    UnknownAttachment,
    UserComment,
)
from kibcase.models.base import ApiModel
from kibcase.models.case import (
    NO_CONNECTOR,
    BulkGetError,
    BulkGetResult,
    Case,
    CaseSettings,
    CaseSeverity,
    CaseStatus,
    ConnectorRef,
    CustomField,
    ExternalService,
    FoundCases,
)
from kibcase.models.observable import Observable
from kibcase.models.status import License, LicenseInfo, ServerStatus, Version
from kibcase.models.user import Assignee, User
from kibcase.models.user_action import FoundUserActions, UserAction

__all__ = [
    "NO_CONNECTOR",
    "ActionsAttachment",
    "AlertAttachment",
    "AlertOfCase",
    "ApiModel",
    "Assignee",
    "Attachment",
    "BulkGetError",
    "BulkGetResult",
    "Case",
    "CaseOfAlert",
    "CaseSettings",
    "CaseSeverity",
    "CaseStatus",
    "CaseTotals",
    "ConnectorRef",
    "CustomField",
    "EventAttachment",
    "ExternalReference",
    "ExternalService",
    "FoundCases",
    "FoundComments",
    "FoundUserActions",
    "License",
    "LicenseInfo",
    "Observable",
    "PersistableState",
    "Rule",
    "ServerStatus",
    "UnknownAttachment",
    "User",
    "UserAction",
    "UserComment",
    "Version",
]
