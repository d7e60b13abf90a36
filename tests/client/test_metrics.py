from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import Kibana, NotFoundError
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
START = datetime(2025, 5, 1, 10, tzinfo=UTC)


def test_a_case_by_all_its_metrics(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/internal/cases/metrics/c1", json={
        "alerts": {
            "count": 3, "users": {"total": 1, "values": [{"name": "mara", "count": 3}]},
            "hosts": {"total": 1, "values": [{"id": "h1", "name": "WKS-7", "count": 2}]},
        },
        "connectors": {"total": 1},
        "lifespan": {
            "creationDate": "2025-05-01T10:00:00.000Z", "closeDate": "2025-05-01T12:00:00.000Z",
            "statusInfo": {
                "openDuration": 3_600_000, "inProgressDuration": 1500, "reopenDates": ["2025-05-01T11:00:00.000Z"],
            },
        },
    })
    metrics = kibana.metrics.of_case("c1")
    assert parse_qsl(urlsplit(str(remote.calls[0].request.url)).query) == [
        ("features", each) for each in ("alerts.count", "alerts.users", "alerts.hosts", "connectors", "lifespan")
    ]
    assert metrics.alerts is not None
    assert metrics.alerts.hosts is not None
    assert metrics.alerts.hosts.values[0].name == "WKS-7"
    assert metrics.lifespan is not None
    assert metrics.lifespan.duration == timedelta(hours=2)
    assert metrics.lifespan.durations.open == timedelta(hours=1)
    assert metrics.lifespan.durations.in_progress == timedelta(seconds=1.5)
    assert metrics.lifespan.durations.reopened_at == [START + timedelta(hours=1)]


def test_across_cases(kibana: Kibana, remote: responses.RequestsMock) -> None:
    status = {"open": 1, "inProgress": 2, "closed": 3}
    remote.get(f"{URL}/internal/cases/metrics", json={"mttr": None, "status": status})
    metrics = kibana.metrics.across(owner="cases", created_from=START, created_to="now")
    assert parse_qsl(urlsplit(str(remote.calls[0].request.url)).query) == [
        ("features", "mttr"), ("features", "status"), ("owner", "cases"), ("from", "2025-05-01T10:00:00.000Z"),
        ("to", "now"),
    ]
    assert metrics.mttr is None
    assert metrics.status is not None
    assert metrics.status.in_progress == 2


def test_features_are_a_list(kibana: Kibana) -> None:
    with pytest.raises(ValueError, match="features is a list"):
        kibana.metrics.of_case("c1", [])
    with pytest.raises(ValueError, match="features is a list"):
        kibana.metrics.of_case("c1", "lifespan")  # type: ignore[arg-type]


class Clock:
    now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def real(clock: Clock) -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0", clock=clock) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana, clock: Clock) -> None:
    case = real.cases.create(title="t", description="d", owner="cases")
    clock.now += timedelta(hours=1)
    case = real.cases.update(case, status="in-progress")
    clock.now += timedelta(hours=2)
    closed = real.cases.update(case, status="closed")
    lifespan = real.metrics.of_case(case, ["lifespan"]).lifespan
    assert lifespan is not None
    assert lifespan.duration == timedelta(hours=3)
    assert (lifespan.durations.open, lifespan.durations.in_progress) == (timedelta(hours=1), timedelta(hours=2))
    assert (closed.time_to_acknowledge, closed.time_to_investigate, closed.time_to_resolve) == (3600, 7200, 10800)
    everything = real.metrics.of_case(case)
    assert everything.alerts is not None
    assert everything.alerts.count == 0
    across = real.metrics.across(owner="cases")
    assert across.mttr == 10800
    assert across.status is not None
    assert (across.status.open, across.status.closed) == (0, 1)
    assert real.cases.counts(owner="cases").closed == 1
    with pytest.raises(NotFoundError):
        real.metrics.of_case("missing")
