from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from kibcase_connectors.standins.servicenow import ServiceNowStandin


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 14, 30, 15, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


class Rest:
    """Bare HTTP to a stand-in as one user."""

    def __init__(self, standin: ServiceNowStandin, user_name: str = "kibcase") -> None:
        self.base = f"{standin.url}/api/now/"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (user_name, standin.state.user(user_name).password)
        self.session.headers["Accept"] = "application/json"

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        sent = {"json": body} if body is not None else {}
        return self.session.request(method, self.base + path, timeout=10, **sent, **more)

    def create(self, table: str = "incident", **columns: Any) -> dict[str, Any]:
        answer = self("POST", f"table/{table}", {"short_description": "Phishing mail", **columns})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    def record(self, sys_id: str, table: str = "incident", **params: str) -> dict[str, Any]:
        answer = self("GET", f"table/{table}/{sys_id}", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    def change(self, sys_id: str, table: str = "incident", **columns: Any) -> dict[str, Any]:
        answer = self("PATCH", f"table/{table}/{sys_id}", columns)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    def refused(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = self(method, path, body, **more)
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == "failure"
        error: dict[str, Any] = answer.json()["error"]
        return error

    def find(self, query: str, table: str = "incident", **params: Any) -> list[dict[str, Any]]:
        answer = self("GET", f"table/{table}", params={"sysparm_query": query, **params})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["result"]
        return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run(clock: ManualClock) -> Iterator[Callable[..., ServiceNowStandin]]:
    running: list[ServiceNowStandin] = []

    def start(**more: Any) -> ServiceNowStandin:
        running.append(ServiceNowStandin(**{"clock": clock, **more}).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def standin(run: Callable[..., ServiceNowStandin]) -> ServiceNowStandin:
    return run()


@pytest.fixture
def rest_to() -> Iterator[Callable[..., Rest]]:
    callers: list[Rest] = []

    def make(standin: ServiceNowStandin, user_name: str = "kibcase") -> Rest:
        callers.append(Rest(standin, user_name))
        return callers[-1]

    yield make
    for each in callers:
        each.session.close()


@pytest.fixture
def rest(standin: ServiceNowStandin, rest_to: Callable[..., Rest]) -> Rest:
    return rest_to(standin)
