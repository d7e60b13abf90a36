"""Metrics of a case, and across cases."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any


def metrics(kibana: Any, case: Any, *features: str) -> Any:
    path = f"/internal/cases/metrics/{case['id']}"
    return kibana.ok("GET", path, params={"features": json.dumps(features)})


def test_alerts_are_counted(kibana: Any) -> None:
    case = kibana.create()
    body = {
        "type": "alert", "alertId": [uuid.uuid4().hex, uuid.uuid4().hex], "index": ["kibcase-blackbox-none"] * 2,
        "rule": {"id": None, "name": None}, "owner": "cases",
    }
    kibana.ok("POST", f"/api/cases/{case['id']}/comments", body)

    def check() -> None:
        assert metrics(kibana, case, "alerts.count") == {"alerts": {"count": 2}}

    kibana.until(check)


def test_connectors_are_counted(kibana: Any) -> None:
    assert metrics(kibana, kibana.create(), "connectors") == {"connectors": {"total": 0}}


def test_the_life_of_a_case(kibana: Any) -> None:
    case = kibana.create()
    for status in ("in-progress", "closed", "open"):
        kibana.change(case, status=status)

    def check() -> None:
        life = metrics(kibana, case, "lifespan")["lifespan"]
        assert (life["creationDate"], life["closeDate"]) == (case["created_at"], None)
        assert len(life["statusInfo"]["reopenDates"]) == 1
        assert life["statusInfo"]["openDuration"] >= 0
        assert life["statusInfo"]["inProgressDuration"] >= 0

    kibana.until(check)


def test_what_cannot_be_measured(kibana: Any) -> None:
    path = f"/internal/cases/metrics/{kibana.create()['id']}"
    kibana.refused(400, "GET", path, params={"features": json.dumps(["songs"])})
    kibana.refused(404, "GET", f"/internal/cases/metrics/{uuid.uuid4()}", params={"features": json.dumps(["lifespan"])})


def test_across_cases(new_space: Callable[[], Any]) -> None:
    space = new_space()
    for status in ("open", "in-progress", "closed"):
        case = space.create()
        if status != "open":
            space.change(case, status=status)

    def check() -> None:
        told = space.ok("GET", "/internal/cases/metrics", params={"features": json.dumps(["mttr"]), "owner": "cases"})
        assert told["mttr"] >= 0

    space.until(check)


def test_states_across_cases(new_space: Callable[[], Any]) -> None:
    space = new_space()
    space.needs(9, 0)
    space.change(space.create(), status="in-progress")

    def check() -> None:
        told = space.ok("GET", "/internal/cases/metrics", params={"features": json.dumps(["status"])})
        assert told["status"] == {"open": 0, "inProgress": 1, "closed": 0}

    space.until(check)
