"""Extended fields on cases: defaults, checks, PATCH, closing, and the custom fields they are linked to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases.extended_fields import check_required, defaults_of, errors_in
from kibcase.server.cases.extended_fields_pairing import Link, Links, pair_created, pair_updated
from kibcase.server.cases.field_definitions_schema import folded_name, parse_field
from kibcase.server.cases.templates_yaml import dump, load
from kibcase.server.errors import BadRequest

NONE = {"id": "none", "name": "none", "type": ".none", "fields": None}
TICKET = {"key": "ticket", "label": "Ticket", "type": "text", "required": False}
SCORE = {"key": "score", "label": "Score", "type": "number", "required": True, "defaultValue": 5}


@pytest.fixture
def kibana(connect: Callable[..., Any]) -> Any:
    return connect(stack_version="9.5.0")


def field(name: str, control: str = "INPUT_TEXT", kind: str = "keyword", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "control": control, **more}


def make_global(kibana: Any, *fields: dict[str, Any]) -> None:
    for each in fields:
        body = {"owner": "securitySolution", "definition": dump(each), "isGlobal": True}
        answer = kibana.send("POST", "/api/cases/field_definitions", json=body)
        assert answer.status_code == 200, answer.text


def make_template(kibana: Any, *fields: dict[str, Any]) -> dict[str, Any]:
    body = {"owner": "securitySolution", "name": "T", "definition": dump({"fields": list(fields)})}
    answer = kibana.send("POST", "/api/cases/templates", json=body)
    assert answer.status_code == 200, answer.text
    return {"id": answer.json()["templateId"]}


def configure(kibana: Any, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {
        "owner": "securitySolution", "closure_type": "close-by-user", "connector": NONE,
        "customFields": list(fields), **more,
    }
    answer = kibana.send("POST", "/api/cases/configure", json=body)
    assert answer.status_code == 200, answer.text
    saved: dict[str, Any] = answer.json()
    return saved


def entry(case: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"cases": [{"id": case["id"], "version": case["version"], **fields}]}


def test_global_fields_give_every_case_their_defaults(kibana: Any) -> None:
    make_global(kibana, field("impact", metadata={"default": "none"}), field("free"))
    case = kibana.create()
    assert case["extended_fields"] == {"impact_as_keyword": "none"}
    assert [action["type"] for action in kibana.actions(case)] == ["create_case", "extended_fields"]
    assert kibana.actions(case)[1]["payload"] == {"extended_fields": {"impact_as_keyword": "none"}}
    case = kibana.create(extended_fields={"impact_as_keyword": "big", "free_as_keyword": "x"})
    assert case["extended_fields"] == {"impact_as_keyword": "big", "free_as_keyword": "x"}


def test_the_fields_that_a_case_may_have(kibana: Any) -> None:
    make_global(kibana, field("impact", label="Impact", metadata={"default": "none"}, validation={"required": True}))
    template = make_template(
        kibana, field("impact"), field("level", "RADIO_GROUP", metadata={"options": ["a", "b"]}),
        field("help", "MARKDOWN", metadata={"content": "x"}),
    )
    impact = {
        "key": "impact_as_keyword", "name": "impact", "label": "Impact", "type": "keyword", "control": "INPUT_TEXT",
        "required": True, "requiredOnClose": False, "displayOnly": False, "defaultValue": "none", "source": "global",
        "isGlobal": True,
    }
    assert kibana.get("/api/cases/fields", owner="securitySolution") == {"fields": [impact]}
    found = kibana.get("/api/cases/fields", owner="securitySolution", templateId=template["id"])["fields"]
    assert found[0] == impact
    assert [(each["key"], each["source"], each["displayOnly"]) for each in found[1:]] == [
        ("level_as_keyword", "template", False), ("help_as_keyword", "template", True),
    ]
    assert found[1]["options"] == ["a", "b"]
    case = kibana.create(template=template)
    assert kibana.get(f"/api/cases/{case['id']}/fields") == {"fields": found}
    assert kibana.refused("GET", "/api/cases/nope/fields", 404) == "Saved object [cases/nope] not found"
    message = kibana.refused("GET", "/api/cases/fields", 400)
    assert message == "[request query.owner]: expected value of type [string] but got [undefined]"
    message = kibana.refused("GET", "/api/cases/fields", 400, params={"owner": "cases", "templateId": template["id"]})
    assert message == f"Template {template['id']} not found"


def test_a_required_global_field_must_have_a_value(kibana: Any, make_case: Any) -> None:
    make_global(kibana, field("impact", label="Impact", validation={"required": True}))
    message = kibana.refused("POST", "/api/cases", 400, json=make_case())
    assert message == 'Invalid extended_fields: Field "Impact" is required'
    kibana.create(extended_fields={"impact_as_keyword": "x"})


def test_values_are_checked_against_their_fields(kibana: Any, make_case: Any) -> None:
    make_global(kibana, field("impact", label="Impact"))
    template = make_template(kibana, field("score", "INPUT_NUMBER", "integer", validation={"max": 10}))
    values = {"score_as_integer": "11", "Impact": "x", "nope": "y"}
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(template=template, extended_fields=values))
    assert message == (
        'Invalid extended_fields: Unknown extended field key: "Impact". Available keys: "score_as_integer" (score); '
        'Unknown extended field key: "nope". Available keys: "score_as_integer" (score); Field "score" must be <= 10'
    )
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(extended_fields={"Impact": "x"}))
    assert message == (
        'Invalid extended_fields: Unknown extended field key: "Impact". To set the "Impact" field, use its key '
        '"impact_as_keyword"'
    )
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(extended_fields={"impact_as_keyword": 5}))
    assert message == 'Invalid value "5" supplied to "extended_fields,impact_as_keyword"'


def test_a_patch_merges_extended_fields(kibana: Any) -> None:
    make_global(kibana, field("a"), field("b"))
    case = kibana.create()
    assert "extended_fields" not in case
    case = kibana.patch(case, extended_fields={"a_as_keyword": "1"})
    case = kibana.patch(case, extended_fields={"b_as_keyword": "2"}, title="new")
    assert case["extended_fields"] == {"a_as_keyword": "1", "b_as_keyword": "2"}
    recorded = kibana.actions(case, types="extended_fields")
    assert [action["payload"]["extended_fields"] for action in recorded] == [
        {"a_as_keyword": "1"}, {"b_as_keyword": "2"},
    ]
    message = kibana.refused("PATCH", "/api/cases", 400, json=entry(case, extended_fields={"c_as_keyword": "x"}))
    assert 'Unknown extended field key: "c_as_keyword"' in message
    same = {"a_as_keyword": "1", "b_as_keyword": "2"}
    kibana.refused("PATCH", "/api/cases", 406, json=entry(case, extended_fields=same))


def test_a_patch_applies_and_clears_a_template(kibana: Any) -> None:
    template = make_template(kibana, field("a"))
    case = kibana.create()
    assert "template" not in case
    case = kibana.patch(case, template=template | {"version": 1}, extended_fields={"a_as_keyword": "x"})
    assert case["template"] == template | {"version": 1}
    case = kibana.patch(case, template=None)
    assert (case["template"], case["extended_fields"]) == (None, {"a_as_keyword": "x"})
    assert [action["payload"]["template"] for action in kibana.actions(case, types="template")] == [
        template | {"version": 1, "name": "T"}, None,
    ]
    values = {"a_as_keyword": "y"}
    kibana.refused("PATCH", "/api/cases", 400, json=entry(case, extended_fields=values))
    message = kibana.refused("PATCH", "/api/cases", 400, json=entry(case, template={"id": "x"}))
    assert message.startswith('Invalid value "undefined" supplied to "cases,template,version"')
    body = entry(case, template={"id": "x", "version": 1}, extended_fields=values)
    assert kibana.refused("PATCH", "/api/cases", 400, json=body) == "Template x not found"


def test_a_case_is_not_closed_without_what_closing_takes(kibana: Any) -> None:
    needed = {"required_on_close": True}
    make_global(kibana, field("impact", label="Impact", validation=needed))
    template = make_template(
        kibana, field("kind"), field("why", validation=needed), field("impact", validation=needed),
        field("who", validation=needed,
              display={"show_when": {"field": "kind", "operator": "eq", "value": "person"}}),
    )
    case = kibana.create(template=template)
    message = kibana.refused("PATCH", "/api/cases", 400, json=entry(case, status="closed"))
    assert message == (
        f"Cannot close case {case['id']}, required fields must be filled: "
        'Field "Impact" is required; Field "why" is required'
    )
    values = {"impact_as_keyword": "none", "why_as_keyword": "done", "kind_as_keyword": "person"}
    message = kibana.refused("PATCH", "/api/cases", 400, json=entry(case, status="closed", extended_fields=values))
    assert message.endswith('required fields must be filled: Field "who" is required')
    closed = kibana.patch(case, status="closed", extended_fields=values | {"kind_as_keyword": "host"})
    assert closed["status"] == "closed"


def test_closing_asks_for_the_version_the_case_was_made_with(kibana: Any) -> None:
    template = make_template(kibana, field("a"))
    case = kibana.create(template=template)
    stricter = dump({"fields": [field("a", validation={"required_on_close": True})]})
    body = {"owner": "securitySolution", "name": "T", "definition": stricter}
    assert kibana.send("PUT", f"/api/cases/templates/{template['id']}", json=body).status_code == 200
    assert kibana.patch(case, status="closed")["status"] == "closed"


def test_custom_fields_and_extended_fields_are_kept_in_step(kibana: Any) -> None:
    configure(kibana, TICKET, SCORE)
    case = kibana.create(customFields=[{"key": "ticket", "type": "text", "value": "T-1"}])
    assert case["extended_fields"] == {"ticket_as_keyword": "T-1", "score_as_integer": "5"}
    assert {each["key"]: each["value"] for each in case["customFields"]} == {"ticket": "T-1", "score": 5}
    case = kibana.create(extended_fields={"score_as_integer": "7"})
    assert {each["key"]: each["value"] for each in case["customFields"]} == {"ticket": None, "score": 7}
    case = kibana.patch(case, extended_fields={"ticket_as_keyword": "T-2"})
    assert {each["key"]: each["value"] for each in case["customFields"]} == {"ticket": "T-2", "score": 7}
    assert kibana.actions(case)[-1]["payload"] == {"extended_fields": {"ticket_as_keyword": "T-2"}}
    case = kibana.patch(case, customFields=[{"key": "score", "type": "number", "value": 9}])
    assert case["extended_fields"] == {"ticket_as_keyword": "T-2", "score_as_integer": "9"}
    assert kibana.actions(case)[-2]["payload"] == {
        "customFields": [{"key": "ticket", "type": "text", "value": None}]
    }
    assert kibana.actions(case)[-1]["payload"] == {"extended_fields": {"score_as_integer": "9"}}
    case = kibana.patch(case, extended_fields={"ticket_as_keyword": ""})
    assert case["extended_fields"] == {"score_as_integer": "9"}


def test_two_values_for_one_field_are_a_contradiction(kibana: Any, make_case: Any) -> None:
    configure(kibana, TICKET)
    both: dict[str, Any] = {
        "customFields": [{"key": "ticket", "type": "text", "value": "a"}],
        "extended_fields": {"ticket_as_keyword": "b"},
    }
    answer = kibana.send("POST", "/api/cases", json=make_case(**both))
    assert (answer.status_code, answer.json()["attributes"]) == (
        400, {"code": "field_representations_conflict", "fields": ["ticket"]},
    )
    assert answer.json()["message"].startswith("The request supplies conflicting values for both representations")
    case = kibana.create()
    assert kibana.send("PATCH", "/api/cases", json=entry(case, **both)).json()["attributes"]["fields"] == ["ticket"]
    both["extended_fields"]["ticket_as_keyword"] = "a"
    assert kibana.create(**both)["extended_fields"] == {"ticket_as_keyword": "a"}


def test_a_linked_value_must_be_one_of_the_custom_field(kibana: Any, make_case: Any) -> None:
    configure(kibana, SCORE)
    message = kibana.refused("POST", "/api/cases", 400, json=make_case(extended_fields={"score_as_integer": "007"}))
    assert message == (
        'Invalid value(s) for linked case field(s) — "score_as_integer": expected a canonical base-10 integer string, '
        'got "007".'
    )


def test_what_a_vanished_custom_field_required_is_required_no_more(kibana: Any) -> None:
    configure(kibana, {"key": "k", "label": "K", "type": "text", "required": True})
    configure(kibana)
    kibana.create()


FIELDS = [
    field("text", validation={"min_length": 2, "max_length": 4, "pattern": {"regex": "^[a-z]+$"}}),
    field("number", "INPUT_NUMBER", "double", validation={"min": -1, "max": 1}),
    field("select", "SELECT_BASIC", metadata={"options": ["a", "b"]}),
    field("group", "CHECKBOX_GROUP", metadata={"options": ["a", "b"]}),
    field("flag", "TOGGLE", "boolean"),
    field("note", "MARKDOWN", metadata={"content": ""}),
]


@pytest.mark.parametrize(
    ("key", "value", "errors"),
    [
        ("text_as_keyword", "abc", []),
        ("text_as_keyword", "A", ['Field "text" does not match pattern ^[a-z]+$',
                                  'Field "text" must be at least 2 characters']),
        ("text_as_keyword", "abcde", ['Field "text" must be at most 4 characters']),
        ("number_as_double", "0.5", []),
        ("number_as_double", " 1e0 ", []),
        ("number_as_double", "0x2", ['Field "number" must be <= 1']),
        ("number_as_double", "-2", ['Field "number" must be >= -1']),
        ("number_as_double", "Infinity", ['Field "number" must be a number']),
        ("number_as_double", "1,5", ['Field "number" must be a number']),
        ("select_as_keyword", "c", ['Field "select" must be one of: a, b']),
        ("group_as_keyword", '["a","c"]', ['Field "group" contains invalid options: c']),
        ("group_as_keyword", "no json", []),
        ("flag_as_boolean", "yes", ['Field "flag" must be either true or false']),
        (
            "note_as_keyword", "x",
            ['Unknown extended field key: "note_as_keyword". The "note" field is display-only and cannot hold a value'],
        ),
        ("text_as_keyword", "", []),
    ],
)
def test_errors_in_values(key: str, value: str, errors: list[str]) -> None:
    assert errors_in({key: value}, FIELDS, partial=True) == errors


def test_sizes_are_counted_in_bytes() -> None:
    assert errors_in({"a_as_keyword": "é" * 15_000}, [field("a")], partial=True) == []
    assert errors_in({"a_as_keyword": "é" * 15_001}, [field("a")], partial=True) == [
        'Extended field "a_as_keyword" exceeds the maximum size of 30000 bytes'
    ]


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ({"field": "g", "operator": "contains", "value": "a"}, '["a"]', True),
        ({"field": "g", "operator": "empty"}, "[]", True),
        ({"field": "g", "operator": "not_empty"}, "", False),
        ({"field": "x", "operator": "eq", "value": "1"}, "", True),
        ({"combine": "any", "rules": [{"field": "g", "operator": "eq", "value": "q"},
                                      {"field": "g", "operator": "neq", "value": "q"}]}, "p", True),
        ({"combine": "all", "rules": [{"field": "g", "operator": "eq", "value": "q"},
                                      {"field": "g", "operator": "neq", "value": "q"}]}, "p", False),
    ],
)
def test_conditions_decide_what_is_required(condition: Any, value: str, holds: bool) -> None:
    fields = [field("g", "CHECKBOX_GROUP", metadata={"options": ["a"]}),
              field("r", validation={"required_when": condition})]
    if holds:
        with pytest.raises(BadRequest, match='Field "r" is required'):
            check_required({"g_as_keyword": value}, fields)
    else:
        check_required({"g_as_keyword": value}, fields)


def test_defaults_are_strings() -> None:
    fields = [
        field("a", metadata={"default": ["x", "y"]}), field("b", "TOGGLE", "boolean", metadata={"default": True}),
        field("c", "INPUT_NUMBER", "integer", metadata={"default": 5}), field("d"), FIELDS[-1],
    ]
    assert defaults_of(fields) == {
        "a_as_keyword": '["x","y"]', "b_as_boolean": "true", "c_as_integer": "5", "d_as_keyword": "",
    }


LINKS = Links(
    by_key={
        "t": Link(key="t", type="text", name="t", storage="t_as_keyword"),
        "n": Link(key="n", type="number", name="n", storage="n_as_integer"),
        "f": Link(key="f", type="toggle", name="f", storage="f_as_boolean"),
    },
    broken={"b": "type_mismatch"},
)
VALUES = st.fixed_dictionaries(
    {}, optional={"t": st.text(min_size=1), "n": st.integers(-(2**53) + 1, 2**53 - 1), "f": st.booleans()}
)
TYPES = {"t": "text", "n": "number", "f": "toggle"}


@given(VALUES)
def test_values_survive_the_way_there_and_back(values: dict[str, Any]) -> None:
    given_ = [{"key": key, "type": TYPES[key], "value": value} for key, value in values.items()]
    there = pair_created(given_, {}, given_, {}, LINKS)
    assert set(there.extended) == {LINKS.by_key[key].storage for key in values}
    back = pair_created([], there.extended, [], there.extended, LINKS)
    assert sorted(back.custom, key=lambda each: each["key"]) == sorted(given_, key=lambda each: each["key"])
    assert pair_updated(given_, there.extended, given_, there.extended, LINKS).extended == there.extended


def test_a_broken_link_blocks_its_field_alone() -> None:
    broken = [{"key": "b", "type": "text", "value": "x"}]
    with pytest.raises(BadRequest, match="malformed") as caught:
        pair_updated(broken, {}, broken, {}, LINKS)
    assert caught.value.attributes == {
        "code": "field_linkage_malformed", "fields": [{"key": "b", "reason": "type_mismatch"}],
    }
    assert pair_updated([], {}, broken, {}, LINKS).custom == broken


@given(st.text(max_size=60))
def test_any_text_is_yaml_or_refused(text: str) -> None:
    for candidate in (text, "a: " + text, "- " + text):
        try:
            value = load(candidate)
        except BadRequest as error:
            assert error.message.startswith("Invalid YAML definition: YAMLParseError: ")  # noqa: PT017
        else:
            json.dumps(value, allow_nan=False)
        parse_field(candidate)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("2024-01-01", "2024-01-01"), ("012", 12), ("0x1F", 31), ("1e3", 1000), (".inf", None),
        ("true", True), ("~", None), ("{1: a}", {"1": "a"}), ('"5"', "5"),
    ],
)
def test_yaml_has_the_values_of_version_1_2(text: str, value: Any) -> None:
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2", "Map keys must be unique"),
        ("&a [*a]", "an alias refers to what it is part of"),
        ("[" * 20_000, "nesting is too deep"),
        (
            "".join(f"x{level}: &a{level} [{','.join(['1' if level == 0 else f'*a{level - 1}'] * 10)}]\n"
                    for level in range(9)),
            "Excessive alias count",
        ),
        ("!!python/object:os.system {}", "could not determine a constructor"),
        ("!!binary aGk=", "could not determine a constructor"),
    ],
)
def test_yaml_that_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        load(text)


@pytest.mark.parametrize(
    ("one", "two"), [("my-field", "my_field"), ("myField", "my_field"), ("my field", "MyField"), ("a1", "a_1")]
)
def test_twins_fold_onto_one_name(one: str, two: str) -> None:
    assert folded_name(one) == folded_name(two)
    assert folded_name(one) != folded_name(two + "x")
