"""The configuration of cases: custom fields, templates, observable types, closure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

NONE = {"id": "none", "name": "none", "type": ".none", "fields": None}
TEXT = {"key": "host", "label": "Host", "type": "text", "required": False}
TOGGLE = {"key": "vip", "label": "VIP", "type": "toggle", "required": False}
DEFAULTED = {"key": "zone", "label": "Zone", "type": "text", "required": True, "defaultValue": "lan"}
STRICT = {"key": "must", "label": "Must", "type": "text", "required": True}


@pytest.fixture
def space(new_space: Callable[[], Any]) -> Any:
    """A space of its own for a test: a configuration is there once for an owner."""
    return new_space()


def body(**fields: Any) -> dict[str, Any]:
    return {"owner": "cases", "closure_type": "close-by-user", "connector": NONE, **fields}


def configure(kibana: Any, **fields: Any) -> Any:
    return kibana.ok("POST", "/api/cases/configure", body(**fields))


def values(case: Any) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in case["customFields"]}


def test_a_configuration_is_made_and_read(space: Any) -> None:
    assert space.get("/api/cases/configure") == []
    made = configure(space, customFields=[TEXT, TOGGLE])
    assert (made["owner"], made["closure_type"], made["customFields"]) == ("cases", "close-by-user", [TEXT, TOGGLE])
    assert (made["mappings"], made["error"], made["updated_at"]) == ([], None, None)
    (read,) = space.get("/api/cases/configure", owner="cases")
    assert (read["id"], read["version"]) == (made["id"], made["version"])
    assert space.get("/api/cases/configure", owner="observability") == []


def test_a_second_one_takes_the_place_of_the_first(space: Any) -> None:
    first = configure(space, customFields=[TEXT])
    second = configure(space, closure_type="close-by-pushing")
    (read,) = space.get("/api/cases/configure")
    assert (read["id"], read["closure_type"]) == (second["id"], "close-by-pushing")
    assert first["id"] != second["id"]


def test_a_configuration_is_changed(space: Any) -> None:
    made = configure(space)
    path = f"/api/cases/configure/{made['id']}"
    changed = space.ok("PATCH", path, {"version": made["version"], "closure_type": "close-by-pushing"})
    assert changed["closure_type"] == "close-by-pushing"
    assert changed["updated_at"] is not None
    said = space.refused(409, "PATCH", path, {"version": made["version"], "closure_type": "close-by-user"})
    assert "has been updated" in said
    space.refused(404, "PATCH", "/api/cases/configure/nope", {"version": made["version"]})
    space.refused(400, "PATCH", path, {"closure_type": "close-by-user"})


@pytest.mark.parametrize(
    "fields",
    [
        {"closure_type": "never"}, {"more": 1}, {"customFields": [TEXT | {"type": "colour"}]},
        {"customFields": [TEXT | {"key": "Upper"}]}, {"customFields": [TEXT | {"label": "x" * 51}]},
        {"customFields": [TEXT, TEXT]}, {"customFields": [TEXT | {"key": f"k{place}"} for place in range(11)]},
        {"observableTypes": [{"key": "k", "label": "L"}, {"key": "K", "label": "M"}]},
        {"observableTypes": [{"key": "k", "label": "IPv4"}]},
    ],
    ids=["closure", "unknown", "type", "key", "label", "twice", "many", "same keys", "built in"],
)
def test_what_is_no_configuration(kibana: Any, fields: Any) -> None:
    kibana.refused(400, "POST", "/api/cases/configure", body(**fields))


def test_the_type_of_a_field_stays(space: Any) -> None:
    made = configure(space, customFields=[TEXT])
    change = {"version": made["version"], "customFields": [TEXT | {"type": "toggle"}]}
    space.refused(400, "PATCH", f"/api/cases/configure/{made['id']}", change)


def test_fields_of_a_case(space: Any) -> None:
    configure(space, customFields=[TEXT, TOGGLE, DEFAULTED])
    case = space.create(customFields=[{"key": "host", "type": "text", "value": "srv1"}])
    assert values(case) == {"host": "srv1", "vip": None, "zone": "lan"}
    changed = space.change(case, customFields=[{"key": "vip", "type": "toggle", "value": True}])
    assert values(changed) == {"host": None, "vip": True, "zone": "lan"}


def test_fields_that_a_case_cannot_have(space: Any) -> None:
    space.refused(400, "POST", "/api/cases", space.body(customFields=[{"key": "x", "type": "text", "value": "y"}]))
    configure(space, customFields=[TEXT, TOGGLE, STRICT])
    must = {"key": "must", "type": "text", "value": "here"}
    for fields, told in (
        ([], "Must"),
        ([must | {"value": None}], "Must"),
        ([must, {"key": "other", "type": "text", "value": "x"}], "other"),
        ([must, {"key": "vip", "type": "text", "value": "x"}], "VIP"),
        ([must, must], "must"),
        ([must | {"value": "x" * 161}], "value"),
    ):
        said = space.refused(400, "POST", "/api/cases", space.body(customFields=fields))
        assert told in said
    assert values(space.create(customFields=[must])) == {"host": None, "vip": None, "must": "here"}


def test_one_field_is_replaced(space: Any) -> None:
    configure(space, customFields=[TEXT, STRICT])
    case = space.create(customFields=[{"key": "must", "type": "text", "value": "here"}])
    path = f"/internal/cases/{case['id']}/custom_fields"
    given = {"value": "srv2", "caseVersion": space.read(case)["version"]}
    answer = space.ok("PUT", f"{path}/host", given)
    assert answer == {"key": "host", "type": "text", "value": "srv2"}
    space.refused(409, "PUT", f"{path}/host", given | {"value": "srv3"})
    now = space.read(case)
    assert values(now) == {"host": "srv2", "must": "here"}
    assert now["updated_at"] is not None
    space.refused(400, "PUT", f"{path}/must", {"value": None, "caseVersion": now["version"]})
    space.refused(400, "PUT", f"{path}/other", {"value": "x", "caseVersion": now["version"]})


def test_number_fields(space: Any) -> None:
    space.needs(9, 0)
    configure(space, customFields=[{"key": "count", "label": "Count", "type": "number", "required": False}])
    assert values(space.create(customFields=[{"key": "count", "type": "number", "value": 42}])) == {"count": 42}
    fraction = [{"key": "count", "type": "number", "value": 0.5}]
    space.refused(400, "POST", "/api/cases", space.body(customFields=fraction))


def test_fields_are_searched(space: Any) -> None:
    configure(space, customFields=[TOGGLE])
    wanted = space.create(customFields=[{"key": "vip", "type": "toggle", "value": True}])
    space.create(customFields=[{"key": "vip", "type": "toggle", "value": False}])

    def check() -> None:
        found = space.ok("POST", "/internal/cases/_search", {"owner": "cases", "customFields": {"vip": [True]}})
        assert [case["id"] for case in found["cases"]] == [wanted["id"]]

    space.until(check)


def test_templates(space: Any) -> None:
    template = {
        "key": "phish", "name": "Phishing", "description": "d", "tags": ["t"],
        "caseFields": {"title": "Phishing", "tags": ["phishing"], "severity": "high"},
    }
    made = configure(space, templates=[template])
    (kept,) = made["templates"]
    assert (kept["key"], kept["name"], kept["caseFields"]["severity"]) == ("phish", "Phishing", "high")
    path = f"/api/cases/configure/{made['id']}"
    wrong = {"version": made["version"], "templates": [template, template]}
    space.refused(400, "PATCH", path, wrong)


def test_observable_types(space: Any) -> None:
    space.needs(8, 18)
    made = configure(space, observableTypes=[{"key": "mutex", "label": "Mutex"}])
    assert made["observableTypes"] == [{"key": "mutex", "label": "Mutex"}]
    space.needs_platinum()
    case = space.create()
    body = {"observable": {"typeKey": "mutex", "value": "Global\\x", "description": None}}
    whole = space.ok("POST", f"/internal/cases/{case['id']}/observables", body)
    assert [one["typeKey"] for one in whole["observables"]] == ["mutex"]


def test_connectors_are_a_plain_list(kibana: Any) -> None:
    found = kibana.get("/api/cases/configure/connectors/_find")
    assert isinstance(found, list)
    assert all({"id", "name", "actionTypeId"} <= one.keys() for one in found)


def test_a_push_needs_its_connector(kibana: Any) -> None:
    case = kibana.create()
    kibana.refused(404, "POST", f"/api/cases/{case['id']}/connector/kibcase-blackbox-none/_push", {})
