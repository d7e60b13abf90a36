from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import responses

from kibcase import ConflictError, Kibana, NotFoundError, Space
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"


def test_spaces_are_those_of_all_kibana(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/spaces/space", json=[{"id": "soc", "name": "SOC", "disabledFeatures": ["ml"], "x": 1}])
    [space] = kibana.space("other").spaces.all()
    assert (space.id, space.disabled_features, space.model_extra) == ("soc", ["ml"], {"x": 1})


def test_writing_spaces(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.put(f"{URL}/api/spaces/space/soc", json={"id": "soc", "name": "New"})
    remote.delete(f"{URL}/api/spaces/space/soc", status=204)
    kibana.spaces.update(Space.model_validate({"id": "soc", "name": "New", "imageUrl": "data:"}))
    assert json.loads(remote.calls[0].request.body or b"") == {"id": "soc", "name": "New", "imageUrl": "data:"}
    kibana.spaces.delete("soc")
    with pytest.raises(ValueError, match="space id"):
        kibana.spaces.create("Not Allowed", "x")


@pytest.fixture
def real() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana) -> None:
    made = real.spaces.create("soc", "SOC", description="Night shift")
    assert (made.id, made.description) == ("soc", "Night shift")
    assert {each.id for each in real.spaces.all()} == {"default", "soc"}
    assert real.space("soc").spaces.get("soc").name == "SOC"
    with pytest.raises(ConflictError):
        real.spaces.create("soc", "SOC")
    with pytest.raises(NotFoundError):
        real.spaces.get("missing")
    with real.space("soc") as soc:
        case = soc.cases.create(title="t", description="d", owner="cases")
    assert soc.cases.get(case.id).id == case.id
    with pytest.raises(NotFoundError):
        real.cases.get(case.id)
