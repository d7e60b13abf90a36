from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
import requests
from jira import JIRA

from kibcase_connectors.standins.jira import JiraStandin

Deployment = Literal["cloud", "datacenter"]


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

    def __init__(self, standin: JiraStandin, username: str = "kibcase") -> None:
        self._base = f"{standin.url}/rest/api/2/"
        self.session = requests.Session()
        self.session.trust_env = False
        user = standin.state.user(username)
        cloud = standin.state.catalog.cloud
        self.session.auth = (user.email if cloud else user.username, user.secret)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        sent = {"json": body} if body is not None else {}
        return self.session.request(method, self._base + path, timeout=10, **sent, **more)

    def create(self, **fields: Any) -> str:
        given = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "Phishing mail", **fields}
        answer = self("POST", "issue", {"fields": given})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    def fields(self, ref: str) -> dict[str, Any]:
        answer = self("GET", f"issue/{ref}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["fields"]
        return found

    def walk(self, ref: str, *transitions: str) -> None:
        for each in transitions:
            body: dict[str, Any] = {"transition": {"id": each}}
            if each == "31":
                body["fields"] = {"resolution": {"name": "Done"}}
            answer = self("POST", f"issue/{ref}/transitions", body)
            assert answer.status_code == 204, answer.text


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run(clock: ManualClock) -> Iterator[Callable[..., JiraStandin]]:
    running: list[JiraStandin] = []

    def start(deployment: Deployment = "cloud", **more: Any) -> JiraStandin:
        running.append(JiraStandin(deployment=deployment, **{"clock": clock, **more}).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture(params=["cloud", "datacenter"])
def standin(request: pytest.FixtureRequest, run: Callable[..., JiraStandin]) -> JiraStandin:
    return run(request.param)


@pytest.fixture
def cloud(run: Callable[..., JiraStandin]) -> JiraStandin:
    return run("cloud")


@pytest.fixture
def datacenter(run: Callable[..., JiraStandin]) -> JiraStandin:
    return run("datacenter")


@pytest.fixture
def rest(standin: JiraStandin) -> Iterator[Rest]:
    caller = Rest(standin)
    yield caller
    caller.session.close()


@pytest.fixture
def rest_to() -> Iterator[Callable[..., Rest]]:
    callers: list[Rest] = []

    def make(standin: JiraStandin, username: str = "kibcase") -> Rest:
        callers.append(Rest(standin, username))
        return callers[-1]

    yield make
    for each in callers:
        each.session.close()


@pytest.fixture
def client_of() -> Iterator[Callable[..., Any]]:
    clients: list[Any] = []

    def make(standin: JiraStandin, username: str = "kibcase") -> Any:
        user = standin.state.user(username)
        login = user.email if standin.state.catalog.cloud else user.username
        clients.append(
            JIRA(standin.url, basic_auth=(login, user.secret), max_retries=0, timeout=(5, 10), logging=False)
        )
        return clients[-1]

    yield make
    for each in clients:
        each.close()
