"""User profiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.users import User

SUGGEST = "/internal/cases/_suggest_user_profiles"
BULK = "/internal/security/user_profile/_bulk_get"
USERS = {
    "mara": User(password="secret", full_name="Mara Lindqvist", email="mara@soc.example", profile_uid="u_mara"),
    "noor": User(password="n", profile_uid="u_noor"),
    "script": User(password="s"),
}
MARA = {
    "uid": "u_mara", "enabled": True, "data": {},
    "user": {"username": "mara", "full_name": "Mara Lindqvist", "email": "mara@soc.example"},
}
NOOR = {"uid": "u_noor", "enabled": True, "data": {}, "user": {"username": "noor"}}


@pytest.fixture
def staffed() -> Iterator[CasesServer]:
    with CasesServer(users=USERS) as server:
        yield server


@pytest.fixture
def mara(staffed: CasesServer, kibana: Any) -> Any:
    return type(kibana)(staffed)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", [MARA, NOOR]), ("lind", [MARA]), ("LIND mar", [MARA]), ("soc", [MARA]), ("noor", [NOOR]), ("ara", []),
        ("x", []),
    ],
)
def test_suggestions(mara: Any, name: str, found: list[Any]) -> None:
    answer = mara.send("POST", SUGGEST, json={"name": name, "owners": ["cases"]})
    assert (answer.status_code, answer.json()) == (200, found)


def test_size_and_owners(mara: Any) -> None:
    assert mara.send("POST", SUGGEST, json={"name": "", "owners": ["cases"], "size": 1}).json() == [MARA]
    assert mara.send("POST", SUGGEST, json={"name": "", "owners": []}).json() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"owners": []}, 'Invalid value "undefined" supplied to "name"'),
        ({"name": "x"}, 'Invalid value "undefined" supplied to "owners"'),
        ({"name": "x", "owners": [], "size": 0}, "The size field cannot be less than 1."),
        ({"name": "x", "owners": [], "size": 11}, "The size field cannot be more than 10."),
        ({"name": "x", "owners": [], "size": "1"}, 'Invalid value "1" supplied to "size"'),
        ({"name": "x", "owners": [], "dataPath": "a"}, 'invalid keys "dataPath"'),
    ],
)
def test_what_a_suggestion_needs(mara: Any, body: dict[str, Any], message: str) -> None:
    assert mara.refused("POST", SUGGEST, 400, json=body) == message


def test_suggestions_need_a_licence(connect: Any) -> None:
    message = connect(license="gold").refused("POST", SUGGEST, 403, json={"name": "x", "owners": []})
    assert message.startswith("In order to retrieve suggested user profiles, you must be subscribed to an Elastic")


def test_profiles_by_uid(mara: Any) -> None:
    answer = mara.send("POST", BULK, json={"uids": ["u_noor", "ghost", "u_mara", "u_noor"], "dataPath": "avatar"})
    assert (answer.status_code, answer.json()) == (200, [NOOR, MARA])
    for body, message in (
        ({}, "[request body.uids]: expected value of type [array] but got [undefined]"),
        ({"uids": []}, "[request body.uids]: array size is [0], but cannot be smaller than [1]"),
        ({"uids": [1]}, "[request body.uids.0]: expected value of type [string] but got [number]"),
        ({"uids": [""]}, "[request body.uids.0]: value has length [0] but it must have a minimum length of [1]."),
        ({"uids": ["u"], "dataPath": 1}, "[request body.dataPath]: expected value of type [string] but got [number]"),
        ({"uids": ["u"], "x": 1}, "[request body.x]: definition for this key is missing"),
    ):
        assert mara.refused("POST", BULK, 400, json=body) == message


def test_the_own_profile(mara: Any) -> None:
    own = "/internal/security/user_profile"
    assert mara.get(own, dataPath="avatar") == {**MARA, "labels": {}}
    assert mara.refused("GET", own, 400, params={"x": 1}) == "[request query.x]: definition for this key is missing"
    script = type(mara)(mara.server, user="script", password="s")
    assert script.refused("GET", own, 404) == "Not Found"
