"""The stand-in as a server: outages, budgets, faults, attachments, data on disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.faults import Fault
from kibcase_connectors.standins.servicenow import RateRule, ServiceNowStandin


def test_hibernating_and_maintenance(standin: ServiceNowStandin, rest: Any) -> None:
    standin.hibernate()
    for path in ("table/incident", "nothing"):
        answer = rest("GET", path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Instance Hibernating page" in answer.text
    standin.maintain()
    assert rest("POST", "table/incident", {"short_description": "x"}).status_code == 503
    standin.lose_sessions()
    rest.refused(401, "GET", "table/incident")
    standin.wake()
    assert rest.find("") == []


def test_hourly_budgets(standin: ServiceNowStandin, rest: Any, rest_to: Any, clock: Any) -> None:
    standin.limit_requests(RateRule(limit=2, users=frozenset({"kibcase"})))
    assert [rest("GET", "table/incident").status_code for _ in range(3)] == [200, 200, 429]
    answer = rest("GET", "table/incident")
    assert answer.json() == {
        "error": {"message": "Rate limit exceeded",
                  "detail": "Rate limit of 2 requests per hour for Table API exceeded"},
        "status": "failure",
    }
    assert int(answer.headers["Retry-After"]) == 29 * 60 + 45
    assert answer.headers["X-RateLimit-Limit"] == "2"
    assert int(answer.headers["X-RateLimit-Reset"]) == int(clock.now.timestamp()) + 29 * 60 + 45
    assert len(answer.headers["X-RateLimit-Rule"]) == 32
    assert rest("GET", "attachment").status_code == 200
    assert rest_to(standin, "tomasz.nowak")("GET", "table/incident").status_code == 200
    clock.forward(minutes=30)
    assert rest("GET", "table/incident").headers["X-RateLimit-Limit"] == "2"
    standin.limit_requests(None)
    assert "X-RateLimit-Limit" not in rest("GET", "table/incident").headers


def test_a_cancelled_transaction_has_result_and_error(standin: ServiceNowStandin, rest: Any) -> None:
    for _ in range(3):
        rest.create()
    standin.cancel_lists_beyond(2)
    answer = rest("GET", "table/incident")
    assert answer.status_code == 200
    assert (len(answer.json()["result"]), answer.json()["status"]) == (2, "failure")
    assert answer.json()["error"]["message"] == "Transaction cancelled: maximum execution time exceeded"
    assert "error" not in rest("GET", "table/incident", params={"sysparm_limit": "2"}).json()


def test_a_lost_answer_leaves_the_record(standin: ServiceNowStandin, rest: Any) -> None:
    standin.faults.arm(Fault(method="POST", path=".*/table/incident", when="after", drop=True))
    with pytest.raises(requests.exceptions.ConnectionError):
        rest.create(correlation_id="case-7")
    assert [row["number"] for row in rest.find("correlation_id=case-7")] == ["INC0010001"]
    standin.faults.arm(Fault(method="POST", path=".*/table/incident", when="before", drop=True))
    with pytest.raises(requests.exceptions.ConnectionError):
        rest.create(correlation_id="case-8")
    assert rest.find("correlation_id=case-8") == []


def test_many_callers_at_once(standin: ServiceNowStandin, rest: Any, rest_to: Callable[..., Any]) -> None:
    made = rest.create()
    callers = [rest_to(standin) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: [each.change(made["sys_id"], work_notes=f"n{n}") for n in range(5)], callers))
    assert rest.record(made["sys_id"])["sys_mod_count"] == "20"
    assert len(rest.find("element=work_notes", "sys_journal_field")) == 20


def test_data_outlives_the_server(run: Any, rest_to: Any, tmp_path: Path) -> None:
    first = run(data=tmp_path / "sn.db")
    made = rest_to(first).create(work_notes="kept")
    file = first.as_person("tomasz.nowak").attach(made["number"], "a.txt", b"abc", "text/plain")
    first.stop()
    second = run(data=tmp_path / "sn.db")
    rest = rest_to(second)
    assert rest.record(made["sys_id"])["number"] == "INC0010001"
    assert rest("GET", f"attachment/{file}/file").content == b"abc"
    later = rest.create()
    assert (later["number"], later["sys_id"] != made["sys_id"]) == ("INC0010002", True)
    assert len(rest.find("element=work_notes", "sys_journal_field")) == 1
    assert len(rest.find("user_name=kibcase", "sys_user")) == 1


def test_attachments(standin: ServiceNowStandin, rest: Any) -> None:
    made = rest.create()
    params = {"table_name": "incident", "table_sys_id": made["sys_id"], "file_name": "mäil.eml"}
    raw = bytes(range(256))
    sent = rest("POST", "attachment/file", data=raw, params=params, headers={"Content-Type": "message/rfc822"})
    assert sent.status_code == 201
    file = sent.json()["result"]
    assert (file["size_bytes"], file["content_type"], file["sys_created_by"]) == ("256", "message/rfc822", "kibcase")
    assert file["download_link"] == f"{standin.url}/api/now/attachment/{file['sys_id']}/file"
    got = rest.session.get(file["download_link"], timeout=10)
    assert (got.content, got.headers["content-type"]) == (raw, "message/rfc822")
    form = {"table_name": "incident", "table_sys_id": made["sys_id"]}
    more = rest("POST", "attachment/upload", data=form, files={"uploadFile": ("b.txt", b"B\r\n", "text/plain")})
    assert more.json()["result"]["file_name"] == "b.txt"
    query = {"sysparm_query": f"table_name=incident^table_sys_id={made['sys_id']}^ORDERBYsys_created_on"}
    listed = rest("GET", "attachment", params=query).json()["result"]
    assert [each["file_name"] for each in listed] == ["mäil.eml", "b.txt"]
    assert rest("GET", f"v1/attachment/{file['sys_id']}").json()["result"] == file
    assert rest("DELETE", f"attachment/{file['sys_id']}").status_code == 204
    rest.refused(404, "GET", f"attachment/{file['sys_id']}/file")
    rest.refused(400, "GET", "v2/attachment")
    assert rest.record(made["sys_id"])["sys_mod_count"] == "0"


def test_refused_attachments(run: Any, rest_to: Any) -> None:
    standin = run(attachment_limit=10, attachment_extensions=["txt"], attachments_touch_record=True)
    rest = rest_to(standin)
    made = rest.create()
    place = {"table_name": "incident", "table_sys_id": made["sys_id"]}

    def send(name: str, raw: bytes, status: int, **more: str) -> None:
        params = place | {"file_name": name} | more
        answer = rest("POST", "attachment/file", data=raw, params=params, headers={"Content-Type": "text/plain"})
        assert answer.status_code == status, answer.text

    send("a.txt", b"x" * 11, 400)
    send("a.exe", b"x", 403)
    send("", b"x", 400)
    send("a.txt", b"x", 404, table_sys_id="0" * 32)
    send("a.txt", b"x", 404, table_name="nothing")
    send("a.txt", b"x", 201)
    assert rest.record(made["sys_id"])["sys_mod_count"] == "1"
    bare = rest("POST", "attachment/upload", data=b"x", headers={"Content-Type": "multipart/form-data"})
    assert bare.status_code == 400
    huge = rest("POST", "attachment/file", data=b"x" * 2_000_000, params=place, headers={"Content-Type": "a/b"})
    assert huge.status_code == 413


def test_attachments_of_hidden_records(standin: ServiceNowStandin, rest: Any) -> None:
    file = standin.as_person("maria.lindqvist").attach(
        standin.as_person("maria.lindqvist").create("x"), "a.txt", b"abc", "text/plain"
    )
    standin.state.take_roles("kibcase", "itil")
    rest.refused(404, "GET", f"attachment/{file}/file")
    assert rest("GET", "attachment").json() == {"result": []}
