from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from kibcase import Kibana, LimitError, NotFoundError
from kibcase.server.app import CasesServer
from kibcase.server.users import User

URL = "http://kibana.test:5601"
USERS = {
    "elastic": User(password="changeme", profile_uid="u_1"), "mara": User(password="changeme", profile_uid="u_2"),
}
PROFILE: dict[str, Any] = {
    "uid": "u_1", "enabled": True, "data": {"avatar": {}},
    "user": {"username": "mara", "full_name": "Mara Lindqvist", "email": "mara@example.org", "roles": []},
}


def test_suggestions(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/internal/cases/_suggest_user_profiles", json=[PROFILE])
    [profile] = kibana.profiles.suggest("mar", owners=["cases"], size=3)
    assert (profile.uid, profile.user.display_name) == ("u_1", "Mara Lindqvist")
    assert json.loads(remote.calls[0].request.body or b"") == {"name": "mar", "owners": ["cases"], "size": 3}
    with pytest.raises(LimitError):
        kibana.profiles.suggest("mar", owners=["cases"], size=11)


def test_profiles_by_uid(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/internal/security/user_profile/_bulk_get", json=[PROFILE])
    remote.get(f"{URL}/internal/security/user_profile", json=PROFILE)
    assert [each.uid for each in kibana.profiles.get_many(["u_1", "u_1", "u_2"])] == ["u_1"]
    assert json.loads(remote.calls[0].request.body or b"") == {"uids": ["u_1", "u_2"]}
    assert kibana.profiles.get_many([]) == []
    assert kibana.profiles.current().uid == "u_1"


@pytest.fixture
def real() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0", users=USERS) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana) -> None:
    mine = real.profiles.current()
    assert mine.user.username == "elastic"
    assert [each.uid for each in real.profiles.suggest("elas", owners=["cases"])] == [mine.uid]
    assert [each.uid for each in real.profiles.get_many([mine.uid, "u_missing"])] == [mine.uid]
    case = real.cases.create(title="t", description="d", owner="cases", assignees=["u_2"])
    users = real.user_actions.users(case)
    assert [each.uid for each in users.assignees] == ["u_2"]
    assert users.reporter is not None
    assert users.reporter.user.username == "elastic"
    real.cases.update(case, assignees=[])
    assert [each.uid for each in real.user_actions.users(case).unassigned] == ["u_2"]


def test_who_has_no_profile_is_told_so() -> None:
    users = {"script": User(password="changeme")}
    with (
        CasesServer(stack_version="9.5.0", users=users) as server,
        Kibana(server.kibana_url, username="script", password="changeme") as kibana,
        pytest.raises(NotFoundError, match=r"^no user profile \(404\).*logged in to Kibana's pages") as caught,
    ):
        kibana.profiles.current()
    assert "too old" not in str(caught.value)
