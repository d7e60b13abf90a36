"""GET /api/cases/_find and the lists of values in use."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def crowd(kibana: Any, clock: Any) -> Any:
    """Five cases, one a day, of two owners."""
    made = {}
    days: dict[str, dict[str, Any]] = {
        "alpha": {"severity": "high", "tags": ["red", "blue"], "category": "Malware", "description": "DNS tunnel"},
        "bravo": {"severity": "low", "tags": ["blue"], "assignees": [{"uid": "u1"}]},
        "charlie": {"severity": "critical", "tags": [], "owner": "cases"},
        "delta": {"severity": "medium", "tags": ["red"], "category": "Phishing", "description": "mail to DNS admins"},
        "echo": {"severity": "low", "tags": ["green"], "assignees": [{"uid": "u2"}]},
    }
    for name, fields in days.items():
        made[name] = kibana.create(title=name, **fields)
        clock.forward(days=1)
    kibana.patch(made["bravo"], status="in-progress")
    clock.forward(seconds=1)
    kibana.patch(made["delta"], status="closed")
    return kibana


def titles(kibana: Any, **params: Any) -> list[str]:
    return [case["title"] for case in kibana.get("/api/cases/_find", **params)["cases"]]


ALL = ["alpha", "bravo", "charlie", "delta", "echo"]


def test_pages(crowd: Any) -> None:
    answer = crowd.get("/api/cases/_find", page=2, perPage=2)
    assert [case["title"] for case in answer["cases"]] == ["charlie", "delta"]
    assert (answer["page"], answer["per_page"], answer["total"]) == (2, 2, 5)
    assert answer["cases"][0]["comments"] == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ALL),
        ({"sortOrder": "desc"}, ALL[::-1]),
        ({"sortField": "title", "sortOrder": "desc"}, ALL[::-1]),
        ({"sortField": "severity", "sortOrder": "asc"}, ["bravo", "echo", "delta", "alpha", "charlie"]),
        ({"sortField": "status", "sortOrder": "desc"}, ["delta", "bravo", "alpha", "charlie", "echo"]),
        ({"sortField": "updatedAt", "sortOrder": "desc"}, ["delta", "bravo", "alpha", "charlie", "echo"]),
        ({"sortField": "closedAt", "sortOrder": "asc"}, ["delta", "alpha", "bravo", "charlie", "echo"]),
        ({"sortField": "category", "sortOrder": "asc"}, ["alpha", "delta", "bravo", "charlie", "echo"]),
        ({"status": "open"}, ["alpha", "charlie", "echo"]),
        ({"status": ["open", "closed"]}, ["alpha", "charlie", "delta", "echo"]),
        ({"severity": ["low", "high"]}, ["alpha", "bravo", "echo"]),
        ({"tags": "red"}, ["alpha", "delta"]),
        ({"tags": ["red", "green"]}, ["alpha", "delta", "echo"]),
        ({"tags": "red", "severity": "high"}, ["alpha"]),
        ({"category": ["Malware", "Phishing"]}, ["alpha", "delta"]),
        ({"owner": "cases"}, ["charlie"]),
        ({"owner": "nobody"}, []),
        ({"assignees": "u1"}, ["bravo"]),
        ({"assignees": "none"}, ["alpha", "charlie", "delta"]),
        ({"assignees": ["none", "u2"]}, ["alpha", "charlie", "delta", "echo"]),
        ({"reporters": "mara"}, ALL),
        ({"reporters": "noor"}, []),
        ({"from": "2025-03-03"}, ["charlie", "delta", "echo"]),
        ({"to": "2025-03-02"}, ["alpha", "bravo"]),
        ({"from": "2025-03-02T12:00:00.000Z", "to": "2025-03-02T12:00:00.000Z"}, ["bravo"]),
        ({"from": "now-2d-1s"}, ["delta", "echo"]),
        ({"from": "now-3d/d", "to": "now-3d/d"}, ["charlie"]),
        ({"from": "2025-03-01||+3d"}, ["delta", "echo"]),
        ({"search": "dns"}, ["alpha", "delta"]),
        ({"search": "dns", "searchFields": "title"}, []),
        ({"search": "dns tunnel"}, ["alpha", "delta"]),
        ({"search": "dns tunnel", "defaultSearchOperator": "AND"}, ["alpha"]),
        ({"search": "dns -tunnel", "defaultSearchOperator": "AND"}, ["delta"]),
        ({"search": "alpha | echo"}, ["alpha", "echo"]),
        ({"search": "dns + (mail | charlie)"}, ["delta"]),
        ({"search": '"dns admins"'}, ["delta"]),
        ({"search": '"admins dns"'}, []),
        ({"search": "char*"}, ["charlie"]),
        ({"search": "charly~2"}, ["charlie"]),
        ({"search": "alpha", "status": "closed"}, []),
        ({"search": '")(-+|*~'}, []),
    ],
)
def test_filters_search_and_order(crowd: Any, params: dict[str, Any], expected: list[str]) -> None:
    assert titles(crowd, **params) == expected


def test_a_search_for_an_id_finds_the_case(crowd: Any) -> None:
    wanted = crowd.get("/api/cases/_find")["cases"][2]
    assert titles(crowd, search=wanted["id"]) == ["charlie"]


def test_a_search_for_a_number_finds_the_case(crowd: Any) -> None:
    crowd.get("/api/cases/_find")
    assert titles(crowd, search="4", searchFields="incremental_id.text") == ["delta"]


def test_counts_ignore_status_and_search(crowd: Any) -> None:
    answer = crowd.get("/api/cases/_find", status="closed", search="delta", tags=["red", "blue"])
    assert answer["total"] == 1
    counts = [answer[f"count_{name}_cases"] for name in ("open", "in_progress", "closed")]
    assert counts == [1, 1, 1]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"perPage": 101}, "The provided perPage value is too high. The maximum allowed perPage value is 100."),
        ({"page": 101, "perPage": 100}, "Paginating through more than 10000 documents is not possible."),
        ({"page": "abc"}, 'Invalid value "abc" supplied to "page",cannot parse to a number'),
        ({"perPage": "1_0"}, 'Invalid value "1_0" supplied to "perPage",cannot parse to a number'),
        ({"page": "1e9"}, "Paginating through more than 10000 documents is not possible."),
        ({"page": "Infinity"}, "Paginating through more than 10000 documents is not possible."),
        ({"page": "-Infinity"}, "Unknown key for a VALUE_NULL in [from]."),
        ({"page": "-1e308", "perPage": "99.5"}, "Unknown key for a VALUE_NULL in [from]."),
        ({"page": "0.5"}, "[from] parameter cannot be negative but was [-10]"),
        ({"status": "done"}, 'Invalid value "done" supplied to "status"'),
        ({"sortField": "owner"}, 'Invalid value "owner" supplied to "sortField"'),
        ({"sortOrder": "up"}, 'Invalid value "up" supplied to "sortOrder"'),
        ({"searchFields": "tags"}, 'Invalid value "tags" supplied to "searchFields"'),
        ({"from": "yesterday"}, 'Invalid "from" and/or "to" query parameters'),
        ({"to": "now-999999999y"}, 'Invalid "from" and/or "to" query parameters'),
        ({"foo": "bar"}, 'invalid keys "foo"'),
        ({"tags": [str(number) for number in range(101)]}, "The length of the field tags is too long."),
    ],
)
def test_bad_parameters_are_refused(kibana: Any, params: dict[str, Any], message: str) -> None:
    assert message in kibana.refused("GET", "/api/cases/_find", 400, params=params)


@pytest.mark.parametrize(
    ("params", "page", "size", "first"),
    [
        ({"page": "1.5", "perPage": 2}, 1.5, 2, 1),
        ({"page": "2", "perPage": "1.9"}, 2, 1.9, 1),
        ({"page": " 0x2 ", "perPage": "1e0"}, 2, 1, 1),
        ({"page": "2.0", "perPage": "+2."}, 2, 2, 2),
    ],
)
def test_pages_are_numbers_as_javascript_reads_them(
    crowd: Any, params: dict[str, Any], page: float, size: float, first: int
) -> None:
    everything = [case["id"] for case in crowd.get("/api/cases/_find")["cases"]]
    answer = crowd.get("/api/cases/_find", **params)
    assert (repr(answer["page"]), repr(answer["per_page"])) == (repr(page), repr(size))
    assert [case["id"] for case in answer["cases"]] == everything[first : first + int(size)]


def test_an_empty_page_is_zero(kibana: Any) -> None:
    message = kibana.refused("GET", "/api/cases/_find", 400, params={"page": ""})
    assert message == "[from] parameter cannot be negative but was [-20]"


@pytest.mark.parametrize(
    "text", ["a|" * 1000, "a " * 2000, "alpha " + "a +" * 1500, "-" * 999 + "a|" * 1000, "(" * 3000]
)
def test_a_long_search_is_answered(crowd: Any, text: str) -> None:
    assert crowd.send("GET", "/api/cases/_find", params={"search": text}).status_code == 200
    body = {"owner": "securitySolution", "search": text}
    assert crowd.send("POST", "/internal/cases/_search", json=body).status_code == 200


@pytest.mark.parametrize("version", ["9.2.0", "9.5.0"])
def test_a_search_has_at_most_1024_terms(connect: Any, version: str) -> None:
    kibana = connect(stack_version=version)
    message = "Query contains too many nested clauses; maxClauseCount is set to 1024"
    for joint in ("|", "/"):
        fitting, more = (joint.join(f"w{number}" for number in range(count)) for count in (1024, 1025))
        for text, status in ((fitting, 200), (more, 400)):
            body = {"owner": "cases", "search": text, **({"searchFields": []} if version == "9.5.0" else {})}
            for answer in (
                kibana.send("GET", "/api/cases/_find", params={"search": text}),
                kibana.send("POST", "/internal/cases/_search", json=body),
            ):
                assert answer.status_code == status
                assert status == 200 or answer.json()["message"] == message


def test_many_quoted_words_among_alerts(connect: Any) -> None:
    kibana = connect(stack_version="9.5.0")
    phrase = '"' + " ".join(f"w{number}" for number in range(100_000)) + '"'
    body = {"owner": "cases", "search": phrase, "searchFields": ["cases-comments.alertId"]}
    assert kibana.send("POST", "/internal/cases/_search", json=body).json()["total"] == 0
    owners = [f"o{number}" for number in range(100_000)]
    assert kibana.send("POST", "/internal/cases/_search", json={"owner": owners}).json()["total"] == 0


def test_values_in_use(crowd: Any, mara: Any) -> None:
    assert crowd.get("/api/cases/tags") == ["blue", "green", "red"]
    assert crowd.get("/api/cases/tags", owner="cases") == []
    assert crowd.get("/internal/cases/categories") == ["Malware", "Phishing"]
    assert crowd.get("/api/cases/reporters") == [mara]
    assert crowd.refused("GET", "/api/cases/tags", 400, params={"foo": "1"}) == 'invalid keys "foo"'
