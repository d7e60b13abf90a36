from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import ApiError, BadRequestError, ConflictError, Kibana, LimitError, NotFoundError, UnsupportedByStack
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
DEFINITION = """\
name: Phishing
tags: [mail]
fields:
  - name: priority
    label: Priority
    type: keyword
    control: SELECT_BASIC
    metadata:
      options: [low, high]
      default: low
"""
FIELD = "name: risk\nlabel: Risk\ntype: keyword\ncontrol: INPUT_TEXT\n"
TEMPLATE = {
    "templateId": "t1", "name": "Phishing", "owner": "cases", "definition": {"fields": []}, "isEnabled": True,
    "definitionString": DEFINITION, "templateVersion": 2, "deletedAt": None, "isLatest": True, "latestVersion": 2,
}


def body(remote: responses.RequestsMock, number: int = -1) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def query(remote: responses.RequestsMock, number: int = -1) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(str(remote.calls[number].request.url)).query)


def test_templates_are_found_page_by_page(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/templates", json={"templates": [TEMPLATE], "page": 1, "perPage": 20, "total": 1})
    found = kibana.templates.find(owner="cases", search="ph", tags=["mail"], author=["mara"], enabled=True)
    assert found.templates[0].yaml == DEFINITION
    assert query(remote) == [
        ("page", "1"), ("perPage", "20"), ("sortField", "name"), ("sortOrder", "asc"), ("owner", "cases"),
        ("search", "ph"), ("tags", "mail"), ("author", "mara"), ("isEnabled", "true"),
    ]


def test_writing_templates(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases/templates", json=TEMPLATE)
    remote.put(f"{URL}/api/cases/templates/t1", json=TEMPLATE)
    remote.delete(f"{URL}/api/cases/templates/t1", status=204)
    remote.get(f"{URL}/api/cases/templates/t1", json=TEMPLATE)
    made = kibana.templates.create(owner="cases", definition=DEFINITION)
    assert (made.id, made.version, made.latest_version) == ("t1", 2, 2)
    assert body(remote) == {"owner": "cases", "definition": DEFINITION}
    kibana.templates.validate(owner="cases", definition=DEFINITION, template_id="t1")
    assert query(remote) == [("dry_run", "true")]
    kibana.templates.replace("t1", owner="cases", definition=DEFINITION, name="P", tags=[], enabled=False)
    assert body(remote) == {"owner": "cases", "definition": DEFINITION, "name": "P", "tags": [], "isEnabled": False}
    assert kibana.templates.get("t1", version=2).id == "t1"
    assert query(remote) == [("version", "2")]
    kibana.templates.delete("t1")


def test_bounds_of_templates(kibana: Kibana) -> None:
    with pytest.raises(LimitError, match="definition"):
        kibana.templates.create(owner="cases", definition="x" * 30_001)
    with pytest.raises(LimitError, match="name"):
        kibana.templates.create(owner="cases", definition="x", name="x" * 51)
    with pytest.raises(LimitError, match="tags of a template"):
        kibana.templates.create(owner="cases", definition="x", tags=["t"] * 11)


@pytest.mark.parametrize("text", ["Not Found", "Saved object [cases/templates] not found"])
def test_an_older_stack_has_no_templates(kibana: Kibana, remote: responses.RequestsMock, text: str) -> None:
    remote.get(f"{URL}/api/cases/templates", status=404, json={"message": text})
    remote.get(f"{URL}/api/status", json={"version": {"number": "9.2.0"}, "status": {}})
    with pytest.raises(UnsupportedByStack, match=r"GET /api/cases/templates needs stack 9\.5\.0"):
        kibana.templates.find()


@pytest.fixture
def real() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_templates_with_the_server(real: Kibana) -> None:
    real.templates.validate(owner="cases", definition=DEFINITION)
    assert list(real.templates.iter()) == []
    made = real.templates.create(owner="cases", definition=DEFINITION)
    assert (made.name, made.version) == ("Phishing", 1)
    with pytest.raises((BadRequestError, ConflictError)):
        real.templates.create(owner="cases", definition=DEFINITION)
    newer = real.templates.replace(made.id, owner="cases", definition=DEFINITION, name="Phish")
    assert (newer.version, newer.name) == (2, "Phish")
    assert real.templates.get(made.id, version=1).name == "Phishing"
    assert [each.id for each in real.templates.iter(owner="cases")] == [made.id]
    [field] = real.fields.applicable(owner="cases", template_id=made.id)
    assert (field.key, field.default_value) == ("priority_as_keyword", "low")
    case = real.cases.create(
        title="t", description="d", owner="cases", template={"id": made.id, "version": 2},
        extended_fields={field.key: "high"},
    )
    assert case.extended_fields == {"priority_as_keyword": "high"}
    assert case.template is not None
    assert case.template.id == made.id
    assert [each.key for each in real.fields.of_case(case)] == ["priority_as_keyword"]
    changed = real.cases.update(case, extended_fields={field.key: "low"})
    assert changed.extended_fields == {"priority_as_keyword": "low"}
    real.templates.delete(made.id)
    with pytest.raises(NotFoundError):
        real.templates.get(made.id)


def test_field_definitions_with_the_server(real: Kibana) -> None:
    made = real.fields.create(owner="cases", definition=FIELD, is_global=True)
    assert (made.name, made.is_global) == ("risk", True)
    with pytest.raises(ConflictError):
        real.fields.create(owner="cases", definition=FIELD)
    changed = real.fields.replace(
        made.id, owner="cases", definition=FIELD.replace("label: Risk", "label: Danger"), is_global=True
    )
    assert "Danger" in changed.definition
    with pytest.raises(ConflictError) as caught:
        real.fields.replace(made.id, owner="cases", definition=FIELD.replace("name: risk", "name: danger"))
    assert isinstance(caught.value, ApiError)
    assert caught.value.body["attributes"]["code"] == "field_identity_immutable"
    assert [each.id for each in real.fields.iter(owner="cases")] == [made.id]
    assert real.fields.get(made.id).name == "risk"
    assert [each.key for each in real.fields.applicable(owner="cases")] == ["risk_as_keyword"]
    real.fields.delete(made.id)
    with pytest.raises(NotFoundError):
        real.fields.get(made.id)
