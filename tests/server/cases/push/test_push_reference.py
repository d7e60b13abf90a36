"""What Kibana's own API integration tests say of a push."""

from __future__ import annotations

from typing import Any

import pytest

OWNER = "securitySolution"
ROW = {
    "sys_id": "123", "number": "INC01",
    "sys_created_on": "2025-03-01 12:00:00", "sys_updated_on": "2025-03-01 12:00:00",
}


def host_action(verb: str, *hosts: str) -> dict[str, Any]:
    targets = [{"hostname": host, "endpointId": "endpoint-id"} for host in hosts]
    return {"type": "actions", "comment": "why", "actions": {"type": verb, "targets": targets}, "owner": OWNER}


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (
            "9.2.0",
            ["hello", "Isolated host one with comment: why", "Released host one and 1 more with comment: why", ""],
        ),
        ("9.5.0", ["hello"]),
    ],
)
def test_what_is_pushed_of_the_attachments(
    connect: Any, remote: Any, connector: Any, push: Any, make_alert: Any, version: str, told: list[str]
) -> None:
    kibana, system = connect(stack_version=version), remote(lambda _seen: {"result": ROW})
    secrets = {"username": "elastic", "password": "secret"}
    made = connector(kibana, ".servicenow", {"apiUrl": system.url, "usesTableApi": True}, secrets)
    case = kibana.create(connector=made)
    payloads = [
        {"type": "user", "comment": "hello", "owner": OWNER},
        make_alert("a1"),
        make_alert("a2", "a3"),
        host_action("isolate", "one"),
        host_action("unisolate", "one", "two"),
        host_action("shell", "one"),
    ]
    path = f"/internal/cases/{case['id']}/attachments/_bulk_create"
    assert kibana.send("POST", path, json=payloads).status_code == 200
    answer = push(kibana, case, made)
    notes = [seen.body["work_notes"] for seen in system.seen if seen.body and "work_notes" in seen.body]
    footer = "\n\nAdded by Mara Lindqvist."
    assert notes == [*(f"{text}{footer}" for text in told), "Elastic Alerts attached to the case: 3"]
    assert (answer["totalComment"], answer["totalAlerts"], answer["totalEvents"]) == (6, 0, 0)
    assert all(comment["pushed_by"]["username"] == "mara" for comment in answer["comments"])
    read = kibana.get(f"/api/cases/{case['id']}")
    assert (read["totalComment"], read["totalAlerts"]) == (1, 3)
