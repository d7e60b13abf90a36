"""Cases and their parts (Kibana Cases API, response of GET /api/cases/{id})."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Annotated, Any

from pydantic import Field

from kibcase.models.attachment import Attachment
from kibcase.models.base import ApiModel
from kibcase.models.observable import Observable
from kibcase.models.user import Assignee, User


class CaseStatus(StrEnum):
    """The status of a case."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    CLOSED = "closed"


class CaseSeverity(StrEnum):
    """The severity of a case, lowest first; a new case is low unless told otherwise."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


# A status or severity that a newer Kibana adds stays readable: as a plain string.
Status = Annotated[CaseStatus | str, Field(union_mode="left_to_right")]
Severity = Annotated[CaseSeverity | str, Field(union_mode="left_to_right")]


class ConnectorRef(ApiModel):
    """The connector of a case; ``fields`` depends on ``type`` (".jira", ".servicenow", ".none", ...)."""

    id: str
    name: str = ""
    type: str
    fields: dict[str, Any] | None = None


NO_CONNECTOR = ConnectorRef(id="none", name="none", type=".none", fields=None)
"""The connector of a case that is not pushed anywhere."""


class CaseSettings(ApiModel):
    """The settings of a case. Kibana replaces them as a whole: send all that shall stay.

    ``extract_observables`` is None where the stack (before 9.2) does not know it.
    """

    sync_alerts: bool = Field(alias="syncAlerts")
    extract_observables: bool | None = Field(default=None, alias="extractObservables")


class CustomField(ApiModel):
    """The value of a custom field: ``type`` is text, toggle or number; ``value`` fits it, or is None."""

    key: str
    type: str
    value: Any = None


class ExternalService(ApiModel):
    """What the last push left: the incident in the external system."""

    connector_id: str | None = None
    connector_name: str | None = None
    external_id: str | None = None
    external_title: str | None = None
    external_url: str | None = None
    pushed_at: datetime | None = None
    pushed_by: User | None = None


class Case(ApiModel):
    """A case.

    ``version`` is opaque and changes with every write; ``update`` needs it. ``updated_at`` is None until
    the first change. ``duration`` and the ``time_to_...`` fields are seconds. ``comments`` is None unless
    the answer held them (answers of attachment writes do).
    """

    id: str
    version: str
    title: str
    status: Status
    owner: str
    created_at: datetime
    description: str = ""
    severity: Severity = CaseSeverity.LOW
    tags: list[str] = Field(default_factory=list)
    category: str | None = None
    assignees: list[Assignee] = Field(default_factory=list)
    connector: ConnectorRef | None = None
    settings: CaseSettings | None = None
    custom_fields: list[CustomField] = Field(default_factory=list, alias="customFields")
    observables: list[Observable] = Field(default_factory=list)
    external_service: ExternalService | None = None
    created_by: User | None = None
    updated_at: datetime | None = None
    updated_by: User | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    duration: int | float | None = None
    in_progress_at: datetime | None = None
    time_to_acknowledge: int | float | None = None
    time_to_investigate: int | float | None = None
    time_to_resolve: int | float | None = None
    incremental_id: int | None = None
    total_comments: int = Field(default=0, alias="totalComment")
    total_alerts: int = Field(default=0, alias="totalAlerts")
    total_events: int = Field(default=0, alias="totalEvents")
    total_observables: int | None = None
    comments: list[Attachment] | None = None

    def __repr__(self) -> str:
        return f"Case(id={self.id!r}, title={self.title!r}, status={str(self.status)!r})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows = {
            "Id": self.id, "Title": self.title, "Status": self.status, "Severity": self.severity,
            "Tags": ", ".join(self.tags), "Owner": self.owner, "Created": self.created_at.isoformat(),
            "Comments": self.total_comments, "Alerts": self.total_alerts,
        }
        lines = [f"<tr><th>{name}</th><td>{escape(str(cell))}</td></tr>" for name, cell in rows.items()]
        return f"<table>{''.join(lines)}</table>"


class FoundCases(ApiModel):
    """One page of cases (GET /api/cases/_find).

    ``total`` counts all that match; the three ``count_...`` ignore the filters on status and search.
    """

    cases: list[Case]
    page: int = 1
    per_page: int = 20
    total: int = 0
    count_open_cases: int = 0
    count_in_progress_cases: int = 0
    count_closed_cases: int = 0


class BulkGetError(ApiModel):
    """Why one id could not be read: ``status`` 404 is missing, 403 is not allowed."""

    case_id: str = Field(alias="caseId")
    error: str = ""
    message: str = ""
    status: int | None = None


class BulkGetResult(ApiModel):
    """The cases that could be read, and why the others could not (POST /internal/cases/_bulk_get)."""

    cases: list[Case]
    errors: list[BulkGetError] = Field(default_factory=list)
