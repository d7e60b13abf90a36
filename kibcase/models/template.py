"""Case templates ("v2"), reusable field definitions and the fields that apply to a case (stack 9.4/9.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from kibcase.models.base import ApiModel


class Template(ApiModel):
    """A template (GET /api/cases/templates/{id}). Every write makes a new ``version``; old ones stay readable.

    ``definition`` is what Kibana read out of ``yaml``, the text that was written.
    """

    id: Annotated[str, Field(alias="templateId")]
    name: str
    owner: str
    version: Annotated[int, Field(alias="templateVersion")] = 1
    latest_version: Annotated[int | None, Field(alias="latestVersion")] = None
    is_latest: Annotated[bool, Field(alias="isLatest")] = True
    is_enabled: Annotated[bool, Field(alias="isEnabled")] = True
    is_default: Annotated[bool, Field(alias="isDefault")] = False
    definition: dict[str, Any] | str | None = None
    yaml: Annotated[str | None, Field(alias="definitionString")] = None
    description: str | None = None
    tags: list[str] = Field(default_factory=list)
    author: str | None = None
    usage_count: Annotated[int | None, Field(alias="usageCount")] = None
    field_count: Annotated[int | None, Field(alias="fieldCount")] = None
    last_used_at: Annotated[datetime | None, Field(alias="lastUsedAt")] = None
    deleted_at: Annotated[datetime | None, Field(alias="deletedAt")] = None


class FoundTemplates(ApiModel):
    """One page of templates (GET /api/cases/templates)."""

    templates: list[Template]
    page: int = 1
    per_page: Annotated[int, Field(alias="perPage")] = 20
    total: int = 0


class FieldDefinition(ApiModel):
    """A field that templates can refer to, or that all cases of an owner have (``is_global``).

    ``definition`` is YAML text. Name and type can never change.
    """

    id: Annotated[str, Field(alias="fieldDefinitionId")]
    name: str
    owner: str
    definition: str
    description: str | None = None
    is_global: Annotated[bool, Field(alias="isGlobal")] = False
    display_order: Annotated[int | None, Field(alias="displayOrder")] = None


class FoundFieldDefinitions(ApiModel):
    """One page of field definitions (GET /api/cases/field_definitions)."""

    field_definitions: Annotated[list[FieldDefinition], Field(alias="fieldDefinitions")]
    page: int = 1
    per_page: Annotated[int, Field(alias="perPage")] = 20
    total: int = 0


class ApplicableField(ApiModel):
    """A field that a case can have: ``key`` is what goes into ``extended_fields``.

    ``type`` is keyword, integer, long, boolean, date, ...; ``control`` how pages show it; ``source`` is
    global or template. ``display_only`` ones take no value.
    """

    key: str
    name: str
    label: str | None = None
    type: str
    control: str | None = None
    required: bool = False
    required_on_close: Annotated[bool, Field(alias="requiredOnClose")] = False
    display_only: Annotated[bool, Field(alias="displayOnly")] = False
    options: list[Any] | None = None
    default_value: Annotated[Any, Field(alias="defaultValue")] = None
    source: str | None = None
    is_global: Annotated[bool, Field(alias="isGlobal")] = False


class ApplicableFields(ApiModel):
    """The answer of GET /api/cases/fields and GET /api/cases/{id}/fields."""

    fields_: Annotated[list[ApplicableField], Field(alias="fields")] = Field(default_factory=list)
