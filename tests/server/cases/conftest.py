"""One embedded server per test, spoken to over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User

MARA = {"username": "mara", "full_name": "Mara Lindqvist", "email": "mara@soc.example"}
INDEX = ".internal.alerts-security.alerts-default-000001"


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.at = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


class Kibana:
    """Says what a script says to Kibana; every method gives the response or its JSON."""

    def __init__(self, server: CasesServer, *, user: str = "mara", password: str = "secret", space: str = "") -> None:
        self.server = server
        self.base = server.kibana_url + (f"/s/{space}" if space else "")
        self.session = requests.Session()
        self.session.auth = (user, password)
        self.session.headers.update({"kbn-xsrf": "test", "x-elastic-internal-origin": "test"})

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=10, **more)

    def get(self, path: str, **params: Any) -> Any:
        response = self.send("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, method: str, path: str, status: int, **more: Any) -> str:
        response = self.send(method, path, **more)
        body = response.json()
        assert (response.status_code, body["statusCode"]) == (status, status), response.text
        message: str = body["message"]
        return message

    def create(self, **fields: Any) -> dict[str, Any]:
        response = self.send("POST", "/api/cases", json=case_body(**fields))
        assert response.status_code == 200, response.text
        case: dict[str, Any] = response.json()
        return case

    def patch(self, case: dict[str, Any], **fields: Any) -> dict[str, Any]:
        entry = {"id": case["id"], "version": case["version"], **fields}
        response = self.send("PATCH", "/api/cases", json={"cases": [entry]})
        assert response.status_code == 200, response.text
        changed: dict[str, Any] = response.json()[0]
        return changed

    def comment(self, case: dict[str, Any], text: str = "hello") -> dict[str, Any]:
        return self.attach(case, {"type": "user", "comment": text, "owner": case["owner"]})

    def attach(self, case: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        response = self.send("POST", f"/api/cases/{case['id']}/comments", json=body)
        assert response.status_code == 200, response.text
        whole: dict[str, Any] = response.json()
        return whole

    def actions(self, case: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/cases/{case['id']}/user_actions/_find", **params)["userActions"]
        return found

    def alert(self, identifier: str, status: str = "open") -> None:
        source = {"kibana.alert.uuid": identifier, "kibana.alert.workflow_status": status}
        url = f"{self.server.elasticsearch_url}/{INDEX}/_doc/{identifier}"
        assert requests.put(url, json=source, auth=self.session.auth, timeout=10).status_code == 201

    def alert_source(self, identifier: str) -> dict[str, Any]:
        url = f"{self.server.elasticsearch_url}/{INDEX}/_doc/{identifier}"
        source: dict[str, Any] = requests.get(url, auth=self.session.auth, timeout=10).json()["_source"]
        return source


def case_body(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Beaconing host",
        "description": "Traffic every 60 s.",
        "tags": ["c2"],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
        "settings": {"syncAlerts": True},
        "owner": "securitySolution",
        **fields,
    }


def alert_body(*identifiers: str, owner: str = "securitySolution") -> dict[str, Any]:
    return {
        "type": "alert",
        "alertId": list(identifiers),
        "index": [INDEX] * len(identifiers),
        "rule": {"id": "r1", "name": "Beacon"},
        "owner": owner,
    }


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock: Clock) -> Iterator[Callable[..., CasesServer]]:
    """Start servers that are stopped after the test."""
    with ExitStack() as stack:

        def begin(**options: Any) -> CasesServer:
            users: dict[str, str | User] = {
                "elastic": "changeme",
                "mara": User(password="secret", full_name="Mara Lindqvist", email="mara@soc.example"),
                "noor": "noor-secret",
            }
            return stack.enter_context(CasesServer(users=users, clock=clock, **options))

        yield begin


@pytest.fixture
def server(start: Callable[..., CasesServer]) -> CasesServer:
    return start()


@pytest.fixture
def kibana(server: CasesServer) -> Kibana:
    return Kibana(server)


@pytest.fixture
def connect(start: Callable[..., CasesServer]) -> Callable[..., Kibana]:
    """Start a server with options and connect to it."""
    return lambda **options: Kibana(start(**options))


@pytest.fixture
def make_case() -> Callable[..., dict[str, Any]]:
    return case_body


@pytest.fixture
def make_alert() -> Callable[..., dict[str, Any]]:
    return alert_body


@pytest.fixture
def mara() -> dict[str, Any]:
    return MARA
