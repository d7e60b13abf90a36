"""Signing in, reference data, and the bad days of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import requests

from kibcase.server.faults import Fault
from kibcase_connectors.standins.resilient import (
    DEFAULT_KEYS,
    DEFAULT_USERS,
    Organization,
    ResilientProblem,
    ResilientStandin,
)

MARIA = DEFAULT_USERS[0]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        yield made


def test_who_am_i(rest: Any, standin: ResilientStandin) -> None:
    me = rest.session.get(f"{standin.url}/rest/session?include_permissions=false", timeout=10).json()
    assert (me["api_key_handle"], me["user_id"], me["orgs"][0]["id"]) == (5, None, 201)
    assert rest.ok("GET", "")["actions_framework_enabled"] is True


def test_sessions_of_users(standin: ResilientStandin, session: requests.Session) -> None:
    incidents = f"{standin.url}/rest/orgs/201/incidents"
    wrong = session.post(f"{standin.url}/rest/session", json={"email": MARIA.login, "password": "x"}, timeout=10)
    assert wrong.status_code == 401
    body = {"email": MARIA.login, "password": MARIA.secret}
    opened = session.post(f"{standin.url}/rest/session", json=body, timeout=10).json()
    assert opened["user_id"] == MARIA.id
    assert session.get(incidents, timeout=10).status_code == 401
    assert session.get(incidents, headers={"X-sess-id": "other"}, timeout=10).status_code == 401
    session.headers["X-sess-id"] = opened["csrf_token"]
    assert session.get(incidents, timeout=10).status_code == 200
    standin.end_sessions()
    assert session.get(incidents, timeout=10).status_code == 401


def test_users_cannot_sign_in_with_basic(rest: Any) -> None:
    rest.session.auth = (MARIA.login, MARIA.secret)
    assert rest("GET", "/incidents").status_code == 401


def test_wrong_keys_lock(run: Any, rest_to: Any) -> None:
    standin = run(lock_after=2)
    wrong, right = rest_to(standin, replace(DEFAULT_KEYS[0], secret="no")), rest_to(standin)
    assert wrong("GET", "/incidents").status_code == 401
    assert right("GET", "/incidents").status_code == 200
    assert [wrong("GET", "/incidents").status_code for _ in range(2)] == [401, 401]
    assert right("GET", "/incidents").status_code == 401
    standin.unlock()
    assert right("GET", "/incidents").status_code == 200


def test_other_organisations(run: Any, rest_to: Any) -> None:
    rest = rest_to(run())
    rest.base = rest.base.replace("/orgs/201", "/orgs/202")
    assert rest("GET", "/incidents").status_code == 403
    barred = rest_to(run(org=Organization(enabled=False)))
    assert barred("GET", "/incidents").status_code == 403


def test_reference_data(rest: Any) -> None:
    fields = {each["name"]: each for each in rest.ok("GET", "/types/incident/fields")}
    assert [name for name, each in fields.items() if each.get("required") == "always"] == [
        "name", "discovered_date", "workspace",
    ]
    assert [name for name, each in fields.items() if each.get("required") == "close"] == [
        "resolution_id", "resolution_summary",
    ]
    assert (fields["kibana_case_id"]["prefix"], fields["name"]["prefix"]) == ("properties", None)
    assert rest.ok("GET", "/types/incident")["fields"]["plan_status"]["values"][1]["value"] == "C"
    assert rest("GET", "/types/incident/fields/none").status_code == 404
    names = {each["name"] for each in rest.ok("GET", "/artifact_types")["entities"]}
    assert names >= {"IP Address", "URL", "DNS Name", "Malware SHA-256 Hash"}
    assert len(rest.ok("GET", "/types/artifact")["fields"]["type"]["values"]) == len(names)
    assert [each["email"] for each in rest.ok("GET", "/users")] == [each.login for each in DEFAULT_USERS]
    assert rest.ok("GET", "/users/4")["lname"] == "Nowak"
    assert rest("GET", "/users/5").status_code == 404
    assert rest.ok("GET", "/groups")[0]["name"] == "Incident Response"
    assert rest.ok("GET", "/phases")["entities"][0]["name"] == "Initial"


def test_the_date_header_is_the_clock_of_the_instance(rest: Any) -> None:
    assert rest("GET", "").headers["Date"] == "Mon, 02 Mar 2026 14:30:15 GMT"


def test_maintenance(rest: Any, standin: ResilientStandin) -> None:
    for status in (503, 200):
        standin.start_maintenance(status)
        answer = rest("GET", "/incidents")
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    standin.end_maintenance()
    assert rest.ok("GET", "/incidents") == []


@pytest.mark.parametrize("status", [429, 503])
def test_rate_limit(rest: Any, standin: ResilientStandin, clock: Any, status: Any) -> None:
    standin.limit_rate(2, seconds=10, status=status)
    assert [rest("GET", "").status_code for _ in range(3)] == [200, 200, status]
    clock.forward(seconds=4)
    assert rest("GET", "").headers["Retry-After"] == "6"
    clock.forward(seconds=6)
    assert rest("GET", "").status_code == 200
    standin.limit_rate(None)
    assert [rest("GET", "").status_code for _ in range(3)] == [200] * 3


def test_a_limit_of_nothing_is_no_limit(standin: ResilientStandin) -> None:
    with pytest.raises(ValueError, match="arm a fault"):
        standin.limit_rate(0)


def test_a_lost_answer_leaves_the_incident(rest: Any, standin: ResilientStandin) -> None:
    standin.faults.arm(Fault(method="POST", path=r".*/incidents", when="after", drop=True))
    with pytest.raises(requests.exceptions.ConnectionError):
        rest.create(properties={"kibana_case_id": "c-7"})
    (found,) = rest.query(("properties.kibana_case_id", "equals", "c-7"))["data"]
    assert standin.as_person(3).incident(found["id"]).values["properties.kibana_case_id"] == "c-7"


def test_bodies_that_are_no_json(rest: Any) -> None:
    json = {"content-type": "application/json"}
    assert rest("POST", "/incidents", data=b"{", headers=json).status_code == 400
    assert rest("POST", "/incidents", data=b'{"name": NaN}', headers=json).status_code == 400
    assert rest("POST", "/incidents", data=b"[]", headers=json).status_code == 400
    assert rest("POST", "/incidents", data=b"{}", headers={"content-type": "text/plain"}).status_code == 415
    assert rest("GET", "/nowhere").json()["success"] is False


def test_what_people_may_not_do(standin: ResilientStandin) -> None:
    tomasz = standin.as_person("tomasz.nowak@example.com")
    number = tomasz.create("Beaconing host", kibana_case_id="c-1", severity_code="Low")
    with pytest.raises(ResilientProblem, match="403"):
        tomasz.delete(number)
    with pytest.raises(ResilientProblem, match="Unknown field: colour"):
        tomasz.edit(number, colour="red")
    tomasz.assign(number, "maria.lindqvist@example.com")
    tomasz.close(number, resolution="Duplicate")
    held = tomasz.incident(number).values
    assert (held["owner_id"], held["plan_status"], held["resolution_id"]) == (3, "C", 8)
    with pytest.raises(KeyError):
        standin.as_person("nobody")


def test_ids_are_given_once(run: Callable[..., ResilientStandin]) -> None:
    with pytest.raises(ValueError, match="3 is given twice"):
        run(keys=[replace(DEFAULT_KEYS[0], id=3)])


def test_many_callers_at_once(standin: ResilientStandin, rest_to: Any) -> None:
    number = rest_to(standin).create()
    callers = [rest_to(standin) for _ in range(4)]

    def work(turn: int) -> None:
        callers[turn % 4].ok("POST", f"/incidents/{number}/comments", {"text": f"c{turn}"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(40)))
    comments = standin.as_person(3).incident(number).comments
    assert len({each.id for each in comments}) == 40
