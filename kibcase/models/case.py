"""Cases and their parts (Kibana Cases API, response of GET /api/cases/{id})."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field

from kibcase.models.active import ActiveCase
from kibcase.models.attachment import Attachment
from kibcase.models.base import ApiModel
from kibcase.models.connector import ConnectorFields, typed_fields
from kibcase.models.observable import Observable, SharedObservable
from kibcase.models.user import Assignee, User
from kibcase.notebook import facts_table, rows_table


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
    """The connector of a case; ``fields`` depends on ``type`` (".jira", ".servicenow", ".none", ...).

    ``of`` builds one with typed fields, ``typed_fields`` reads them.
    """

    id: str
    name: str = ""
    type: str
    fields: dict[str, Any] | None = None

    @classmethod
    def of(cls, connector_id: str, fields: ConnectorFields, *, name: str = "") -> Self:
        """Build the reference to the connector ``connector_id`` of the type that ``fields`` are for."""
        return cls(id=connector_id, name=name, type=fields.connector_type, fields=fields.to_connector())

    @property
    def typed_fields(self) -> ConnectorFields | None:
        """The fields as ``JiraFields`` and the like; None if there are none or the type is not known."""
        return typed_fields(self.type, self.fields)


NO_CONNECTOR = ConnectorRef(id="none", name="none", type=".none", fields=None)
"""The connector of a case that is not pushed anywhere."""


class CaseSettings(ApiModel):
    """The settings of a case. Kibana replaces them as a whole: send all that shall stay.

    ``extract_observables`` is None where the stack (before 9.2) does not know it.
    """

    sync_alerts: Annotated[bool, Field(alias="syncAlerts")]
    extract_observables: Annotated[bool | None, Field(alias="extractObservables")] = None


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


class CaseTemplate(ApiModel):
    """The template that a case was made from, since stack 9.4; ``version`` None leaves the choice to Kibana."""

    id: str
    version: int | None = None


class UpdateSummary(ApiModel):
    """What an update did beside the case, since stack 9.4: how many alerts took another status."""

    synced_alerts: Annotated[int, Field(alias="syncedAlertCount")] = 0


class Case(ActiveCase):
    """A case.

    All but the first six may be missing, for older stacks do not have them: ``in_progress_at``, the
    ``time_to_...`` fields, ``total_events`` and ``incremental_id`` came with 9.2, ``total_observables`` with
    9.3, ``template``, the ``extended_fields`` and ``update_summary`` with 9.4. ``incremental_id`` is given
    some time after the case was created.

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
    custom_fields: Annotated[list[CustomField], Field(alias="customFields")] = Field(default_factory=list)
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
    total_comments: Annotated[int, Field(alias="totalComment")] = 0
    total_alerts: Annotated[int, Field(alias="totalAlerts")] = 0
    total_events: Annotated[int, Field(alias="totalEvents")] = 0
    total_observables: int | None = None
    template: CaseTemplate | None = None
    extended_fields: dict[str, Any] | None = None
    extended_fields_labels: dict[str, Any] | None = None
    update_summary: Annotated[UpdateSummary | None, Field(alias="updateSummary")] = None
    comments: list[Attachment] | None = None

    def __repr__(self) -> str:
        return f"Case(id={self.id!r}, title={self.title!r}, status={str(self.status)!r})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return facts_table({
            "Id": self.id, "Title": self.title, "Status": self.status, "Severity": self.severity,
            "Tags": ", ".join(self.tags), "Owner": self.owner, "Created": self.created_at.isoformat(),
            "Comments": self.total_comments, "Alerts": self.total_alerts,
        })


def cases_table(cases: Sequence[Case], total: int) -> str:
    """Give cases as an HTML table for notebooks."""
    names = ("Title", "Status", "Severity", "Tags", "Created", "Alerts", "Comments", "Id")
    rows = [
        (
            case.title, case.status, case.severity, ", ".join(case.tags), f"{case.created_at:%Y-%m-%d %H:%M}",
            case.total_alerts, case.total_comments, case.id,
        )
        for case in cases
    ]
    return rows_table(names, rows, total)


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

    def __repr__(self) -> str:
        return f"FoundCases(page={self.page}, {len(self.cases)} of {self.total} cases)"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return cases_table(self.cases, self.total)


class BulkGetError(ApiModel):
    """Why one id could not be read: ``status`` 404 is missing, 403 is not allowed."""

    case_id: Annotated[str, Field(alias="caseId")]
    error: str = ""
    message: str = ""
    status: int | None = None


class BulkGetResult(ApiModel):
    """The cases that could be read, and why the others could not (POST /internal/cases/_bulk_get)."""

    cases: list[Case]
    errors: list[BulkGetError] = Field(default_factory=list)


class ResolvedCase(ApiModel):
    """A case that an old id may lead to (GET /api/cases/{id}/resolve).

    ``outcome`` is exactMatch, aliasMatch (``alias_target_id`` is the id of today) or conflict (both exist).
    """

    case: Case
    outcome: str
    alias_target_id: str | None = None
    alias_purpose: str | None = None


class Similarities(ApiModel):
    """What a case shares with another one."""

    observables: list[SharedObservable] = Field(default_factory=list)


class SimilarCase(Case):
    """A case that shares observables with another one."""

    similarities: Similarities = Similarities()


class FoundSimilarCases(ApiModel):
    """One page of similar cases (POST /internal/cases/{id}/_similar)."""

    cases: list[SimilarCase]
    page: int = 1
    per_page: int = 20
    total: int = 0

    def __repr__(self) -> str:
        return f"FoundSimilarCases(page={self.page}, {len(self.cases)} of {self.total} cases)"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return cases_table(self.cases, self.total)


class StatusCounts(ApiModel):
    """How many cases there are of each status."""

    open: int = 0
    in_progress: int = 0
    closed: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.open + self.in_progress + self.closed
