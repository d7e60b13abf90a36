"""Connectors to external systems: their fields in a case, their configuration, what they answer.

Sources: connector fields of the Kibana Cases plugin; Kibana actions API, /api/actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError

from kibcase.models.base import ApiModel
from kibcase.models.user import User


class ConnectorFields(ApiModel):
    """The fields that a case has for one type of connector; None leaves the choice to the external system.

    Kibana demands every field and refuses unknown ones. Those in ``optional_keys`` came with stack 9.1:
    they are sent only if they were given.
    """

    connector_type: ClassVar[str] = ""
    optional_keys: ClassVar[frozenset[str]] = frozenset()

    def to_connector(self) -> dict[str, Any]:
        """Return the fields as Kibana wants them in a case."""
        dumped = self.model_dump(mode="json", by_alias=True)
        return {key: value for key, value in dumped.items() if key not in self.optional_keys or value is not None}


class JiraFields(ConnectorFields):
    """Jira. ``issue_type`` is the id of the type; ``parent`` a key; ``other_fields`` JSON text (9.1)."""

    connector_type: ClassVar[str] = ".jira"
    optional_keys: ClassVar[frozenset[str]] = frozenset({"otherFields"})

    issue_type: Annotated[str | None, Field(alias="issueType")] = None
    priority: str | None = None
    parent: str | None = None
    other_fields: Annotated[str | None, Field(alias="otherFields")] = None


class ServiceNowFields(ConnectorFields):
    """ServiceNow ITSM incidents; ``additional_fields`` is JSON text (9.1)."""

    connector_type: ClassVar[str] = ".servicenow"
    optional_keys: ClassVar[frozenset[str]] = frozenset({"additionalFields"})

    impact: str | None = None
    severity: str | None = None
    urgency: str | None = None
    category: str | None = None
    subcategory: str | None = None
    additional_fields: Annotated[str | None, Field(alias="additionalFields")] = None


class ServiceNowSirFields(ConnectorFields):
    """ServiceNow security incidents. The four flags send what the attached alerts hold; JSON text: 9.1."""

    connector_type: ClassVar[str] = ".servicenow-sir"
    optional_keys: ClassVar[frozenset[str]] = frozenset({"additionalFields"})

    category: str | None = None
    subcategory: str | None = None
    priority: str | None = None
    dest_ip: Annotated[bool | None, Field(alias="destIp")] = None
    source_ip: Annotated[bool | None, Field(alias="sourceIp")] = None
    malware_hash: Annotated[bool | None, Field(alias="malwareHash")] = None
    malware_url: Annotated[bool | None, Field(alias="malwareUrl")] = None
    additional_fields: Annotated[str | None, Field(alias="additionalFields")] = None


class ResilientFields(ConnectorFields):
    """IBM Resilient; ``incident_types`` are ids as text; ``additional_fields`` is JSON text (9.1)."""

    connector_type: ClassVar[str] = ".resilient"
    optional_keys: ClassVar[frozenset[str]] = frozenset({"additionalFields"})

    incident_types: Annotated[list[str] | None, Field(alias="incidentTypes")] = None
    severity_code: Annotated[str | None, Field(alias="severityCode")] = None
    additional_fields: Annotated[str | None, Field(alias="additionalFields")] = None


class SwimlaneFields(ConnectorFields):
    """Swimlane."""

    connector_type: ClassVar[str] = ".swimlane"

    case_id: Annotated[str | None, Field(alias="caseId")] = None


class TheHiveFields(ConnectorFields):
    """TheHive; ``tlp`` is 0 (white) to 4."""

    connector_type: ClassVar[str] = ".thehive"

    tlp: int | None = None


FIELDS_OF_TYPE: Mapping[str, type[ConnectorFields]] = {
    kind.connector_type: kind
    for kind in (JiraFields, ServiceNowFields, ServiceNowSirFields, ResilientFields, SwimlaneFields, TheHiveFields)
}


def typed_fields(connector_type: str, fields: Mapping[str, Any] | None) -> ConnectorFields | None:
    """Read the fields of a case's connector; None if there are none, or of a type or shape not known here."""
    kind = FIELDS_OF_TYPE.get(connector_type)
    if kind is None or fields is None:
        return None
    try:
        return kind.model_validate(dict(fields))
    except ValidationError:
        return None


class Connector(ApiModel):
    """A connector (GET /api/actions/connector/{id}). Secrets are never answered.

    ``config`` is None for a preconfigured one. ``is_missing_secrets`` is True after an import.
    """

    id: str
    name: str = ""
    connector_type_id: str
    config: dict[str, Any] | None = None
    is_preconfigured: bool = False
    is_deprecated: bool = False
    is_missing_secrets: bool | None = None
    is_system_action: bool = False
    referenced_by_count: int | None = None


class CaseConnector(ApiModel):
    """A connector that cases can be pushed to (GET /api/cases/configure/connectors/_find)."""

    id: str
    name: str = ""
    type: Annotated[str, Field(alias="actionTypeId")]
    config: dict[str, Any] | None = None
    is_preconfigured: Annotated[bool, Field(alias="isPreconfigured")] = False
    is_deprecated: Annotated[bool, Field(alias="isDeprecated")] = False
    is_missing_secrets: Annotated[bool | None, Field(alias="isMissingSecrets")] = None
    referenced_by_count: Annotated[int | None, Field(alias="referencedByCount")] = None


class ConnectorType(ApiModel):
    """A type of connector (GET /api/actions/connector_types), and whether the licence has it."""

    id: str
    name: str = ""
    enabled: bool = True
    enabled_in_config: bool = True
    enabled_in_license: bool = True
    minimum_license_required: str = "basic"
    supported_feature_ids: list[str] = Field(default_factory=list)
    is_system_action_type: bool = False


class ConnectorAnswer(ApiModel):
    """What running a connector gave (POST /api/actions/connector/{id}/_execute); ``status`` is ok or error."""

    connector_id: str
    status: str
    data: Any = None
    message: str | None = None
    service_message: str | None = None
    retry: bool | str | None = None

    @property
    def ok(self) -> bool:
        """Whether the external system did what it was asked."""
        return self.status == "ok"


class PushedTo(ApiModel):
    """The incident that a push left in the external system."""

    connector_id: str | None = None
    connector_name: str | None = None
    external_id: str | None = None
    external_title: str | None = None
    external_url: str | None = None
    pushed_at: datetime | None = None
    pushed_by: User | None = None


class PushDetails(ApiModel):
    """The times of a case's pushes to one connector, and the incident that they left."""

    latest_push: Annotated[datetime | None, Field(alias="latestUserActionPushDate")] = None
    oldest_push: Annotated[datetime | None, Field(alias="oldestUserActionPushDate")] = None
    external_service: Annotated[PushedTo | None, Field(alias="externalService")] = None


class PushState(ApiModel):
    """Whether a case was pushed, and whether something changed since that a push would send."""

    needs_to_be_pushed: Annotated[bool, Field(alias="needsToBePushed")]
    has_been_pushed: Annotated[bool, Field(alias="hasBeenPushed")]
    details: PushDetails | None = None


class UsedConnector(ApiModel):
    """A connector that a case has or had (GET /internal/cases/{id}/_connectors)."""

    id: str
    name: str = ""
    type: str
    fields: dict[str, Any] | None = None
    push: PushState
