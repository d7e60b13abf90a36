"""Paged queries of incidents."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase_connectors.standins.resilient import ResilientStandin


@pytest.fixture
def three(rest: Any, clock: Any) -> list[int]:
    made = []
    for name, severity in (("Alpha", 6), ("beta", 4), ("Gamma", None)):
        made.append(rest.create(name=name, severity_code=severity, incident_type_ids=[19] if severity == 6 else [],
                                properties={"kibana_case_id": name}))
        clock.forward(seconds=1)
    return made


@pytest.mark.parametrize(("condition", "hits"), [
    (("name", "equals", "beta"), [1]), (("name", "not_equals", "beta"), [0, 2]), (("name", "contains", "A"), [0, 1, 2]),
    (("name", "contains", "amm"), [2]), (("severity_code", "equals", 6), [0]),
    (("severity_code", "in", [4, 6]), [0, 1]),
    (("severity_code", "in", ["Low"]), [1]), (("severity_code", "not_in", [4]), [0, 2]),
    (("severity_code", "has_a_value", None), [0, 1]), (("severity_code", "does_not_have_a_value", None), [2]),
    (("incident_type_ids", "contains", 19), [0]), (("incident_type_ids", "has_a_value", None), [0]),
    (("properties.kibana_case_id", "equals", "Gamma"), [2]), (("plan_status", "equals", "C"), []),
    (("create_date", "gte", 1_772_461_816_250), [1, 2]), (("create_date", "gt", 1_772_461_816_250), [2]),
    (("create_date", "lte", 1_772_461_815_250), [0]), (("create_date", "lt", 1_772_461_815_250), []),
])
def test_conditions(rest: Any, three: list[int], condition: tuple[str, str, Any], hits: list[int]) -> None:
    found = rest.query(condition)
    assert [each["id"] for each in found["data"]] == [three[each] for each in hits]
    assert (found["recordsTotal"], found["recordsFiltered"]) == (3, len(hits))


@pytest.mark.parametrize("body", [
    {"filters": [{"conditions": [{"field_name": "kibana_case_id", "method": "equals", "value": "x"}]}]},
    {"filters": [{"conditions": [{"field_name": "name", "method": "like", "value": "x"}]}]},
    {"filters": [{"conditions": [{"field_name": "name", "method": "gte", "value": "x"}]}]},
    {"filters": [{"conditions": [{"field_name": "create_date", "method": "gte", "value": "2026-01-01"}]}]},
    {"filters": [{"conditions": [{"field_name": "create_date", "method": "gte", "value": None}]}]},
    {"sorts": [{"field_name": "nothing"}]}, {"sorts": [{"field_name": "id", "type": "up"}]},
    {"start": -1}, {"length": "5"}, {"filters": {}},
])
def test_what_is_not_understood(rest: Any, body: Any) -> None:
    assert rest("POST", "/incidents/query_paged", body).status_code == 400


def test_conditions_are_anded_and_filters_ored(rest: Any, three: list[int]) -> None:
    assert rest.query(("severity_code", "has_a_value", None), ("name", "equals", "beta"))["recordsFiltered"] == 1
    either = [{"conditions": [{"field_name": "name", "method": "equals", "value": each}]} for each in ("Alpha", "beta")]
    found = rest.ok("POST", "/incidents/query_paged", {"filters": either})
    assert [each["id"] for each in found["data"]] == three[:2]
    assert rest.ok("POST", "/incidents/query_paged", {})["recordsFiltered"] == 3


def test_sorts_and_pages(rest: Any, three: list[int], standin: ResilientStandin) -> None:
    newest = {"sorts": [{"field_name": "inc_last_modified_date", "type": "desc"}]}
    assert [each["id"] for each in rest.query(**newest)["data"]] == three[::-1]
    by_severity = {"sorts": [{"field_name": "severity_code"}, {"field_name": "id", "type": "desc"}]}
    assert [each["name"] for each in rest.query(**by_severity)["data"]] == ["Gamma", "Alpha", "beta"]
    page = rest.query(start=1, length=1)
    assert ([each["id"] for each in page["data"]], page["recordsFiltered"]) == ([three[1]], 3)
    standin.limit_pages(2)
    assert len(rest.query(length=100)["data"]) == 2
    assert rest.query(start=3)["data"] == []


def test_levels(rest: Any, three: list[int]) -> None:
    partial, normal, full = (rest.query(level=level)["data"][0] for level in ("partial", "normal", "full"))
    assert "properties" not in partial
    assert normal["properties"] == {"kibana_case_id": "Alpha"}
    assert "creator_principal" not in normal
    assert full == rest.ok("GET", f"/incidents/{three[0]}")
    assert rest("POST", "/incidents/query_paged?return_level=all", {}).status_code == 400


def test_queries_may_lag(run: Any, rest_to: Any, clock: Any) -> None:
    standin = run(search_lag=30)
    rest = rest_to(standin)
    number = rest.create()
    assert rest.query()["data"] == []
    clock.forward(seconds=31)
    rest.patch(number, name=("Beaconing host", "New"))
    assert [each["name"] for each in rest.query()["data"]] == ["Beaconing host"]
    assert rest.ok("GET", f"/incidents/{number}")["name"] == "New"
    standin.as_person("maria.lindqvist@example.com").delete(number)
    assert rest.query()["recordsFiltered"] == 1
    clock.forward(seconds=31)
    assert rest.query()["recordsFiltered"] == 0
