"""docs/configuration.md tells every key with its default, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from kibcase_connectors.custom import CustomField
from kibcase_connectors.jira import JiraConfig, JiraFilter
from kibcase_connectors.kibana import CaseFilter, KibanaConfig
from kibcase_connectors.resilient import ResilientConfig, ResilientFilter
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowFilter
from kibcase_daemon.config import (
    Config,
    FieldConfig,
    LimitsConfig,
    LinkConfig,
    LogConfig,
    PersonConfig,
    ScheduleConfig,
    TemplateConfig,
    TemplatesConfig,
)

Read = Callable[[str], "Document"]
SECTIONS: dict[str, type[BaseModel]] = {
    "The file": Config, "A Kibana system": KibanaConfig, "A Jira system": JiraConfig, "A link rule": LinkConfig,
    "A Resilient system": ResilientConfig, "A filter of incidents": ResilientFilter,
    "A ServiceNow system": ServiceNowConfig, "A filter of records": ServiceNowFilter,
    "A filter of cases": CaseFilter, "A filter of tickets": JiraFilter, "A field": FieldConfig,
    "Templates": TemplatesConfig, "A template": TemplateConfig, "A custom field": CustomField, "A person": PersonConfig,
    "Limits": LimitsConfig, "Schedule": ScheduleConfig, "Log": LogConfig,
}


class Document(Protocol):
    text: str

    def section(self, heading: str) -> str: ...


def rows(section: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \| .+ \|$", section, re.MULTILINE))


def default_of(field: FieldInfo) -> Any:
    value = TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json")
    # A part of the file that may be left out as a whole is an empty mapping to those who write one.
    return {} if isinstance(field.get_default(call_default_factory=True), BaseModel) else value


@pytest.mark.parametrize("heading", SECTIONS)
def test_keys(heading: str, document: Read) -> None:
    told = rows(document("docs/configuration.md").section(heading))
    assert list(told) == list(SECTIONS[heading].model_fields)


@pytest.mark.parametrize("heading", SECTIONS)
def test_defaults(heading: str, document: Read) -> None:
    told = rows(document("docs/configuration.md").section(heading))
    for name, field in SECTIONS[heading].model_fields.items():
        cell = told[name]
        if field.is_required():
            assert cell == "required", name
        elif field.get_default(call_default_factory=True) is None:
            assert cell == "-", name
        else:
            assert yaml.safe_load(cell.strip("`")) == default_of(field), name


def test_every_model_of_the_configuration_is_told() -> None:
    import kibcase_daemon.config as public

    parts = [getattr(public, name) for name in public.__all__ if name.endswith("Config")]
    systems = {KibanaConfig, JiraConfig, ResilientConfig, ServiceNowConfig}
    filters = {CaseFilter, JiraFilter, ResilientFilter, ServiceNowFilter}
    assert {*parts, *systems, *filters, CustomField} == set(SECTIONS.values())
