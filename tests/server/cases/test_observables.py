"""Observables of cases, with the error mapping of Kibana's internal routes."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase.server.cases.observable_values import is_valid

IPV4 = "observable-type-ipv4"
HOST = "observable-type-hostname"
LICENCE = "you must be subscribed to an Elastic Platinum license"


def observable(value: str = "10.0.0.1", kind: str = IPV4, description: str | None = None) -> dict[str, Any]:
    return {"typeKey": kind, "value": value, "description": description}


def path(case: dict[str, Any], rest: str = "") -> str:
    return f"/internal/cases/{case['id']}/observables{rest}"


def add(kibana: Any, case: dict[str, Any], *given: dict[str, Any]) -> dict[str, Any]:
    for each in given:
        answer = kibana.send("POST", path(case), json={"observable": each})
        assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def add_many(kibana: Any, case: dict[str, Any], given: list[dict[str, Any]]) -> dict[str, Any]:
    answer = kibana.send("POST", path(case, "/_bulk_create"), json={"caseId": case["id"], "observables": given})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def payloads(kibana: Any, case: dict[str, Any]) -> list[dict[str, Any]]:
    actions = kibana.actions(case, types="observables")
    assert {action["action"] for action in actions} <= {"create"}
    return [action["payload"]["observables"] for action in actions]


def configure(kibana: Any, owner: str = "securitySolution", **fields: Any) -> None:
    connector = {"id": "none", "name": "none", "type": ".none", "fields": None}
    body = {"owner": owner, "closure_type": "close-by-user", "connector": connector, **fields}
    answer = kibana.send("POST", "/api/cases/configure", json=body)
    assert answer.status_code == 200, answer.text


def test_an_observable_is_added(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    clock.forward(seconds=5)
    changed = add(kibana, case, observable(description="seen twice"))
    (stored,) = changed["observables"]
    assert stored == {
        "id": stored["id"], "typeKey": IPV4, "value": "10.0.0.1", "description": "seen twice",
        "createdAt": "2025-03-01T12:00:05.000Z", "updatedAt": "2025-03-01T12:00:05.000Z",
    }
    assert changed["version"] != case["version"]
    assert (changed["updated_at"], changed["updated_by"]) == (None, None)
    assert payloads(kibana, case) == [{"count": 1, "actionType": "add"}]


def test_the_answer_has_no_attachments_and_does_not_count_them(kibana: Any) -> None:
    case = kibana.comment(kibana.create())
    answer = add(kibana, case, observable())
    assert (answer["comments"], answer["totalComment"], answer["totalAlerts"]) == ([], 0, 0)
    assert kibana.get(f"/api/cases/{case['id']}")["totalComment"] == 1


def test_totals_of_observables_since_9_3(connect: Any, kibana: Any) -> None:
    assert "total_observables" not in add(kibana, kibana.create(), observable())
    newer = connect(stack_version="9.3.0")
    case = newer.create()
    assert case["total_observables"] == 0
    assert add(newer, case, observable(), observable("10.0.0.2"))["total_observables"] == 2
    newer.send("DELETE", path(case, "/" + newer.get(f"/api/cases/{case['id']}")["observables"][0]["id"]))
    assert newer.get(f"/api/cases/{case['id']}")["total_observables"] == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'Invalid value "undefined" supplied to "observable"'),
        ({"observable": {**observable(), "tlp": "red"}}, 'invalid keys "tlp"'),
        ({"observable": observable(), "case": "x"}, 'invalid keys "case"'),
        (
            {"observable": {"typeKey": IPV4, "value": "10.0.0.1"}},
            'Invalid value "undefined" supplied to "observable,description"',
        ),
        (
            {"observable": observable(kind="observable-type-user")},
            "Invalid observable type, key does not exist: observable-type-user",
        ),
        ({"observable": observable("10.0.0")}, None),
        ({"observable": observable("host")}, "Observable value is not valid for selected observable type."),
        ({"observable": observable("")}, "Observable value is not valid for selected observable type."),
    ],
)
def test_what_an_observable_must_be(kibana: Any, body: dict[str, Any], message: str | None) -> None:
    case = kibana.create()
    if message is None:
        assert kibana.send("POST", path(case), json=body).status_code == 200
        return
    refusal = kibana.refused("POST", path(case), 400, json=body)
    assert refusal == f"Failed to add observable: Error: {message}"
    assert payloads(kibana, case) == []
    assert kibana.get(f"/api/cases/{case['id']}")["observables"] == []


def test_an_observable_is_unique_by_type_and_value(kibana: Any) -> None:
    case = kibana.create()
    add(kibana, case, observable("WS-01", HOST), observable("ws-01", HOST))
    again = {"observable": observable("WS-01", HOST, "other words")}
    assert kibana.refused("POST", path(case), 400, json=again) == (
        "Failed to add observable: Error: Invalid duplicated observables in request."
    )


def test_no_more_than_fifty(kibana: Any) -> None:
    case = kibana.create()
    assert len(add_many(kibana, case, [observable(f"10.0.0.{n}") for n in range(60)])["observables"]) == 50
    assert payloads(kibana, case) == [{"count": 50, "actionType": "add"}]
    refusal = kibana.refused("POST", path(case), 400, json={"observable": observable("10.9.9.9")})
    assert refusal == "Failed to add observable: Error: Max 50 observables per case is allowed."
    more = {"observables": [observable("10.9.9.9")]}
    assert kibana.refused("POST", path(case, "/_bulk_create"), 400, json=more) == (
        "Failed to add observable: Error: Failed to add observable"
    )


def test_adding_many_drops_duplicates_and_checks_no_values(kibana: Any) -> None:
    case = kibana.create()
    add(kibana, case, observable())
    given = [observable(), observable("no address"), observable("x", HOST, "first"), observable("x", HOST, "second")]
    found = add_many(kibana, case, given)["observables"]
    assert [(item["value"], item["description"]) for item in found] == [
        ("10.0.0.1", None), ("no address", None), ("x", "first"),
    ]
    assert payloads(kibana, case)[-1] == {"count": 2, "actionType": "add"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'Invalid value "undefined" supplied to "observables"'),
        ({"observables": [{**observable(), "x": 1}]}, 'invalid keys "x"'),
        ({"observables": [observable(kind="nope")]}, "Invalid observable type, key does not exist: nope"),
        ({"observables": []}, "Failed to add observable"),
    ],
)
def test_what_many_observables_must_be(kibana: Any, body: dict[str, Any], message: str) -> None:
    refusal = kibana.refused("POST", path(kibana.create(), "/_bulk_create"), 400, json=body)
    assert refusal == f"Failed to add observable: Error: {message}"


def test_an_observable_is_changed_but_not_its_type(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    first, second = add(kibana, case, observable(), observable("10.0.0.2"))["observables"]
    clock.forward(minutes=1)
    where = path(case, f"/{first['id']}")
    change = {"observable": {"value": "10.0.0.9", "description": "moved"}}
    changed = kibana.send("PATCH", where, json=change).json()["observables"]
    assert changed == [
        {**first, "value": "10.0.0.9", "description": "moved", "updatedAt": "2025-03-01T12:01:00.000Z"}, second,
    ]
    assert payloads(kibana, case)[-1] == {"count": 1, "actionType": "update"}
    start = "Failed to update observable: Error: "
    for given, message in (
        ({"value": "10.0.0.2", "description": None}, "Invalid duplicated observables in request."),
        ({"value": "host", "description": None}, "Observable value is not valid for selected observable type."),
        ({"value": "10.0.0.8", "description": None, "typeKey": IPV4}, 'invalid keys "typeKey"'),
    ):
        assert kibana.refused("PATCH", where, 400, json={"observable": given}) == start + message
    assert kibana.refused("PATCH", path(case, "/ghost"), 400, json=change) == (
        start + "Failed to update observable: observable id ghost not found"
    )


def test_an_observable_is_deleted(kibana: Any) -> None:
    case = kibana.create()
    (stored,) = add(kibana, case, observable())["observables"]
    where = path(case, f"/{stored['id']}")
    answer = kibana.send("DELETE", where)
    assert (answer.status_code, answer.content) == (204, b"")
    read = kibana.get(f"/api/cases/{case['id']}")
    assert (read["observables"], read["updated_at"]) == ([], None)
    assert payloads(kibana, case)[-1] == {"count": 1, "actionType": "delete"}
    assert kibana.refused("DELETE", where, 400) == (
        f"Failed to delete observable id: {stored['id']}: Error: "
        f"Failed to delete observable: observable id {stored['id']} not found"
    )


def test_an_unknown_case_is_a_bad_request(kibana: Any) -> None:
    missing = "Error: Saved object [cases/ghost] not found"
    ghost = {"id": "ghost"}
    change = {"observable": {"value": "x", "description": None}}
    for method, rest, body, start in (
        ("POST", "", {"observable": observable()}, "Failed to add observable"),
        ("POST", "/_bulk_create", {"observables": [observable()]}, "Failed to add observable"),
        ("PATCH", "/o", change, "Failed to update observable"),
        ("DELETE", "/o", None, "Failed to delete observable id: o"),
    ):
        assert kibana.refused(method, path(ghost, rest), 400, json=body) == f"{start}: {missing}"


def test_a_case_of_another_space_is_unknown(kibana: Any) -> None:
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    case = kibana.create()
    message = kibana.refused("POST", "/s/soc" + path(case), 400, json={"observable": observable()})
    assert message.endswith(f"Saved object [cases/{case['id']}] not found")


def test_the_licence(connect: Any) -> None:
    basic = connect(license="basic")
    case = basic.create()
    change = {"observable": {"value": "x", "description": None}}
    for method, rest, body, purpose in (
        ("POST", "", {"nonsense": 1}, "assign observables to cases"),
        ("POST", "/_bulk_create", {}, "assign observables to cases"),
        ("PATCH", "/o", change, "update observables in cases"),
        ("DELETE", "/o", None, "delete observables from cases"),
    ):
        assert basic.refused(method, path(case, rest), 403, json=body) == f"In order to {purpose}, {LICENCE}"


def test_what_older_stacks_lack(connect: Any) -> None:
    body = {"observable": observable()}
    oldest = connect(stack_version="8.17.0")
    assert oldest.refused("POST", path(oldest.create()), 404, json=body) == "Not Found"
    older = connect(stack_version="9.1.0")
    case = older.create()
    add(older, case, observable())
    older.refused("POST", path(case, "/_bulk_create"), 404, json={"observables": []})


def test_agent_ids_are_a_type_since_9_3(kibana: Any, connect: Any) -> None:
    agent = observable("a-1", "observable-type-agent-id")
    kibana.refused("POST", path(kibana.create()), 400, json={"observable": agent})
    newer = connect(stack_version="9.3.0")
    add(newer, newer.create(), agent)


def test_configured_types_belong_to_their_owner(kibana: Any) -> None:
    configure(kibana, observableTypes=[{"key": "badge", "label": "Badge"}])
    add(kibana, kibana.create(), observable("B-17", "badge"))
    other = kibana.create(owner="observability")
    message = kibana.refused("POST", path(other), 400, json={"observable": observable("B-17", "badge")})
    assert message.endswith("key does not exist: badge")


def test_deleting_many_at_once(connect: Any, kibana: Any) -> None:
    kibana.refused("POST", path(kibana.create(), "/_bulk_delete"), 404, json={})
    newer = connect(stack_version="9.6.0")
    case = newer.create()
    found = add_many(newer, case, [observable(f"10.0.0.{n}") for n in range(3)])["observables"]
    names = [item["id"] for item in found]
    where = path(case, "/_bulk_delete")
    assert "ghost" in newer.refused("POST", where, 404, json={"observableIds": [names[0], "ghost"]})
    left = newer.send("POST", where, json={"observableIds": names[:2]}).json()
    assert [item["id"] for item in left["observables"]] == names[2:]
    assert payloads(newer, case)[-1] == {"count": 2, "actionType": "delete"}
    for body, message in (
        ({}, "[request body.observableIds]: expected value of type [array] but got [undefined]"),
        ({"observableIds": [1]}, "[request body.observableIds.0]: expected value of type [string] but got [number]"),
        ({"observableIds": []}, "[request body.observableIds]: array size is [0], but cannot be smaller than [1]"),
        (
            {"observableIds": ["x"] * 51},
            "[request body.observableIds]: array size is [51], but cannot be greater than [50]",
        ),
        ({"ids": []}, "[request body.ids]: definition for this key is missing"),
    ):
        assert newer.refused("POST", where, 400, json=body) == message


GOOD = {
    IPV4: ["1.2.3.4", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "1.2.65535", "255.255.255.255"],
    "observable-type-ipv6": ["::1", "2001:db8::1", "fe80::1%eth0", "::ffff:1.2.3.4"],
    "observable-type-url": [
        "https://a.example/x?y#z", "http:a.example", "mailto:x", "foo:bar", "file:///etc/passwd", "HTTP://[::1]:80/",
        "http://user:pw@a.example:65535", " https://a.example ", "foo://", "https://1.2.3.4", "http://b\u00fccher.example",
    ],
    "observable-type-domain": ["a.example", "a-b.c.example", "a.example.", "x" * 63 + ".example"],
    "observable-type-email": [
        "a@b", "a.b+c@d.example", "Ann <a@b.example>", '"Ann, B" <a@b.example>, c@d.example', "a@[10.0.0.1]",
    ],
    HOST: ["ws-01.corp_lan", "a:b/c\\d"],
    "custom": ["A-1"],
}
BAD = {
    IPV4: [
        "", "1.2.3.256", "1.2.3.4/8", "1.2.3.4.5", "::1", "08.1.1.1", "1..2.3", "4294967296", "a", "1.2.65536",
        "9" * 5000,
    ],
    "observable-type-ipv6": ["1.2.3.4", "1::2::3", "::g"],
    "observable-type-url": [
        "a.example", "//a.example", "https://", "https:///", "http://a b", "hxxp://a[.]example", "http://a.example:70000",
        "http://a.example:x", "https://[::g]/", "http://1.2.3.256", "1http://a", "https://%", "foo://a b",
    ],
    "observable-type-domain": [
        "example", "xn--bcher-kva.example", "_dmarc.a.example", "-a.example", "a.example..", "a.b1",
        "b\u00fccher.example", "x" * 64 + ".example", "a.example\n",
    ],
    "observable-type-email": ["a", "@b", "a@", "a@b c", "Ann a@b", "<a@b", "a@b,", "\u00e4@b", "a" * 3000 + " <"],
    HOST: ["", "a b", "a@b", "a+b", "\u00e9", "a\n"],
    "custom": ["a b"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_good_values(kind: str, value: str) -> None:
    assert is_valid(kind, value)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in BAD.items() for value in values])
def test_bad_values(kind: str, value: str) -> None:
    assert not is_valid(kind, value)
