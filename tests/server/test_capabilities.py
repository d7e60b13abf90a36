"""What Kibana tells an account of its rights: ``POST /api/core/capabilities``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import ApiKey, User

PATH = "/api/core/capabilities"
FLAG = "[request query.useDefaultCapabilities]"
NEWEST = "securitySolutionCasesV3"
EVERY = {
    "create_cases", "read_cases", "update_cases", "push_cases", "cases_connectors", "delete_cases", "cases_settings",
    "create_comment", "case_reopen", "cases_assign",
}
Serve = Callable[..., CasesServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as ends:
        yield lambda **options: ends.enter_context(CasesServer(**options))


def only(*privileges: str, feature: str = NEWEST, spaces: tuple[str, ...] = ("*",)) -> User:
    section = {"feature": {feature: list(privileges)}, "spaces": list(spaces)}
    return User(password="changeme", privileges=[section])


def send(
    server: CasesServer, who: str | None = "elastic", *, password: str = "changeme", space: str = "", body: Any = None,
    query: str = "", key: str | None = None, internal: bool = True,
) -> requests.Response:
    headers = {"kbn-xsrf": "t", **({"x-elastic-internal-origin": "t"} if internal else {})}
    if key is not None:
        headers["authorization"] = f"ApiKey {key}"
    auth = (who, password) if who is not None and key is None else None
    given = {"applications": []} if body is None else body
    return requests.post(f"{server.kibana_url}{space}{PATH}{query}", json=given, auth=auth, headers=headers, timeout=10)


def told(server: CasesServer, who: str | None = "elastic", **more: Any) -> dict[str, Any]:
    answer = send(server, who, **more)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def granted(feature: dict[str, bool]) -> set[str]:
    return {name for name, value in feature.items() if value}


def test_a_superuser_may_do_everything_in_every_generation(serve: Serve) -> None:
    body = told(serve(), body={"applications": ["securitySolution:cases", "discover"]})
    assert body.pop("navLinks") == {"securitySolution:cases": True, "discover": True}
    assert (body.pop("management"), body.pop("catalogue")) == ({}, {})
    stems = ("generalCases", "observabilityCases", "securitySolutionCases")
    assert set(body) == {stem + ending for stem in stems for ending in ("", "V2", "V3")}
    assert all(granted(feature) == set(feature) == EVERY for feature in body.values())


@pytest.mark.parametrize(("version", "endings", "further"), [
    ("8.17", {"", "V2"}, set()), ("8.18", {"", "V2", "V3"}, {"cases_assign"}),
    ("9.5", {"", "V2", "V3"}, {"cases_assign", "cases_manage_templates"}),
])
def test_stacks_differ_in_generations_and_names(
    serve: Serve, version: str, endings: set[str], further: set[str]
) -> None:
    body = told(serve(stack_version=version))
    found = {name.removeprefix("generalCases"): set(value) for name, value in body.items() if "generalCases" in name}
    assert set(found) == endings
    assert all(names == EVERY - {"cases_assign"} | further for names in found.values())


@pytest.mark.parametrize(("privileges", "expected"), [
    (["all"], EVERY), (["read"], {"read_cases", "cases_connectors"}),
    (["minimal_all"], {"create_cases", "read_cases", "update_cases", "push_cases", "cases_connectors"}),
    (["minimal_read", "create_comment"], {"read_cases", "cases_connectors", "create_comment"}),
    (["case_reopen", "cases_assign"], {"case_reopen", "cases_assign"}),
    (["cases_delete", "cases_settings"], {"delete_cases", "cases_settings"}),
])
def test_each_privilege_shows(serve: Serve, privileges: list[str], expected: set[str]) -> None:
    body = told(serve(users={"ana": only(*privileges)}), "ana")
    assert granted(body[NEWEST]) == expected
    assert granted(body["generalCasesV3"]) == set()


@pytest.mark.parametrize("ending", ["", "V2"])
def test_an_older_generation_counts_for_itself_and_the_newest(serve: Serve, ending: str) -> None:
    server = serve(users={"ana": only("all", feature=f"securitySolutionCases{ending}"), "bo": only("all")})
    body = told(server, "ana")
    full = {name for name in body if granted(body[name])}
    assert full == {f"securitySolutionCases{ending}", NEWEST}
    body = told(server, "bo")
    assert {name for name in body if granted(body[name])} == {NEWEST}


def test_rights_are_those_in_the_space(serve: Serve) -> None:
    server = serve(users={"elastic": "changeme", "ana": only("all", spaces=("soc",))})
    url, headers = f"{server.kibana_url}/api/spaces/space", {"kbn-xsrf": "t"}
    for space in ({"id": "soc", "name": "SOC"}, {"id": "bare", "name": "Bare", "disabledFeatures": [NEWEST]}):
        assert requests.post(url, json=space, auth=("elastic", "changeme"), headers=headers, timeout=10).ok
    assert granted(told(server, "ana")[NEWEST]) == set()
    assert granted(told(server, "ana", space="/s/soc")[NEWEST]) == EVERY
    assert granted(told(server, space="/s/bare")[NEWEST]) == set()
    assert granted(told(server, space="/s/bare")["generalCasesV3"]) == EVERY
    assert granted(told(server, space="/s/bare", query="?useDefaultCapabilities=true")[NEWEST]) == EVERY
    assert send(server, space="/s/nowhere").status_code == 404


def test_a_key_shows_what_it_has_left_of_its_owners_rights(serve: Serve) -> None:
    reading = ApiKey(user="ana", privileges=[{"base": ["read"]}])
    server = serve(users={"ana": only("all")}, api_keys={"kid:secret": reading})
    assert granted(told(server, key="a2lkOnNlY3JldA==")[NEWEST]) == {"read_cases", "cases_connectors"}


def test_without_credentials_everything_is_denied_and_wrong_ones_are_refused(serve: Serve) -> None:
    server = serve()
    body = told(server, None, body={"applications": ["home"]})
    assert body["navLinks"] == {"home": True}
    assert not any(granted(value) for name, value in body.items() if name != "navLinks")
    assert send(server, password="wrong").status_code == 401


def test_it_is_internal_where_the_stack_restricts_that(serve: Serve) -> None:
    assert send(serve(stack_version="8.19"), internal=False).status_code == 200
    assert send(serve(), internal=False).status_code == 400


@pytest.mark.parametrize(("body", "query", "text"), [
    ({}, "", "[request body.applications]: expected value of type [array] but got [undefined]"),
    ([], "", "[request body]: expected a plain object value, but found [Array] instead."),
    ({"applications": [1]}, "", "[request body.applications.0]: expected value of type [string] but got [number]"),
    ({"applications": ["a", "a b"]}, "", "[request body.applications.1]: Invalid application id"),
    ({"applications": [], "more": 1}, "", "[request body.more]: definition for this key is missing"),
    (None, "?useDefaultCapabilities=1", f"{FLAG}: expected value of type [boolean] but got [string]"),
    (None, "?x=1", "[request query.x]: definition for this key is missing"),
])
def test_requests_that_are_refused(serve: Serve, body: Any, query: str, text: str) -> None:
    answer = send(serve(), body=body, query=query)
    assert (answer.status_code, answer.json()["message"]) == (400, text)
