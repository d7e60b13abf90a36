"""Encoded queries, paging, and the traps in both."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.servicenow import Restriction, ServiceNowStandin
from kibcase_connectors.standins.servicenow.encoded import parse


@pytest.fixture
def stocked(standin: ServiceNowStandin, rest: Any, clock: Any) -> Any:
    """Three incidents, a minute apart: A (1/1, Maria), B (2/2), C (3/3, network)."""
    maria = standin.state.user("maria.lindqvist").sys_id
    for title, level, more in (
        ("A mail", "1", {"assigned_to": maria, "correlation_id": "k-1"}), ("B^caret", "2", {}),
        ("c Mail", "3", {"category": "network"}),
    ):
        rest.create(short_description=title, impact=level, urgency=level, **more)
        clock.forward(minutes=1)
    return rest


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("impact=1", "A"), ("impact!=1", "Bc"), ("impact>=2", "Bc"), ("impact<2", "A"), ("impactIN1, 3", "Ac"),
        ("impactNOT IN1,3", "B"), ("short_descriptionLIKEmail", "Ac"), ("short_descriptionNOT LIKEmail", "B"),
        ("short_descriptionCONTAINSMAIL", "Ac"), ("short_descriptionSTARTSWITHc", "c"),
        ("short_descriptionENDSWITHmail", "Ac"), ("short_description=a MAIL", "A"), ("assigned_toISEMPTY", "Bc"),
        ("assigned_toISNOTEMPTY", "A"), ("assigned_to.user_name=maria.lindqvist", "A"), ("impactANYTHING", "ABc"),
        ("impactBETWEEN2@3", "Bc"), ("impactSAMEASurgency", "ABc"), ("impactNSAMEASurgency", ""),
        ("short_description=B^^caret", "B"), ("impact=1^ORimpact=2", "AB"), ("impact=1^ORimpact=2^urgency=2", "B"),
        ("impact=1^urgency=2^NQcategory=network", "c"), ("ORDERBYDESCsys_created_on", "cBA"),
        ("impact>1^ORDERBYDESCimpact", "cB"), ("ORDERBYcategory^ORDERBYDESCnumber", "BAc"), ("^^EQ^", "ABc"),
        ("sys_created_on>=2026-03-02 14:31:15", "Bc"), ("sys_created_on<2026-03-02 14:31:15", "A"),
        ("sys_created_on>2026-03-01", "ABc"), ("sys_class_nameINSTANCEOFtask", "ABc"),
        ("sys_class_nameINSTANCEOFsn_si_incident", ""), ("correlation_id=", "Bc"),
    ],
)
def test_operators(stocked: Any, query: str, found: str) -> None:
    assert "".join(row["short_description"][0] for row in stocked.find(query)) == found


INVALID = [
    "asigned_to=x", "impact=1^nothing=2", "sys_updated_on>=yesterday", "javascript:gs.log()", "impact>soon",
    "short_description=javascript:gs.getUserName()", "ORDERBYnothing", "impact=1^ORnothing=2",
]


@pytest.mark.parametrize("query", INVALID)
def test_an_invalid_part_is_ignored_and_the_rest_runs(stocked: Any, query: str) -> None:
    assert len(stocked.find(query)) == (1 if "impact=1" in query else 3)


@pytest.mark.parametrize("query", INVALID)
def test_the_strict_property(run: Any, rest_to: Any, query: str) -> None:
    rest = rest_to(run(invalid_query_returns_no_rows=True))
    rest.create(impact="1")
    assert rest.find(query) == []
    assert len(rest.find("impact=1")) == 1


def test_an_administrator_switches_the_property(standin: ServiceNowStandin, rest_to: Any) -> None:
    admin = rest_to(standin, "maria.lindqvist")
    admin.create()
    assert len(admin.find("nothing=1")) == 1
    row, = admin.find("name=glide.invalid_query.returns_no_rows", "sys_properties")
    assert admin.change(row["sys_id"], "sys_properties", value="true")["value"] == "true"
    assert admin.find("nothing=1") == []


def test_other_parameters_filter_if_there_is_no_query(stocked: Any) -> None:
    both = stocked("GET", "table/incident", params={"impact": "2", "sysparm_query": "impact=1"}).json()["result"]
    assert [row["impact"] for row in both] == ["1"]
    params = {"impact": "2", "table_name": "incident", "sysparm_query": "", "sysparm_view": "", "sysparm_fields": ""}
    assert [row["impact"] for row in stocked("GET", "table/incident", params=params).json()["result"]] == ["2"]
    caret = stocked("GET", "table/incident", params={"short_description": "B^caret"}).json()["result"]
    assert [row["impact"] for row in caret] == ["2"]


@pytest.mark.parametrize(("literals", "found"), [("UTC", 1), ("user", 0)])
def test_whose_zone_a_literal_is_read_in(run: Any, rest_to: Any, literals: str, found: int) -> None:
    rest = rest_to(run(time_zone="America/New_York", literal_dates=literals))
    rest.create()
    assert len(rest.find("sys_created_on>=2026-03-02 14:30:00")) == found
    assert len(rest.find("sys_created_on>=2026-03-02 09:30:00")) == 1
    script = 'sys_created_onBETWEENjavascript:gs.dateGenerate("2026-03-02 09:00:00")@javascript:gs.dateGenerate('
    assert len(rest.find(script + '"2026-03-02 10:00:00")')) == 1
    assert rest.find(script.replace("09:00:00", "09:45:00") + '"2026-03-02 10:00:00")') == []


def test_pages(stocked: Any, standin: ServiceNowStandin) -> None:
    params = {"sysparm_limit": "1", "sysparm_query": "ORDERBYnumber", "sysparm_fields": "number"}
    seen, url = [], f"{stocked.base}table/incident"
    answer = stocked.session.get(url, params=params, timeout=10)
    assert set(answer.links) == {"first", "next", "last"}
    while True:
        seen += [row["number"] for row in answer.json()["result"]]
        assert answer.headers["X-Total-Count"] == "3"
        if "next" not in answer.links:
            break
        answer = stocked.session.get(answer.links["next"]["url"], timeout=10)
    assert seen == ["INC0010001", "INC0010002", "INC0010003"]
    assert set(answer.links) == {"first", "prev", "last"}
    quiet = stocked("GET", "table/incident", params=params | {
        "sysparm_suppress_pagination_header": "True", "sysparm_no_count": "true", "sysparm_offset": "1"
    })
    assert (quiet.links, "X-Total-Count" in quiet.headers) == ({}, False)
    assert [row["number"] for row in quiet.json()["result"]] == ["INC0010002"]


def test_the_limit_counts_rows_that_are_hidden(stocked: Any, standin: ServiceNowStandin) -> None:
    standin.state.restrict(Restriction(
        table="incident", operations=frozenset({"read"}), rows=lambda values: values["impact"] == "1"
    ))
    first = stocked("GET", "table/incident", params={"sysparm_limit": "1", "sysparm_query": "ORDERBYnumber"})
    assert first.json() == {"result": []}
    assert first.headers["X-Total-Count"] == "3"
    assert "next" in first.links
    hidden = standin.state.rows("incident")[0].sys_id
    stocked.refused(404, "GET", f"table/incident/{hidden}")
    assert len(stocked.find("")) == 2


def test_a_list_may_lag(run: Any, rest_to: Any, clock: Any) -> None:
    rest = rest_to(run(list_lag=10))
    made = rest.create()
    assert rest.find("") == []
    assert rest.record(made["sys_id"])["number"] == "INC0010001"
    clock.forward(seconds=11)
    rest.change(made["sys_id"], impact="1")
    assert [row["impact"] for row in rest.find("")] == ["3"]
    clock.forward(seconds=11)
    assert [row["impact"] for row in rest.find("")] == ["1"]


@given(st.text())
def test_any_text_parses(text: str) -> None:
    query = parse(text)
    assert query.groups


@given(st.text(alphabet=st.characters(exclude_characters="\0")))
def test_a_value_with_doubled_carets_comes_back(value: str) -> None:
    clause = parse("description=" + value.replace("^", "^^")).groups[0][0][0]
    assert (clause.field, clause.operator, clause.value) == ("description", "=", value)


@given(st.lists(st.sampled_from(["impact=1", "impact=2", "urgencyISEMPTY"]), min_size=1, max_size=6),
       st.lists(st.sampled_from(["^", "^OR", "^NQ"]), min_size=6, max_size=6))
def test_no_condition_is_lost(conditions: list[str], joints: list[str]) -> None:
    text = conditions[0] + "".join(joint + each for joint, each in zip(joints, conditions[1:], strict=False))
    query = parse(text)
    flat = [clause for group in query.groups for part in group for clause in part]
    assert [f"{each.field}{each.operator}{each.value}" for each in flat] == conditions
    assert len(query.groups) == 1 + len(re.findall(r"\^NQ", text))
    assert query.malformed == ()
