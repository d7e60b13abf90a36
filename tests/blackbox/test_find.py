"""Cases are found: filters, sorting, pages and counts."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

ALL = "tkibcaseall"


@pytest.fixture(scope="module")
def cases(kibana: Any) -> list[Any]:
    """Five cases that tests of this module read only; their titles are their numbers in words."""
    given = [
        {"title": "Zero", "severity": "low", "tags": [ALL, "even"], "category": "Phishing"},
        {"title": "One", "severity": "medium", "tags": [ALL, "odd"], "description": "needle in a haystack"},
        {"title": "Two", "severity": "high", "tags": [ALL, "even"], "category": "Malware"},
        {"title": "Three", "severity": "critical", "tags": [ALL, "odd"], "owner": "observability"},
        {"title": "Four", "severity": "low", "tags": [ALL, "even", "last"], "owner": "securitySolution"},
    ]
    made: list[Any] = []
    for fields in given:
        made.append(kibana.create(**fields))
        # Kibana keeps milliseconds; two cases of one moment have no order.
        time.sleep(0.005)
    kibana.change(made[1], status="in-progress")
    kibana.change(made[2], status="closed")
    return made


def titles(kibana: Any, **params: Any) -> list[str]:
    asked = {"tags": ALL, "sortField": "createdAt", "sortOrder": "asc", **params}
    return [case["title"] for case in kibana.find(**asked)["cases"]]


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize(
    ("params", "wanted"),
    [
        ({}, "Zero One Two Three Four"),
        ({"status": "open"}, "Zero Three Four"),
        ({"status": ["in-progress", "closed"]}, "One Two"),
        ({"severity": "low"}, "Zero Four"),
        ({"severity": ["medium", "critical"]}, "One Three"),
        ({"tags": ["even", "last"]}, "Zero Two Four"),
        ({"tags": "odd", "status": "in-progress"}, "One"),
        ({"category": "Phishing"}, "Zero"),
        ({"category": ["Phishing", "Malware"]}, "Zero Two"),
        ({"owner": "observability"}, "Three"),
        ({"owner": ["cases", "securitySolution"]}, "Zero One Two Four"),
        ({"from": "now-1d", "to": "now+1d"}, "Zero One Two Three Four"),
        ({"to": "now-1d"}, ""),
        ({"search": "needle"}, "One"),
        ({"search": "needle", "searchFields": "title"}, ""),
        ({"search": "Three", "searchFields": ["title", "description"]}, "Three"),
        ({"search": "Three Four"}, "Three Four"),
        ({"search": "Three Four", "defaultSearchOperator": "AND"}, ""),
        ({"perPage": 2}, "Zero One"),
        ({"perPage": 2, "page": 3}, "Four"),
        ({"perPage": 2, "page": 4}, ""),
        ({"sortOrder": "desc"}, "Four Three Two One Zero"),
    ],
    ids=json.dumps,
)
def test_filters(kibana: Any, params: Any, wanted: str) -> None:
    assert titles(kibana, **params) == wanted.split()


def test_reporters(kibana: Any, cases: Any) -> None:
    reporter = cases[0]["created_by"]["username"]
    assert len(titles(kibana, reporters=reporter)) == 5
    assert titles(kibana, reporters="nobody-at-all") == []


def test_a_whole_id_is_searched_for(kibana: Any, cases: Any) -> None:
    uuid.UUID(cases[3]["id"])
    assert titles(kibana, search=cases[3]["id"]) == ["Three"]


@pytest.mark.usefixtures("cases")
def test_sorting_by_severity(kibana: Any) -> None:
    found = kibana.find(tags=ALL, sortField="severity", sortOrder="desc")["cases"]
    assert [case["severity"] for case in found] == ["critical", "high", "medium", "low", "low"]


@pytest.mark.usefixtures("cases")
def test_sorting_by_status(kibana: Any) -> None:
    found = kibana.find(tags=ALL, sortField="status", sortOrder="asc")["cases"]
    assert [case["status"] for case in found] == ["open", "open", "open", "in-progress", "closed"]


@pytest.mark.usefixtures("cases")
def test_sorting_by_update(kibana: Any) -> None:
    found = kibana.find(tags=ALL, sortField="updatedAt", sortOrder="desc")["cases"]
    moments = [case["updated_at"] for case in found if case["updated_at"] is not None]
    assert moments == sorted(moments, reverse=True)
    assert len(moments) == 2


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize("name", ["closedAt", "title", "category"])
def test_other_sorting(kibana: Any, name: str) -> None:
    assert kibana.find(tags=ALL, sortField=name, sortOrder="asc")["total"] == 5


@pytest.mark.usefixtures("cases")
def test_counts_do_not_care_for_status_and_search(kibana: Any) -> None:
    names = ("count_open_cases", "count_in_progress_cases", "count_closed_cases")
    for params in ({}, {"status": "closed"}, {"search": "needle"}):
        found = kibana.find(tags=ALL, **params)
        assert [found[name] for name in names] == [3, 1, 1]
    found = kibana.find(tags=ALL, severity="low")
    assert [found["total"], *(found[name] for name in names)] == [2, 2, 0, 0]


@pytest.mark.usefixtures("cases")
def test_a_page_tells_where_it_is(kibana: Any) -> None:
    found = kibana.find(tags=ALL, page=2, perPage=2)
    assert (found["page"], found["per_page"], found["total"], len(found["cases"])) == (2, 2, 5, 2)
    found = kibana.find(tags=ALL)
    assert (found["page"], found["per_page"]) == (1, 20)


@pytest.mark.parametrize(
    "params",
    [
        {"perPage": 101}, {"page": 101, "perPage": 100}, {"page": "x"}, {"status": "done"}, {"severity": "dire"},
        {"sortField": "colour"}, {"sortOrder": "up"}, {"searchFields": "colour"}, {"more": 1}, {"from": "whenever"},
        {"tags": ["x"] * 101}, {"defaultSearchOperator": "XOR"},
    ],
    ids=json.dumps,
)
def test_what_cannot_be_asked(kibana: Any, params: Any) -> None:
    kibana.refused(400, "GET", "/api/cases/_find", params=params)


def test_lists_of_what_there_is(kibana: Any, cases: Any, tag: str) -> None:
    assert {ALL, "even", "odd", "last"} <= set(kibana.get("/api/cases/tags"))
    assert "last" not in kibana.get("/api/cases/tags", owner="cases")
    assert "last" in kibana.get("/api/cases/tags", owner=["cases", "securitySolution"])
    reporters = [one["username"] for one in kibana.get("/api/cases/reporters")]
    assert reporters == [cases[0]["created_by"]["username"]]
    categories = kibana.ok("GET", "/internal/cases/categories", params={"owner": "cases"})
    assert {"Phishing", "Malware"} <= set(categories)
    for path in ("/api/cases/tags", "/api/cases/reporters"):
        kibana.refused(400, "GET", path, params={"more": tag})
