from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from kibcase_connectors.standins.resilient import DEFAULT_KEYS, Account, ResilientStandin


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 14, 30, 15, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)

    @property
    def millis(self) -> int:
        return int(self.now.timestamp() * 1000)


class Rest:
    """Bare HTTP to a stand-in, relative to its organisation, with an API key."""

    def __init__(self, standin: ResilientStandin, key: Account = DEFAULT_KEYS[0]) -> None:
        self.base = f"{standin.url}/rest/orgs/{standin.org_id}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (key.login, key.secret)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        sent = {"json": body} if body is not None else {}
        return self.session.request(method, self.base + path, timeout=10, **sent, **more)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = self(method, path, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, **fields: Any) -> int:
        made = self.ok("POST", "/incidents", {"name": "Beaconing host", "discovered_date": 1_740_830_400_000, **fields})
        return int(made["id"])

    def patch(self, number: int, **changes: tuple[Any, Any]) -> Any:
        body = {"changes": [
            {"field": {"name": name}, "old_value": {"object": old}, "new_value": {"object": new}}
            for name, (old, new) in changes.items()
        ]}
        return self.ok("PATCH", f"/incidents/{number}", body)

    def query(self, *conditions: tuple[str, str, Any], level: str = "partial", **more: Any) -> Any:
        filters = [{"conditions": [{"field_name": f, "method": m, "value": v} for f, m, v in conditions]}]
        return self.ok("POST", f"/incidents/query_paged?return_level={level}", {"filters": filters, **more})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run(clock: ManualClock) -> Iterator[Callable[..., ResilientStandin]]:
    running: list[ResilientStandin] = []

    def start(**more: Any) -> ResilientStandin:
        running.append(ResilientStandin(**{"clock": clock, **more}).start())
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def standin(run: Callable[..., ResilientStandin]) -> ResilientStandin:
    return run()


@pytest.fixture
def rest_to() -> Iterator[Callable[..., Rest]]:
    callers: list[Rest] = []

    def make(standin: ResilientStandin, key: Account = DEFAULT_KEYS[0]) -> Rest:
        callers.append(Rest(standin, key))
        return callers[-1]

    yield make
    for each in callers:
        each.session.close()


@pytest.fixture
def rest(standin: ResilientStandin, rest_to: Callable[..., Rest]) -> Rest:
    return rest_to(standin)
