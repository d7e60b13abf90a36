from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import responses

from kibcase import InvalidAnswer, Kibana, Version

URL = "http://kibana.test:5601"
FULL = {
    "name": "kb", "uuid": "u", "version": {"number": "9.2.1", "build_hash": "h", "build_number": 1,
    "build_snapshot": False, "build_flavor": "traditional", "build_date": "2025-01-01T00:00:00Z"},
    "status": {"overall": {"level": "available", "summary": "All services are available"}, "core": {}, "plugins": {}},
    "metrics": {},
}


def test_status(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=FULL)
    status = kibana.status.get()
    assert status.available
    assert status.version is not None
    assert status.version.number == "9.2.1"
    assert not status.serverless


def test_a_kibana_that_is_not_well_still_answers(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", status=503, json={**FULL, "status": {"overall": {"level": "critical"}}})
    status = kibana.status.get()
    assert (status.level, status.available) == ("critical", False)


def test_a_kibana_that_is_not_ready_does_not(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", status=503, body="Kibana server is not ready yet")
    with pytest.raises(InvalidAnswer):
        kibana.status.get()


def test_the_version_is_asked_for_once(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=FULL)
    with ThreadPoolExecutor(4) as pool:
        versions = set(pool.map(lambda _: kibana.status.version, range(8)))
    assert versions == {Version(9, 2, 1)} == {kibana.space("soc").status.version}
    assert len(remote.calls) == 1


def test_a_version_that_is_not_told(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json={"status": {"overall": {"level": "available"}}})
    with pytest.raises(InvalidAnswer, match="not told"):
        _ = kibana.status.version


def test_licence(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/licensing/info", json={
        "license": {"uid": "x", "type": "basic", "mode": "basic", "status": "active"}, "features": {},
        "signature": "s",
    })
    info = kibana.status.license()
    assert info.allows("basic")
    assert not info.allows("platinum")
    assert info.expires_at is None
    assert remote.calls[0].request.headers["x-elastic-internal-origin"] == "Kibana"
