from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from kibcase import (
    BadRequestError,
    CaseConfiguration,
    ConfiguredTemplate,
    ConflictError,
    ConnectorRef,
    CustomField,
    CustomFieldDefinition,
    InvalidValue,
    JiraFields,
    Kibana,
    LimitError,
    NotFoundError,
    ObservableType,
    TemplateFields,
)
from kibcase.client.configuration import differs, merged
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
FIELD = CustomFieldDefinition(key="team", label="Team", type="text", required=False)
TOGGLE = CustomFieldDefinition(key="vip", label="VIP", type="toggle", required=True, default_value=False)
TYPE = ObservableType(key="process", label="Process")
CONFIGURATION: dict[str, Any] = {
    "id": "conf1", "version": "v1", "owner": "cases", "closure_type": "close-by-user",
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    "customFields": [{"key": "team", "label": "Team", "type": "text", "required": False}],
    "templates": [{"key": "t1", "name": "One", "caseFields": None, "new_key": 1}], "observableTypes": [],
    "mappings": [], "error": None, "created_at": "2024-05-01T10:00:00.000Z",
}


def body(remote: responses.RequestsMock, number: int = -1) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def test_an_update_sends_all_that_would_be_lost(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.patch(f"{URL}/api/cases/configure/conf1", json=CONFIGURATION)
    current = CaseConfiguration.model_validate(CONFIGURATION)
    kibana.configuration.update(current, closure_type="close-by-pushing")
    assert body(remote) == {
        "version": "v1", "closure_type": "close-by-pushing", "customFields": CONFIGURATION["customFields"],
        "templates": CONFIGURATION["templates"], "observableTypes": [],
    }


def test_a_stack_without_observable_types_is_sent_none(kibana: Kibana, remote: responses.RequestsMock) -> None:
    older = {key: value for key, value in CONFIGURATION.items() if key != "observableTypes"}
    remote.get(f"{URL}/api/cases/configure", json=[older])
    remote.patch(f"{URL}/api/cases/configure/conf1", json=older)
    kibana.configuration.update("cases", custom_fields=[])
    assert set(body(remote)) == {"version", "customFields", "templates"}


def test_an_owner_without_configuration(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/configure", json=[])
    assert kibana.configuration.get("cases") is None
    with pytest.raises(NotFoundError, match="no configuration of cases"):
        kibana.configuration.update("cases", closure_type="close-by-user")


def test_replacing_sends_what_kibana_demands(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases/configure", json=CONFIGURATION)
    kibana.configuration.replace(
        "cases", connector=ConnectorRef.of("j1", JiraFields(), name="Jira"),
        templates=[ConfiguredTemplate(key="t", name="T")],
    )
    assert body(remote) == {
        "owner": "cases", "closure_type": "close-by-user", "templates": [{"key": "t", "name": "T", "caseFields": None}],
        "connector": {
            "id": "j1", "name": "Jira", "type": ".jira",
            "fields": {"issueType": None, "priority": None, "parent": None},
        },
    }


def test_limits_are_checked_before_anything_is_sent(kibana: Kibana) -> None:
    with pytest.raises(LimitError, match="customFields is at most 10"):
        kibana.configuration.replace("cases", custom_fields=[FIELD] * 11)
    long = CustomFieldDefinition(key="k", label="x" * 51, type="text")
    with pytest.raises(LimitError, match="custom field label"):
        kibana.configuration.replace("cases", custom_fields=[long])
    with pytest.raises(TypeError, match="not a setting: bogus"):
        kibana.configuration.replace("cases", bogus=1)  # type: ignore[call-arg]


def test_items_are_told_apart_by_key() -> None:
    newer = CustomFieldDefinition(key="team", label="Group", type="text")
    assert merged([FIELD, TOGGLE], [newer]) == [newer, TOGGLE]
    assert merged([FIELD], [TOGGLE]) == [FIELD, TOGGLE]


def test_what_is_there_already_is_no_difference() -> None:
    current = CaseConfiguration.model_validate(CONFIGURATION)
    assert not differs(current, {"custom_fields": [FIELD], "closure_type": "close-by-user"})
    assert differs(current, {"closure_type": "close-by-pushing"})
    assert differs(current, {"custom_fields": [FIELD, TOGGLE]})
    assert differs(current, {"custom_fields": [CustomFieldDefinition(key="team", label="Group", type="text")]})
    assert differs(current, {"connector": ConnectorRef(id="j", name="J", type=".jira")})


@pytest.fixture(params=["8.19.0", "9.5.0"])
def real(request: pytest.FixtureRequest) -> Iterator[Kibana]:
    with (
        CasesServer(stack_version=request.param) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_ensure_with_the_server(real: Kibana) -> None:
    made = real.configuration.ensure("cases", custom_fields=[FIELD], observable_types=[TYPE])
    again = real.configuration.ensure("cases", custom_fields=[FIELD], observable_types=[TYPE])
    assert again.version == made.version
    more = real.configuration.ensure("cases", custom_fields=[TOGGLE], closure_type="close-by-pushing")
    assert [field.key for field in more.custom_fields] == ["team", "vip"]
    assert [each.key for each in more.observable_types] == ["process"]
    assert more.closure_type == "close-by-pushing"
    with pytest.raises(ConflictError):
        real.configuration.update(made, closure_type="close-by-user")
    found = more.custom_field("vip")
    assert found is not None
    assert found.default_value is False
    assert [each.owner for each in real.configuration.all()] == ["cases"]


def test_custom_fields_and_templates_with_the_server(real: Kibana) -> None:
    real.configuration.ensure("cases", custom_fields=[FIELD, TOGGLE])
    template = ConfiguredTemplate(key="phish", name="Phishing", tags=["mail"], case_fields=TemplateFields(
        title="Phishing", tags=["mail"], custom_fields=[
            CustomField(key="team", type="text", value="blue"), CustomField(key="vip", type="toggle", value=False),
        ],
    ))
    saved = real.configuration.ensure("cases", templates=[template])
    assert saved.templates[0].case_fields is not None
    assert saved.templates[0].case_fields.title == "Phishing"
    case = real.cases.create(
        title="t", description="d", owner="cases", custom_fields=[CustomField(key="team", type="text", value="blue")]
    )
    assert {field.key: field.value for field in case.custom_fields} == {"team": "blue", "vip": False}
    assert real.cases.set_custom_field(case, "vip", True).value is True
    with pytest.raises(ConflictError):
        real.cases.set_custom_field(case, "vip", False)
    case = real.cases.get(case.id)
    assert {field.key: field.value for field in case.custom_fields} == {"team": "blue", "vip": True}
    found = real.cases.search(owner="cases", custom_fields={"vip": [True]})
    assert [each.id for each in found.cases] == [case.id]
    with pytest.raises(BadRequestError):
        real.configuration.update("cases", custom_fields=[
            CustomFieldDefinition(key="team", label="Team", type="toggle"), TOGGLE,
        ])


def test_plain_mappings_will_do(real: Kibana) -> None:
    field = {"key": "team", "label": "Team", "type": "text", "default_value": "blue"}
    spelled = {"key": "vip", "label": "VIP", "type": "toggle", "required": True, "defaultValue": False}
    kind = {"key": "process", "label": "Process"}
    made = real.configuration.replace("cases", custom_fields=[field], observable_types=[kind])
    assert [(each.key, each.default_value) for each in made.custom_fields] == [("team", "blue")]
    more = real.configuration.ensure("cases", custom_fields=iter([spelled]), observable_types=[kind])
    assert [(each.key, each.required, each.default_value) for each in more.custom_fields] == [
        ("team", False, "blue"), ("vip", True, False),
    ]
    assert real.configuration.ensure("cases", custom_fields=[field, spelled]).version == more.version
    real.configuration.update("cases", custom_fields=[field], templates=[{"key": "t", "name": "T", "caseFields": {
        "title": "x", "customFields": [{"key": "team", "type": "text", "value": "red"}],
    }}])
    saved = real.configuration.get("cases")
    assert saved is not None
    assert saved.templates[0].case_fields is not None
    assert saved.templates[0].case_fields.title == "x"


def test_what_is_no_item_is_named(kibana: Kibana) -> None:
    with pytest.raises(InvalidValue, match="one of custom_fields is no CustomFieldDefinition: label: Field required"):
        kibana.configuration.replace("cases", custom_fields=[{"key": "team", "type": "text"}])
    with pytest.raises(TypeError, match=r"each of observable_types is a ObservableType or a dict .*, not str"):
        kibana.configuration.ensure("cases", observable_types=["process"])  # type: ignore[list-item]
    current = CaseConfiguration.model_validate(CONFIGURATION)
    with pytest.raises(TypeError, match="each of templates"):
        kibana.configuration.update(current, templates=[None])  # type: ignore[list-item]
