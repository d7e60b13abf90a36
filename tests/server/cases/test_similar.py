"""Similar cases."""

from __future__ import annotations

from typing import Any

import pytest

IPV4 = "observable-type-ipv4"


def observe(kibana: Any, case: dict[str, Any], *values: str, kind: str = IPV4) -> dict[str, Any]:
    body = {"observables": [{"typeKey": kind, "value": value, "description": None} for value in values]}
    answer = kibana.send("POST", f"/internal/cases/{case['id']}/observables/_bulk_create", json=body)
    assert answer.status_code == 200, answer.text
    return case


def similar(kibana: Any, case: dict[str, Any], prefix: str = "", **body: Any) -> dict[str, Any]:
    answer = kibana.send("POST", f"{prefix}/internal/cases/{case['id']}/_similar", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_cases_that_share_an_observable(kibana: Any, clock: Any) -> None:
    cases = []
    for _ in range(4):
        cases.append(kibana.create())
        clock.forward(seconds=1)
    one, two, three, other = cases
    observe(kibana, one, "10.0.0.1", "10.0.0.2")
    observe(kibana, two, "10.0.0.2", "10.0.0.1", "10.0.0.9")
    observe(kibana, three, "10.0.0.1")
    observe(kibana, other, "10.0.0.3")
    found = similar(kibana, one)
    assert (found["page"], found["per_page"], found["total"]) == (1, 20, 2)
    assert [case["id"] for case in found["cases"]] == [two["id"], three["id"]]
    assert found["cases"][0]["similarities"] == {
        "observables": [
            {"typeKey": IPV4, "typeLabel": "IPv4", "value": "10.0.0.1"},
            {"typeKey": IPV4, "typeLabel": "IPv4", "value": "10.0.0.2"},
        ]
    }
    second = similar(kibana, one, page=2, perPage=1)
    assert [case["id"] for case in second["cases"]] == [three["id"]]
    assert (second["page"], second["per_page"], second["total"]) == (2, 1, 2)


def test_owner_type_and_space_must_be_the_same(kibana: Any) -> None:
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    case = observe(kibana, kibana.create(), "10.0.0.1")
    observe(kibana, kibana.create(owner="observability"), "10.0.0.1")
    observe(kibana, kibana.create(), "10.0.0.1", kind="observable-type-hostname")
    assert similar(kibana, case)["cases"] == []
    kibana.refused("POST", f"/s/soc/internal/cases/{case['id']}/_similar", 404, json={})


def test_a_case_without_observables_has_none(kibana: Any) -> None:
    observe(kibana, kibana.create(), "10.0.0.1")
    case = kibana.create()
    assert similar(kibana, case, perPage=5, page=3) == {"cases": [], "page": 1, "per_page": 5, "total": 0}
    assert similar(kibana, case)["per_page"] == 0


def test_types_that_are_gone_do_not_count(kibana: Any) -> None:
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"owner": "securitySolution", "closure_type": "close-by-user", "connector": connector}
    kibana.send("POST", "/api/cases/configure", json={**body, "observableTypes": [{"key": "badge", "label": "Badge"}]})
    case = observe(kibana, kibana.create(), "B-1", kind="badge")
    observe(kibana, kibana.create(), "B-1", kind="badge")
    assert similar(kibana, case)["cases"][0]["similarities"]["observables"] == [
        {"typeKey": "badge", "typeLabel": "Badge", "value": "B-1"}
    ]
    kibana.send("POST", "/api/cases/configure", json=body)
    assert similar(kibana, case)["total"] == 0


def test_a_shown_value_ends_at_its_comma(kibana: Any) -> None:
    case = observe(kibana, kibana.create(), "a,b", kind="observable-type-hostname")
    observe(kibana, kibana.create(), "a,b", kind="observable-type-hostname")
    ((shared,),) = [each["similarities"]["observables"] for each in similar(kibana, case)["cases"]]
    assert shared["value"] == "a"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"perPage": 101}, "The provided perPage value is too high. The maximum allowed perPage value is 100."),
        ({"page": "x"}, 'Invalid value "x" supplied to "page",cannot parse to a number'),
        ({"owner": "cases"}, 'invalid keys "owner"'),
    ],
)
def test_what_is_refused(kibana: Any, body: dict[str, Any], message: str) -> None:
    case = kibana.create()
    assert kibana.refused("POST", f"/internal/cases/{case['id']}/_similar", 400, json=body) == message


def test_an_unknown_case(kibana: Any) -> None:
    message = kibana.refused("POST", "/internal/cases/ghost/_similar", 404, json={})
    assert message == "Saved object [cases/ghost] not found"


def test_licence_and_stack(connect: Any) -> None:
    basic = connect(license="gold")
    assert basic.refused("POST", "/internal/cases/ghost/_similar", 403, json={}) == (
        "In order to use the similar cases feature, you must be subscribed to an Elastic Platinum license"
    )
    assert connect(stack_version="8.17.1").refused("POST", "/internal/cases/x/_similar", 404, json={}) == "Not Found"
