"""Custom fields of cases: by key or label, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kibcase.models.configuration import CustomFieldDefinition
from kibcase_connectors.actions import Create, SetFields
from kibcase_connectors.errors import Refused
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.kibana.customs import definition_of, shown, wire
from kibcase_connectors.model import FIELDS, Receipt

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

OWNER = "securitySolution"
DEFINED = [
    CustomFieldDefinition(key="k-impact", label="Impact", type="text"),
    CustomFieldDefinition(key="k-score", label="Score", type="number"),
    CustomFieldDefinition(key="k-toggle", label="Regulated", type="toggle", required=True, default_value=False),
    CustomFieldDefinition(key="k-other", label="Other", type="text"),
]
CUSTOM = {
    "impact": {"field": "Impact"}, "score": {"field": "k-score"}, "regulated": {"field": "regulated"},
}


@pytest.fixture
def connector(bench: Bench) -> KibanaConnector:
    bench.analyst.configuration.replace(OWNER, custom_fields=DEFINED)
    return bench.whole(custom=CUSTOM)


def write(bench: Bench, connector: KibanaConnector, key: str, **fields: str) -> Receipt:
    version = bench.analyst.cases.get(key).version
    return connector.apply(SetFields(key=key, version=version, fields=fields), bench.announced)


def stored(bench: Bench, key: str) -> dict[str, Any]:
    return {one.key: one.value for one in bench.analyst.cases.get(key).custom_fields}


def test_values_are_texts(bench: Bench, connector: KibanaConnector) -> None:
    given = [
        {"key": "k-impact", "type": "text", "value": "plant 7"}, {"key": "k-score", "type": "number", "value": 7},
        {"key": "k-toggle", "type": "toggle", "value": True},
    ]
    fields = connector.read(bench.case(custom_fields=given)).fields
    assert (fields["impact"], fields["score"], fields["regulated"]) == ("plant 7", "7", "true")
    empty = connector.read(bench.case()).fields
    assert (empty["impact"], empty["score"], empty["regulated"]) == (None, None, "false")
    assert "k-other" not in fields
    assert connector.capabilities.fields >= {*FIELDS, *CUSTOM}


def test_some_are_written_and_the_others_stay(bench: Bench, connector: KibanaConnector) -> None:
    key = bench.case(custom_fields=[
        {"key": "k-other", "type": "text", "value": "stays"}, {"key": "k-toggle", "type": "toggle", "value": True},
    ])
    receipt = write(bench, connector, key, impact="plant 7", score=" 12 ", title="New")
    assert receipt.stored == {"impact": "plant 7", "score": "12", "title": "New"}
    assert stored(bench, key) == {"k-impact": "plant 7", "k-score": 12, "k-toggle": True, "k-other": "stays"}
    assert bench.announced.values == [receipt.stored]
    assert write(bench, connector, key, impact="", regulated="FALSE").stored == {"impact": None, "regulated": "false"}
    assert stored(bench, key) == {"k-impact": None, "k-score": 12, "k-toggle": False, "k-other": "stays"}


def test_a_copy_with_custom_fields(bench: Bench, connector: KibanaConnector) -> None:
    made = Create(mark="kibcase-jira-1-2", fields={"impact": "plant 7", "regulated": "true"}, origin_label="SOC-1")
    receipt = connector.apply(made, bench.announced)
    assert (receipt.stored["impact"], receipt.stored["regulated"], receipt.stored["score"]) == ("plant 7", "true", None)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("score", "many", "whole number"), ("score", "1.5", "whole number"), ("score", "9" * 16, "whole number"),
        ("regulated", "perhaps", "true or false"), ("regulated", "", "must have a value"),
        ("impact", "x" * 161, "160 characters"),
    ],
)
def test_values_that_do_not_fit(
    bench: Bench, connector: KibanaConnector, name: str, value: str, why: str
) -> None:
    key = bench.case()
    with pytest.raises(Refused, match=why) as caught:
        write(bench, connector, key, **{name: value})
    assert caught.value.field == name
    assert bench.announced.values == []


def test_a_field_that_is_not_there(bench: Bench, connector: KibanaConnector) -> None:
    wrong = bench.whole(custom={"gone": {"field": "no such"}, "impact": {"field": "Impact"}})
    key = bench.case()
    assert "gone" not in wrong.read(key).fields
    assert "gone" not in wrong.capabilities.fields
    with pytest.raises(Refused, match="no custom field has the key or label 'no such'") as caught:
        write(bench, wrong, key, gone="x")
    assert caught.value.field == "gone"
    found = {finding.subject: finding for finding in wrong.check()}
    assert found["gone"].level == "problem"
    assert found["impact"].level == "ok"
    assert connector.name == wrong.name


def test_a_required_field_that_nothing_fills(bench: Bench) -> None:
    needed = CustomFieldDefinition(key="k-need", label="Needed", type="text", required=True)
    bench.analyst.configuration.replace(OWNER, custom_fields=[needed])
    found = {finding.subject: finding for finding in bench.whole().check()}
    assert found["required"].level == "problem"
    assert "Needed (k-need)" in found["required"].text
    filled = bench.whole(custom={"need": {"field": "Needed"}}).check()
    assert "required" not in {finding.subject for finding in filled if finding.level == "problem"}


def test_who_changed_which(bench: Bench, connector: KibanaConnector) -> None:
    key = bench.case()
    assert not connector.read(key).touched
    changed = [{"key": "k-score", "type": "number", "value": 3}, {"key": "k-toggle", "type": "toggle", "value": False}]
    bench.analyst.cases.update(bench.analyst.cases.get(key), custom_fields=changed)
    touched = connector.read(key).touched
    assert touched["score"].by == "Mara Lindqvist"
    assert "impact" not in touched


def test_a_label_that_two_have() -> None:
    twice = [CustomFieldDefinition(key=key, label="Impact", type="text") for key in ("a", "b")]
    with pytest.raises(ValueError, match="name one by its key, a, b"):
        definition_of("impact", twice)
    assert definition_of("b", twice).key == "b"


def test_values_as_texts() -> None:
    assert [shown(value) for value in (None, "", True, False, 3, 3.0, 2.5, "x")] == [
        None, None, "true", "false", "3", "3", "2.5", "x",
    ]
    assert wire(DEFINED[0], None) is None
