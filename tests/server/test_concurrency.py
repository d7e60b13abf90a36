"""Many writers at once: one wins, the others are told; nothing is lost and nothing half done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer

WRITERS = 6
ROUNDS = 8
SECONDS = 60
OWNER = "securitySolution"
CASE: dict[str, Any] = {
    "title": "Beaconing host", "description": "Traffic every 60 s.", "tags": [], "owner": OWNER,
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "settings": {"syncAlerts": True},
}
Flaws = Callable[[Path], list[str]]
Act = Callable[["Client", int], Any]


class Client:
    """One writer with a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.auth = ("elastic", "changeme")
        self._session.headers.update({"kbn-xsrf": "1", "x-elastic-internal-origin": "1"})

    def send(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self._session.request(method, f"{self._url}{path}", json=body, params=params, timeout=SECONDS)

    def case(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.send("GET", f"/api/cases/{name}").json()
        return found

    def patch(self, case: dict[str, Any], **fields: Any) -> requests.Response:
        return self.send("PATCH", "/api/cases", {"cases": [{"id": case["id"], "version": case["version"], **fields}]})

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def server(data: Path, flaws: Flaws) -> Iterator[CasesServer]:
    """A server whose file is looked through once it has ended."""
    with CasesServer(data=data, stack_version="9.3.0") as running:
        yield running
    assert flaws(data) == []


@pytest.fixture
def client(server: CasesServer) -> Iterator[Client]:
    made = Client(server.kibana_url)
    yield made
    made.close()


@pytest.fixture
def together(server: CasesServer) -> Callable[[Act], list[Any]]:
    """Let all writers do the same at the same moment; gives what each got."""

    def run(act: Act) -> list[Any]:
        gate = threading.Barrier(WRITERS)

        def one(place: int) -> Any:
            client = Client(server.kibana_url)
            try:
                gate.wait(SECONDS)
                return act(client, place)
            finally:
                client.close()

        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(one, range(WRITERS)))

    return run


def test_of_writers_with_one_version_exactly_one_wins(client: Client, together: Callable[[Act], list[Any]]) -> None:
    case = client.send("POST", "/api/cases", CASE).json()
    for number in range(ROUNDS):
        read = client.case(case["id"])
        answers = together(lambda each, place: each.patch(read, title=f"{number} of {place}"))  # noqa: B023
        statuses = [answer.status_code for answer in answers]
        assert sorted(statuses) == [200, *[409] * (WRITERS - 1)]
        refusal = answers[statuses.index(409)].json()
        assert (refusal["error"], case["id"] in refusal["message"]) == ("Conflict", True)
        assert client.case(case["id"])["title"] == f"{number} of {statuses.index(200)}"
    actions = client.send("GET", f"/api/cases/{case['id']}/user_actions/_find", types="title").json()
    assert actions["total"] == ROUNDS


def test_read_change_write_with_the_version_loses_nothing(
    client: Client, together: Callable[[Act], list[Any]]
) -> None:
    case = client.send("POST", "/api/cases", CASE).json()

    def add_tags(each: Client, place: int) -> None:
        for number in range(ROUNDS):
            status = 409
            while status == 409:
                read = each.case(case["id"])
                status = each.patch(read, tags=[*read["tags"], f"{place}-{number}"]).status_code
            assert status == 200

    together(add_tags)
    every = {f"{place}-{number}" for place in range(WRITERS) for number in range(ROUNDS)}
    assert set(client.case(case["id"])["tags"]) == every
    assert set(client.send("GET", "/api/cases/tags").json()) == every


def test_a_patch_of_many_is_all_or_nothing(client: Client, together: Callable[[Act], list[Any]]) -> None:
    cases = [client.send("POST", "/api/cases", CASE).json() for _ in range(3)]
    read = [client.case(case["id"]) for case in cases]

    def patch(each: Client, place: int) -> int:
        entries = [{"id": case["id"], "version": case["version"], "title": f"of {place}"} for case in read]
        order = entries if place % 2 else entries[::-1]
        return each.send("PATCH", "/api/cases", {"cases": order}).status_code

    statuses = together(patch)
    assert sorted(statuses) == [200, *[409] * (WRITERS - 1)]
    assert {client.case(case["id"])["title"] for case in cases} == {f"of {statuses.index(200)}"}


def test_comments_of_many_are_all_there_and_counted(client: Client, together: Callable[[Act], list[Any]]) -> None:
    case = client.send("POST", "/api/cases", CASE).json()
    path = f"/api/cases/{case['id']}"

    def comment(each: Client, place: int) -> list[int]:
        body = {"type": "user", "owner": OWNER}
        single = [
            each.send("POST", f"{path}/comments", {**body, "comment": f"{place}-{number}"}).status_code
            for number in range(ROUNDS)
        ]
        many = [{**body, "comment": f"{place}-many-{number}"} for number in range(3)]
        bulk = each.send("POST", f"/internal/cases/{case['id']}/attachments/_bulk_create", many)
        return [*single, bulk.status_code]

    assert {status for statuses in together(comment) for status in statuses} == {200}
    found = client.send("GET", f"{path}/comments/_find", perPage=100).json()
    assert len({each["comment"] for each in found["comments"]}) == found["total"] == WRITERS * (ROUNDS + 3)
    assert client.case(case["id"])["totalComment"] == found["total"]


def test_observables_of_many_are_all_there(client: Client, together: Callable[[Act], list[Any]]) -> None:
    case = client.send("POST", "/api/cases", CASE).json()

    def add(each: Client, place: int) -> list[int]:
        path = f"/internal/cases/{case['id']}/observables"
        return [
            each.send(
                "POST", path,
                {"observable": {
                    "typeKey": "observable-type-ipv4", "value": f"10.0.{place}.{number}", "description": None,
                }},
            ).status_code
            for number in range(ROUNDS)
        ]

    statuses = [status for each in together(add) for status in each]
    found = client.case(case["id"])["observables"]
    assert set(statuses) <= {200, 409}
    assert len(found) == len({each["value"] for each in found}) == statuses.count(200)
    assert statuses.count(200) >= ROUNDS


def test_a_case_is_deleted_once_and_with_everything(
    client: Client, together: Callable[[Act], list[Any]], server: CasesServer
) -> None:
    case = client.send("POST", "/api/cases", CASE).json()

    def race(each: Client, place: int) -> tuple[str, int]:
        if place % 2:
            return "delete", each.send("DELETE", "/api/cases", ids=f'["{case["id"]}"]').status_code
        body = {"type": "user", "owner": OWNER, "comment": "late"}
        return "comment", each.send("POST", f"/api/cases/{case['id']}/comments", body).status_code

    answers = together(race)
    deletions = [status for verb, status in answers if verb == "delete"]
    assert sorted(deletions) == [204, *[404] * (len(deletions) - 1)]
    assert {status for verb, status in answers if verb == "comment"} <= {200, 404}
    assert client.send("GET", f"/api/cases/{case['id']}").status_code == 404


def test_numbers_are_given_once(client: Client, together: Callable[[Act], list[Any]]) -> None:
    def create(each: Client, _place: int) -> list[int]:
        made = [each.send("POST", "/api/cases", CASE).json()["id"] for _ in range(ROUNDS)]
        assert each.send("POST", "/_kibcase/number").status_code == 200
        return [each.case(name)["incremental_id"] for name in made]

    given = [number for numbers in together(create) for number in numbers]
    assert sorted(given) == list(range(1, WRITERS * ROUNDS + 1))
