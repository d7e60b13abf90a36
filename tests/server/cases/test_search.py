"""``_search`` and ``_find_containing_all``."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase.server.cases.search_extended import matches

FIELDS = [
    {"key": "vip", "label": "VIP", "type": "toggle", "required": False},
    {"key": "asset", "label": "Asset", "type": "text", "required": False},
    {"key": "score", "label": "Score", "type": "number", "required": False},
]
OWNER = "securitySolution"
DATES = 'Invalid "from" and/or "to" query parameters'


@pytest.fixture
def newer(connect: Any) -> Any:
    return connect(stack_version="9.3.0")


def configure(kibana: Any) -> None:
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"owner": OWNER, "closure_type": "close-by-user", "connector": connector, "customFields": FIELDS}
    assert kibana.send("POST", "/api/cases/configure", json=body).status_code == 200


def search(kibana: Any, **body: Any) -> dict[str, Any]:
    answer = kibana.send("POST", "/internal/cases/_search", json={"owner": OWNER, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def titles(kibana: Any, **body: Any) -> list[str]:
    return [case["title"] for case in search(kibana, **body)["cases"]]


def test_the_answer_is_that_of_find(kibana: Any) -> None:
    kibana.create(title="one")
    kibana.patch(kibana.create(title="two"), status="closed")
    for case in search(kibana)["cases"]:
        kibana.get(f"/api/cases/{case['id']}")
    found = search(kibana, perPage=1, page=2, sortField="title", sortOrder="desc", status="open")
    assert found == {
        "cases": [], "page": 2, "per_page": 1, "total": 1,
        "count_open_cases": 1, "count_in_progress_cases": 0, "count_closed_cases": 1,
    }
    assert search(kibana) == kibana.get("/api/cases/_find", owner=OWNER)


def test_an_owner_must_be_named(kibana: Any) -> None:
    assert kibana.refused("POST", "/internal/cases/_search", 400, json={"search": "x"}) == "Owner is required."
    kibana.create(owner="cases")
    assert search(kibana, owner=[])["total"] == 1
    assert search(kibana, owner=["cases", "observability"])["total"] == 1
    assert search(kibana)["total"] == 0


def test_custom_fields_narrow_the_search(kibana: Any) -> None:
    configure(kibana)
    for title, value in (("yes", True), ("no", False), ("nothing", None)):
        kibana.create(title=title, customFields=[{"key": "vip", "type": "toggle", "value": value}])
    assert titles(kibana, customFields={"vip": [True]}) == ["yes"]
    assert titles(kibana, customFields={"vip": [True, False]}) == ["yes", "no"]
    assert titles(kibana, customFields={"vip": [None]}) == ["nothing"]
    assert titles(kibana, customFields={"vip": [False]}, tags="other") == []
    assert len(titles(kibana, customFields={"vip": []})) == 3
    assert search(kibana, customFields={"vip": [True]}, status="closed")["count_open_cases"] == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"customFields": {"ghost": [True]}}, "Invalid custom field key: ghost."),
        ({"customFields": {"asset": ["x"]}}, "Filtering by custom field of type text is not allowed."),
        ({"customFields": {"score": [1]}}, "Filtering by custom field of type number is not allowed."),
        ({"customFields": {"vip": ["yes"]}}, "Unsupported filtering value for custom field of type toggle."),
        (
            {"customFields": {"vip": [True]}, "owner": [OWNER, "cases"]},
            "Owner must be provided. Multiple owners are not supported.",
        ),
        ({"customFields": {"vip": [True]}, "owner": ""}, "Owner must be provided. Multiple owners are not supported."),
        ({"customFields": {"vip": [True]}, "owner": "cases"}, "No custom fields configured."),
        ({"customFields": {f"k{n}": [] for n in range(11)}}, "Maximum 10 customFields are allowed."),
        ({"customFields": []}, 'Invalid value "[]" supplied to "customFields"'),
        ({"customFields": {"vip": True}}, 'Invalid value "true" supplied to "customFields,vip"'),
        ({"x": 1}, 'invalid keys "x"'),
        ({"from": "never"}, DATES),
        ({"perPage": 101}, "The provided perPage value is too high. The maximum allowed perPage value is 100."),
        ({"searchFields": "cases.title"}, 'Invalid value "cases.title" supplied to "searchFields"'),
    ],
)
def test_what_is_refused(kibana: Any, body: dict[str, Any], message: str) -> None:
    configure(kibana)
    assert kibana.refused("POST", "/internal/cases/_search", 400, json={"owner": OWNER, **body}) == message


def test_assignees_need_a_licence(connect: Any) -> None:
    message = connect(license="basic").refused(
        "POST", "/internal/cases/_search", 403, json={"owner": OWNER, "assignees": "u1"}
    )
    assert message.startswith("In order to filter cases by assignees")


def test_older_stacks_search_as_find_does(kibana: Any) -> None:
    kibana.create(title="Alpha beta")
    kibana.create(title="Gamma", description="alpha")
    assert titles(kibana, search="alpha") == ["Alpha beta", "Gamma"]
    assert titles(kibana, search="alpha beta", defaultSearchOperator="AND") == ["Alpha beta"]
    assert titles(kibana, search="alpha", searchFields=["title"]) == ["Alpha beta"]


def test_where_newer_stacks_look(newer: Any, make_alert: Any) -> None:
    configure(newer)
    plain = newer.create(title="Plain title", description="With words")
    commented = newer.comment(newer.create(title="commented"), "A Needle here")
    newer.attach(newer.create(title="alert"), make_alert("alert-id-1"))
    event = newer.create(title="event")
    newer.attach(event, {"type": "event", "eventId": "event-id-1", "index": "logs", "owner": OWNER})
    custom = [{"key": "asset", "type": "text", "value": "WS-01"}, {"key": "vip", "type": "toggle", "value": True}]
    newer.create(title="custom", customFields=[*custom, {"key": "score", "type": "number", "value": 42}])
    observed = newer.create(title="observed")
    item = {"typeKey": "observable-type-hostname", "value": "Evil-Host", "description": None}
    newer.send("POST", f"/internal/cases/{observed['id']}/observables", json={"observable": item})
    newer.server.number_cases()
    for text, field, expected in (
        ("plain", "cases.title", ["Plain title"]),
        ("words", "cases.description", ["Plain title"]),
        ("words", "cases.title", []),
        ("1", "cases.incremental_id.text", ["Plain title"]),
        ("needle", "cases-comments.comment", ["commented"]),
        ("needle -here", "cases-comments.comment", ["alert"]),
        ("alert-id-1", "cases-comments.alertId", ["alert"]),
        ("alert-id", "cases-comments.alertId", []),
        ("other event-id-1", "cases-comments.eventId", ["event"]),
        ("event-id-1", "cases-comments.alertId", []),
        ("ws-01", "cases.customFields.value", ["custom"]),
        ("ws", "cases.customFields.value", []),
        ("TRUE", "cases.customFields.value", ["custom"]),
        ("42", "cases.customFields.value", ["custom"]),
        ("evil-host", "cases.observables.value", ["observed"]),
        ("evil", "cases.observables.value", []),
        (plain["id"], "cases.title", ["Plain title"]),
    ):
        if text != "needle -here":
            assert titles(newer, search=text, searchFields=[field]) == expected, (text, field)
    everywhere = ["cases-comments.comment", "cases.observables.value", "cases.title"]
    assert titles(newer, search="needle", searchFields=everywhere) == ["commented"]
    assert titles(newer, search="needle") == []
    assert titles(newer, search=commented["id"]) == ["commented"]
    assert search(newer, search="needle", searchFields=everywhere)["count_open_cases"] == 6


def test_which_fields_newer_stacks_know(newer: Any) -> None:
    for field in ("title", "cases.tags", "cases.ef_all_values"):
        body = {"owner": OWNER, "searchFields": [field]}
        newer.refused("POST", "/internal/cases/_search", 400, json=body)


def test_newer_stacks_sort_if_told_how(newer: Any) -> None:
    for title in ("b", "a", "c"):
        newer.create(title=title)
    assert titles(newer, sortField="title") == ["b", "a", "c"]
    assert titles(newer, sortField="title", sortOrder="asc") == ["a", "b", "c"]
    assert titles(newer, sortField="title", sortOrder="desc", search="a b", searchFields="cases.title") == ["b", "a"]


def containing(kibana: Any, **body: Any) -> list[str]:
    answer = kibana.send("POST", "/internal/cases/case/attachments/_find_containing_all", json=body)
    assert answer.status_code == 200, answer.text
    found: list[str] = answer.json()["casesWithAllAttachments"]
    return found


def test_cases_that_contain_all(kibana: Any, make_alert: Any) -> None:
    both, one = kibana.create(), kibana.create()
    kibana.attach(both, make_alert("a1", "a2"))
    kibana.attach(both, {"type": "event", "eventId": "e1", "index": "logs", "owner": OWNER})
    kibana.attach(one, make_alert("a1"))
    ids = [both["id"], one["id"]]
    assert containing(kibana, documentIds=["a1"], caseIds=ids) == ids
    assert containing(kibana, documentIds=["a1", "e1"], caseIds=ids) == [both["id"]]
    assert containing(kibana, documentIds=[], caseIds=ids) == []
    assert containing(kibana, caseIds=ids) == []
    path = "/internal/cases/case/attachments/_find_containing_all"
    assert kibana.refused("POST", path, 404, json={"documentIds": ["a1"], "caseIds": ["ghost"]}) == (
        "Saved object [cases/ghost] not found"
    )
    for body, message in (
        ({"alertIds": ["a1"], "caseIds": ids}, "[request body.alertIds]: definition for this key is missing"),
        (
            {"documentIds": "a1", "caseIds": ids},
            "[request body.documentIds]: expected value of type [array] but got [string]",
        ),
        ({"documentIds": ["a1"]}, "[request body.caseIds]: expected value of type [array] but got [undefined]"),
        ({"caseIds": [1]}, "[request body.caseIds.0]: expected value of type [string] but got [number]"),
    ):
        assert kibana.refused("POST", path, 400, json=body) == message


def test_older_stacks_ask_for_alerts(connect: Any, make_alert: Any) -> None:
    older = connect(stack_version="9.1.0")
    case = older.create()
    older.attach(case, make_alert("a1"))
    assert containing(older, alertIds="a1", caseIds=case["id"]) == [case["id"]]
    assert containing(older, alertIds=["a1", "a2"], caseIds=[case["id"]]) == []
    assert containing(older, alertIds=["a1"]) == []
    path = "/internal/cases/case/attachments/_find_containing_all"
    older.refused("POST", path, 400, json={"documentIds": ["a1"], "caseIds": []})
    connect(stack_version="8.17.0").refused("POST", path, 404, json={})


def test_extended_fields_by_label(connect: Any) -> None:
    newest = connect(stack_version="9.5.0")
    configure(newest)
    for title, asset, score in (("one", "ws-01", 1), ("two", "ws-02", 2), ("none", None, None)):
        custom = [
            {"key": "asset", "type": "text", "value": asset}, {"key": "score", "type": "number", "value": score},
        ]
        newest.create(title=title, customFields=custom)

    def filtered(*filters: tuple[str, str], **more: Any) -> list[str]:
        asked = [{"label": label, "value": value} for label, value in filters]
        return titles(newest, extendedFieldFilters=asked, **more)

    assert filtered(("ASSET", "ws-01")) == ["one"]
    assert filtered(("asset", "ws-01"), ("score", "2")) == []
    assert filtered(("Score", "2.0")) == ["two"]
    assert filtered(("score", "many")) == ["one", "two", "none"]
    assert filtered(("unheard of", "x")) == ["one", "two", "none"]
    assert filtered(("asset", "ws-02"), search="two", searchFields="cases.title") == ["two"]
    assert titles(newest, search="01", searchFields="cases.ef_all_values") == ["one"]
    assert search(newest)["cases"][0]["extended_fields_labels"]
    body = {"owner": OWNER, "extendedFieldFilters": [{"label": "x"}]}
    newest.refused("POST", "/internal/cases/_search", 400, json=body)


@pytest.mark.parametrize(
    ("control", "kind", "stored", "value", "held"),
    [
        ("INPUT_TEXT", "keyword", "Oslo", "Oslo", True),
        ("INPUT_TEXT", "keyword", "Oslo", "oslo", False),
        ("CHECKBOX_GROUP", "keyword", '["a","b c"]', "b c", True),
        ("CHECKBOX_GROUP", "keyword", '["a","b c"]', "b", False),
        ("USER_PICKER", "keyword", '[{"uid":"u","name":"Ann"}]', "Ann", True),
        ("DATE_PICKER", "date", "2025-02-03T23:00:00.000Z", "2025-02-03", True),
        ("DATE_PICKER", "date", "2025-02-03T23:00:00.000Z", "02/04/2025", False),
        ("DATE_PICKER", "date", "2025-02-03T23:00:00.000Z", "2025-02-30", False),
        ("INPUT_NUMBER", "integer", "7", "7.0", True),
        ("INPUT_NUMBER", "integer", "x", "7", False),
    ],
)
def test_what_a_filter_finds(control: str, kind: str, stored: str, value: str, held: bool) -> None:
    assert matches({"name": "f", "control": control, "type": kind}, stored, value) is held
