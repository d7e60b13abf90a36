"""Metrics of one case and across cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases.lifespan import status_info
from kibcase.server.cases.metrics import hosts_in, users_in
from kibcase.server.datemath import stamp

START = datetime(2025, 1, 1, tzinfo=UTC)


def metrics(kibana: Any, case: dict[str, Any], *features: str) -> dict[str, Any]:
    found: dict[str, Any] = kibana.get(f"/internal/cases/metrics/{case['id']}", features=list(features))
    return found


def alert(kibana: Any, make_alert: Any, identifier: str, **source: Any) -> dict[str, Any]:
    body: dict[str, Any] = make_alert(identifier)
    url = f"{kibana.server.elasticsearch_url}/{body['index'][0]}/_doc/{identifier}"
    fields = {name.replace("_", "."): value for name, value in source.items()}
    document = {"kibana.alert.workflow_status": "open", **fields}
    assert requests.put(url, json=document, auth=kibana.session.auth, timeout=10).status_code == 201
    return body


def test_a_new_case(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    clock.forward(minutes=2)
    every = ("alerts.count", "alerts.users", "alerts.hosts", "connectors", "lifespan", "actions.isolateHost")
    assert metrics(kibana, case, *every) == {
        "alerts": {"count": 0, "users": {"total": 0, "values": []}, "hosts": {"total": 0, "values": []}},
        "actions": {"isolateHost": {"isolate": {"total": 0}, "unisolate": {"total": 0}}},
        "connectors": {"total": 0},
        "lifespan": {
            "creationDate": "2025-03-01T12:00:00.000Z", "closeDate": None,
            "statusInfo": {"openDuration": 120_000, "inProgressDuration": 0, "reopenDates": []},
        },
    }


@pytest.mark.parametrize("features", ["connectors", '["connectors"]', ["connectors"]])
def test_how_features_are_named(kibana: Any, features: Any) -> None:
    case = kibana.create()
    assert kibana.get(f"/internal/cases/metrics/{case['id']}", features=features) == {"connectors": {"total": 0}}


def test_the_lifespan(kibana: Any, clock: Any) -> None:
    case = kibana.create()
    for status in ("in-progress", "closed", "open", "closed"):
        clock.forward(minutes=10)
        case = kibana.patch(case, status=status)
    clock.forward(minutes=10)
    found = metrics(kibana, case, "lifespan")["lifespan"]
    assert found["closeDate"] == "2025-03-01T12:40:00.000Z"
    assert found["statusInfo"] == {
        "openDuration": 20 * 60_000, "inProgressDuration": 10 * 60_000, "reopenDates": ["2025-03-01T12:30:00.000Z"],
    }


def test_connectors_of_a_case(kibana: Any) -> None:
    jira = {"id": "j1", "name": "Jira", "type": ".jira", "fields": None}
    case = kibana.create(connector=jira)
    none = {"id": "none", "name": "none", "type": ".none", "fields": None}
    for connector in ({**jira, "id": "j2"}, none, jira):
        case = kibana.patch(case, connector=connector)
    assert metrics(kibana, case, "connectors") == {"connectors": {"total": 2}}


def test_users_and_hosts_of_alerts(kibana: Any, make_alert: Any) -> None:
    case = kibana.create()
    for number, (user, host, name) in enumerate(
        [("ann", "h1", "old-name"), ("ann", "h1", "new-name"), (["bob", "ann"], "h2", None), (None, None, "x")]
    ):
        moment = f"2025-01-0{number + 1}T00:00:00Z"
        body = alert(
            kibana, make_alert, f"a{number}", user_name=user, host_id=host, host_name=name, **{"@timestamp": moment}
        )
        kibana.attach(case, body)
    kibana.attach(case, make_alert("ghost"))
    assert metrics(kibana, case, "alerts.count", "alerts.users", "alerts.hosts")["alerts"] == {
        "count": 5,
        "users": {"total": 2, "values": [{"name": "ann", "count": 3}, {"name": "bob", "count": 1}]},
        "hosts": {
            "total": 2,
            "values": [{"name": "new-name", "id": "h1", "count": 2}, {"id": "h2", "count": 1}],
        },
    }


def test_isolations(kibana: Any) -> None:
    case = kibana.create()
    actions = {"type": "isolate", "targets": [{"hostname": "h", "endpointId": "e"}]}
    kibana.attach(case, {"type": "actions", "comment": "c", "actions": actions, "owner": case["owner"]})
    assert metrics(kibana, case, "actions.isolateHost") == {
        "actions": {"isolateHost": {"isolate": {"total": 1}, "unisolate": {"total": 0}}}
    }


def test_what_is_refused(kibana: Any) -> None:
    case = kibana.create()
    one, across = f"/internal/cases/metrics/{case['id']}", "/internal/cases/metrics"
    nothing = "[request query.features]: expected at least one defined value but got [undefined]"
    unknown = "[request query.x]: definition for this key is missing"
    for path, params, message in (
        (one, {}, nothing),
        (across, {}, nothing),
        (one, {"features": "lifespan", "x": 1}, unknown),
        (across, {"features": "mttr", "x": 1}, unknown),
        (one, {"features": "bananas"}, 'Invalid value "bananas" supplied to "features"'),
        (one, {"features": "mttr"}, 'Invalid value "mttr" supplied to "features"'),
        (across, {"features": "bananas"}, 'Invalid value "bananas" supplied to "features"'),
        (
            across,
            {"features": ["lifespan", "mttr"]},
            "invalid features: [lifespan], please only provide valid features: [mttr, status]",
        ),
        (across, {"features": "mttr", "from": "never"}, 'Invalid "from" and/or "to" query parameters'),
    ):
        assert kibana.refused("GET", path, 400, params=params) == message
    assert kibana.refused("GET", "/internal/cases/metrics/ghost", 404, params={"features": "lifespan"}) == (
        "Saved object [cases/ghost] not found"
    )
    kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    kibana.refused("GET", f"/s/soc{one}", 404, params={"features": "lifespan"})


def test_internal_routes_want_their_header(kibana: Any) -> None:
    del kibana.session.headers["x-elastic-internal-origin"]
    message = kibana.refused("GET", "/internal/cases/metrics", 400, params={"features": "mttr"})
    assert message.endswith("exists but is not available with the current configuration")


def across(kibana: Any, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = kibana.get("/internal/cases/metrics", features=["mttr", "status"], **params)
    return found


def test_metrics_across_cases(kibana: Any, clock: Any) -> None:
    assert across(kibana) == {"mttr": None, "status": {"open": 0, "inProgress": 0, "closed": 0}}
    first, second, third = kibana.create(), kibana.create(owner="cases"), kibana.create()
    clock.forward(seconds=10)
    kibana.patch(first, status="closed")
    clock.forward(seconds=5)
    kibana.patch(second, status="closed")
    kibana.patch(third, status="in-progress")
    clock.forward(days=2)
    kibana.create()
    assert across(kibana) == {"mttr": 12.5, "status": {"open": 1, "inProgress": 1, "closed": 2}}
    assert across(kibana, owner="cases") == {"mttr": 15, "status": {"open": 0, "inProgress": 0, "closed": 1}}
    assert across(kibana, owner=["cases", "securitySolution"], to="now-1d")["status"]["open"] == 0
    found = across(kibana, **{"from": "now-1d"})
    assert found == {"mttr": None, "status": {"open": 1, "inProgress": 0, "closed": 0}}
    assert kibana.get("/internal/cases/metrics", features="mttr") == {"mttr": 12.5}


def test_only_the_ten_most_frequent_are_named() -> None:
    sources = [{"user.name": f"u{n:02}", "host": {"id": f"h{n:02}"}} for n in range(12)] + [{"user.name": "u11"}]
    users, hosts = users_in(sources), hosts_in(sources)
    assert (users["total"], len(users["values"]), users["values"][0]) == (12, 10, {"name": "u11", "count": 2})
    assert (hosts["total"], len(hosts["values"]), hosts["values"][0]) == (12, 10, {"id": "h00", "count": 1})


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(["open", "in-progress", "closed"]))),
    st.integers(0, 9999),
)
def test_time_is_neither_lost_nor_made(steps: list[tuple[int, str]], rest: int) -> None:
    at, closed, status, changes = START, timedelta(), "open", []
    for seconds, after in [*steps, (rest, "")]:
        span = timedelta(seconds=seconds)
        at, closed = at + span, closed + (span if status == "closed" else timedelta())
        status = after or status
        if after:
            changes.append((stamp(at), after))
    found = status_info(stamp(START), changes, at)
    spent = found["openDuration"] + found["inProgressDuration"]  # type: ignore[operator]
    assert timedelta(milliseconds=spent) + closed == at - START
