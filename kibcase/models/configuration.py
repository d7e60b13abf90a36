"""The configuration of cases for one owner (Kibana Cases API, /api/cases/configure)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from kibcase.models.base import ApiModel
from kibcase.models.case import CaseSettings, ConnectorRef, CustomField
from kibcase.models.user import Assignee, User

ClosureType = Literal["close-by-user", "close-by-pushing"]


class CustomFieldDefinition(ApiModel):
    """A custom field that cases of an owner have.

    ``key`` is 1 to 36 of ``a-z0-9_-``, ``label`` 1 to 50 characters, ``type`` text, toggle or number. The
    type of a key can never change. A ``required`` field without a default must be given with every case.
    """

    key: str
    label: str
    type: str
    required: bool = False
    default_value: Annotated[str | bool | int | float | None, Field(alias="defaultValue")] = None


class ObservableType(ApiModel):
    """A type of observables: 1 to 36 of ``a-z0-9_-`` and a label of 1 to 50 characters."""

    key: str
    label: str


class TemplateFields(ApiModel):
    """What a template of the configuration puts into a new case; what is None is left out."""

    title: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    severity: str | None = None
    category: str | None = None
    assignees: list[Assignee] | None = None
    connector: ConnectorRef | None = None
    settings: CaseSettings | None = None
    custom_fields: Annotated[list[CustomField] | None, Field(alias="customFields")] = None


class ConfiguredTemplate(ApiModel):
    """A template that is kept in the configuration (templates "v1"; at most 10 per owner).

    With configured custom fields Kibana demands that ``case_fields`` hold all of them.
    """

    key: str
    name: str
    description: str | None = None
    tags: list[str] | None = None
    case_fields: Annotated[TemplateFields | None, Field(alias="caseFields")] = None


class FieldMapping(ApiModel):
    """Where a push puts a part of the case: ``target`` is "not_mapped" or a field of the external system."""

    source: str
    target: str | None = None
    action_type: str | None = None


class CaseConfiguration(ApiModel):
    """How cases of one owner work in a space.

    ``observable_types`` came with stack 8.18. ``error`` is a text if the mappings of the connector could
    not be read. The connector is what Kibana's pages propose; the API never applies it.
    """

    id: str
    version: str
    owner: str
    closure_type: str = "close-by-user"
    connector: ConnectorRef | None = None
    custom_fields: Annotated[list[CustomFieldDefinition], Field(alias="customFields")] = Field(default_factory=list)
    templates: list[ConfiguredTemplate] = Field(default_factory=list)
    observable_types: Annotated[list[ObservableType], Field(alias="observableTypes")] = Field(default_factory=list)
    mappings: list[FieldMapping] = Field(default_factory=list)
    error: str | None = None
    created_at: datetime | None = None
    created_by: User | None = None
    updated_at: datetime | None = None
    updated_by: User | None = None

    def custom_field(self, key: str) -> CustomFieldDefinition | None:
        """Return the custom field of that key, or None."""
        return next((field for field in self.custom_fields if field.key == key), None)

    def full_set(self) -> dict[str, Any]:
        """Return the lists that Kibana empties when an update leaves them out, as it spells them.

        Lists that the stack did not answer with are left out: it would refuse them.
        """
        sent = self.to_api()
        return {key: sent[key] for key in ("customFields", "templates", "observableTypes") if key in sent}
