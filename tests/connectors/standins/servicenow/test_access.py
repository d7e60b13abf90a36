"""Credentials, roles, access controls, OAuth."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import requests

from kibcase_connectors.standins.servicenow import (
    DEFAULT_USERS,
    JOURNAL_CLOSED,
    OAuthApp,
    Restriction,
    RsaPublicKey,
    ServiceNowProblem,
    ServiceNowStandin,
)

# A key pair made for these tests.
MODULUS = int(
    "a7b12cedc30f96da124ba3723cc022e05f2b77c2210f5e4318d31807ee6b374d2d5f7449d21f03e0cea8d9f9cd3cc8acf15ce9dc393d204356"
    "a8edb55a6810c945ee334f36ce286fd083a98793c2672afb59b53e19de459dc64dda3bfbe34c5c195c9cfeb2cc793a6bf057fd312d45cdf18f"
    "a1c99e9fcca9498379e91a638fc0763f5b2064358f47aea13ba5e9c0d36feadd9db586006b61cfc916aec8f84bd8b300ced337c89f3791c9c5"
    "fcd1242f06d7f75f99ad906b307a587f312adbf836e1cf688b8cce1a6f5363ab38af92ce32e2d2ce48b62e5803113b48fee1e1d3d24ca0ace2"
    "225757d81d5f3a489868c97ca116bfa5f6342b3f7e56351739df31ff", 16,
)
PRIVATE = int(
    "1ba11793fd259e6743c86e9faddec260518de9e7746701d2f04e279176f8f75da1f22e48d37404c18f8b468edffff9d874d4283bfeba518c86"
    "c4c295b4d59c9e6d053832ff06aca6efa621d292c7df13b7e229f8976e85eddef488d68544081acc9af3cb0b4ea152bce216bd42d300c353df"
    "a47a81c6368455f671a9b48d5eebc4b73e888c3b257aa9307cd0bbbacd9b86527a2bd521515ff76e58c1d840b49d305de44a303102e8c066bb"
    "8e40114a416a55d4bd360afdd4d55f3c7d4bf5e098dcef952878ce35f1788283b2de210c0247dadaff13329148767559b0646feabfe522edf4"
    "82d665dbac734246cb3d0a4a6ea82245a3ef32f4e34df3c5b559cea1", 16,
)
APP = OAuthApp(
    client_id="soc", client_secret="soc-secret", acts_as="kibcase", jwt_keys={"key-1": RsaPublicKey(modulus=MODULUS)}
)
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def assertion(head: dict[str, Any], claims: dict[str, Any]) -> str:
    message = ".".join(encoded(json.dumps(each).encode()) for each in (head, claims))
    info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message.encode()).digest()
    padded = b"\0\1" + b"\xff" * (256 - len(info) - 3) + b"\0" + info
    return f"{message}.{encoded(pow(int.from_bytes(padded), PRIVATE, MODULUS).to_bytes(256))}"


@pytest.fixture
def protected(run: Any) -> ServiceNowStandin:
    made: ServiceNowStandin = run(oauth_apps=(APP,))
    return made


def token(standin: ServiceNowStandin, **form: str) -> requests.Response:
    given = {"client_id": "soc", "client_secret": "soc-secret", **form}
    return requests.post(f"{standin.url}/oauth_token.do", data=given, timeout=10)


def who(standin: ServiceNowStandin, access: str) -> Any:
    answer = requests.post(
        f"{standin.url}/api/now/table/incident", json={"short_description": "x"}, timeout=10,
        headers={"Authorization": f"Bearer {access}"},
    )
    return answer.json()["result"]["sys_created_by"] if answer.ok else answer.status_code


@pytest.mark.parametrize("auth", [None, ("kibcase", "wrong"), ("nobody", "x"), ("kibcase", "")])
def test_wrong_credentials(standin: ServiceNowStandin, auth: Any) -> None:
    answer = requests.get(f"{standin.url}/api/now/table/incident", auth=auth, timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'BASIC realm="Service-now"'
    assert answer.json() == {
        "error": {"message": "User Not Authenticated", "detail": "Required to provide Auth information"},
        "status": "failure",
    }


def test_an_inactive_user_and_an_api_key(run: Any) -> None:
    users = (replace(DEFAULT_USERS[0], api_key="k-123"), *DEFAULT_USERS[1:])
    standin = run(users=users)
    url = f"{standin.url}/api/now/table/incident"
    assert requests.get(url, headers={"x-sn-apikey": "k-123"}, timeout=10).status_code == 200
    assert requests.get(url, headers={"x-sn-apikey": "k-124"}, timeout=10).status_code == 401
    standin.state.change_user(replace(users[0], active=False))
    assert requests.get(url, headers={"x-sn-apikey": "k-123"}, timeout=10).status_code == 401
    assert standin.state.rows("sys_user")[0]["active"] == "false"


def test_secrets_are_in_no_repr() -> None:
    shown = repr((DEFAULT_USERS, APP))
    assert "kibcase-password" not in shown
    assert "soc-secret" not in shown


def test_roles(standin: ServiceNowStandin, rest: Any) -> None:
    made = rest.create()
    path = f"table/incident/{made['sys_id']}"
    assert rest.refused(403, "DELETE", path)["detail"] == "ACL Exception Delete Failed due to security constraints"
    standin.state.take_roles("kibcase", "itil")
    standin.state.give_roles("kibcase", "sn_incident_read")
    assert rest.refused(403, "PATCH", path, {"impact": "1"})["message"] == "Operation Failed"
    assert "Insert" in rest.refused(403, "POST", "table/incident", {"short_description": "x"})["detail"]
    assert len(rest.find("")) == 1
    standin.state.take_roles("kibcase", "sn_incident_read")
    assert rest.find("") == []
    rest.refused(404, "GET", path)
    assert rest.find("", "sys_properties") == []


def test_deleting(standin: ServiceNowStandin, rest_to: Any) -> None:
    admin = rest_to(standin, "maria.lindqvist")
    made = admin.create(work_notes="n")
    assert admin("DELETE", f"table/incident/{made['sys_id']}").status_code == 204
    admin.refused(404, "GET", f"table/incident/{made['sys_id']}")
    assert standin.state.rows("sys_journal_field") == []
    row, = admin.find(f"documentkey={made['sys_id']}", "sys_audit_delete")
    assert (row["tablename"], row["user"], row["display_value"]) == ("incident", "maria.lindqvist", "INC0010001")


def test_a_forbidden_column_is_dropped_and_shown_empty(standin: ServiceNowStandin, rest: Any) -> None:
    made = rest.create(description="kept")
    standin.state.restrict(
        Restriction(table="incident", operations=frozenset({"write"}), columns=frozenset({"state", "description"})),
        Restriction(table="incident", operations=frozenset({"read"}), columns=frozenset({"correlation_id"})),
    )
    changed = rest.change(made["sys_id"], state="2", description="new", impact="1", correlation_id="c-1")
    assert (changed["state"], changed["description"], changed["impact"]) == ("1", "kept", "1")
    assert changed["correlation_id"] == ""
    assert standin.as_person("maria.lindqvist").record("INC0010001")["correlation_id"] == "c-1"


def test_journals_may_be_closed_to_plain_roles(standin: ServiceNowStandin, rest: Any) -> None:
    standin.state.restrict(JOURNAL_CLOSED)
    made = rest.create(work_notes="secret")
    answer = rest("GET", "table/sys_journal_field", params={"sysparm_query": f"element_id={made['sys_id']}"})
    assert (answer.json(), answer.headers["X-Total-Count"]) == ({"result": []}, "1")


def test_entries_of_hidden_records_are_hidden(standin: ServiceNowStandin, rest: Any) -> None:
    standin.as_person("maria.lindqvist").create("theirs", work_notes="secret")
    standin.state.restrict(Restriction(
        table="incident", operations=frozenset({"read"}), rows=lambda values: values["short_description"] == "theirs"
    ))
    assert rest.find("", "sys_journal_field") == []


def test_passwords_and_refreshing(protected: ServiceNowStandin, clock: Any) -> None:
    given = token(protected, grant_type="password", username="kibcase", password="kibcase-password").json()
    assert given.keys() == {"access_token", "refresh_token", "scope", "token_type", "expires_in"}
    assert (given["scope"], given["token_type"], given["expires_in"]) == ("useraccount", "Bearer", 1799)
    assert who(protected, given["access_token"]) == "kibcase"
    clock.forward(minutes=31)
    assert who(protected, given["access_token"]) == 401
    renewed = token(protected, grant_type="refresh_token", refresh_token=given["refresh_token"]).json()
    assert who(protected, renewed["access_token"]) == "kibcase"
    protected.revoke_tokens()
    assert who(protected, renewed["access_token"]) == 401
    again = token(protected, grant_type="refresh_token", refresh_token=given["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (401, "invalid_grant")


def test_client_credentials(protected: ServiceNowStandin) -> None:
    given = token(protected, grant_type="client_credentials").json()
    assert "refresh_token" not in given
    assert who(protected, given["access_token"]) == "kibcase"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "kibcase", "password": "x"}, "access_denied"),
        ({"grant_type": "password", "client_secret": "x"}, "invalid_client"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": JWT, "assertion": "x.y.z"}, "invalid_grant"), ({"grant_type": JWT}, "invalid_grant"),
    ],
)
def test_refused_grants(protected: ServiceNowStandin, form: dict[str, str], error: str) -> None:
    answer = token(protected, **form)
    assert (answer.status_code, answer.json()["error"]) == (401, error)
    assert isinstance(answer.json()["error_description"], str)


@pytest.mark.parametrize(
    ("head", "claims", "user"),
    [
        ({}, {}, "kibcase"), ({}, {"sub": "tomasz.nowak@example.com"}, "tomasz.nowak"), ({}, {"sub": "x"}, None),
        ({"kid": "key-2"}, {}, None), ({"alg": "none"}, {}, None), ({}, {"aud": "other"}, None), ({}, {"exp": 1}, None),
        ({}, {"exp": None}, None),
    ],
)
def test_signed_assertions(
    protected: ServiceNowStandin, clock: Any, head: dict[str, Any], claims: dict[str, Any], user: str | None
) -> None:
    body = {"sub": "kibcase@example.com", "aud": "soc", "iss": "soc", "exp": int(clock.now.timestamp()) + 3600}
    signed = assertion({"alg": "RS256", "typ": "JWT", "kid": "key-1"} | head, body | claims)
    answer = token(protected, grant_type=JWT, assertion=signed)
    assert answer.status_code == (200 if user else 401)
    if user:
        assert who(protected, answer.json()["access_token"]) == user
        forged = signed[:-8] + ("AAAAAAAA" if not signed.endswith("AAAAAAAA") else "BBBBBBBB")
        assert token(protected, grant_type=JWT, assertion=forged).status_code == 401


def test_a_grant_may_be_switched_off(run: Any) -> None:
    standin = run(oauth_apps=(replace(APP, grants=frozenset({"password"})),))
    assert token(standin, grant_type="client_credentials").json()["error"] == "unsupported_grant_type"


def test_persons_are_bound_by_the_rules_too(standin: ServiceNowStandin) -> None:
    tomasz = standin.as_person("tomasz.nowak")
    made = tomasz.create("x", urgency="1 - High", assigned_to="Maria Lindqvist")
    assert tomasz.record(made)["urgency"] == "1"
    tomasz.assign(made, "kibcase", group="Security Operations")
    assert standin.state.walk(tomasz.record(made), "assigned_to.user_name") == "kibcase"
    tomasz.resolve(made)
    tomasz.move(made, "In Progress")
    tomasz.comment(made, "hello")
    assert [row["value"] for row in tomasz.journal(made)] == ["hello"]
    tomasz.close(made)
    assert tomasz.record("INC0010001")["state"] == "7"
    with pytest.raises(ServiceNowProblem, match="ACL Exception Delete"):
        tomasz.delete(made)
    standin.as_person("maria.lindqvist").delete(made)
    with pytest.raises(ServiceNowProblem, match="No Record found"):
        tomasz.record(made)
    with pytest.raises(KeyError):
        standin.as_person("nobody")
