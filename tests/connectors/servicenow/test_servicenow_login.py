"""Logging in, outages, and what never shows in a log."""

from __future__ import annotations

import base64
import logging
import pickle
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Create
from kibcase_connectors.errors import ConnectorError, Denied, Throttled, Unavailable
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.servicenow.failures import Answer, Deed, from_answer, retry_after
from kibcase_connectors.standins.servicenow import OAuthApp, ServiceNowUser
from kibcase_connectors.standins.servicenow.people import DEFAULT_USERS
from tests.connectors.servicenow.conftest import PASSWORD, Clock

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

SECRET = "kibcase-client-secret"
KEY = "kibcase-api-key"
APP = OAuthApp(client_id="soc", client_secret=SECRET, acts_as="kibcase")
KEYED = ServiceNowUser(
    user_name="kibcase", name="Kibcase Sync", email="k@example.com", password=PASSWORD, time_zone="UTC", api_key=KEY,
)
SCHEMES: dict[str, dict[str, Any]] = {
    "basic": {},
    "password grant": {"client_id": "soc", "client_secret": SECRET},
    "client credentials": {
        "client_id": "soc", "client_secret": SECRET, "username": None, "password": None, "account": "kibcase",
    },
    "api key": {"api_key": KEY, "username": None, "password": None, "account": "kibcase"},
}
OAUTH = ("password grant", "client credentials")


@pytest.fixture
def keyed(make: MakeBench) -> Bench:
    return make(users=(KEYED, *DEFAULT_USERS[1:]), oauth_apps=(APP,))


def logins(bench: Bench) -> int:
    return sum(seen.path == "/oauth_token.do" for seen in bench.servicenow.faults.requests)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_way_to_log_in(keyed: Bench, scheme: str) -> None:
    keyed.connector = keyed.connect(**SCHEMES[scheme])
    key = keyed.create().key
    keyed.comment(key)
    keyed.set_status(key, "closed")
    assert keyed.row(key)["sys_updated_by"] == "kibcase"
    assert logins(keyed) == (1 if scheme in OAUTH else 0)


def test_a_bearer_token_is_used_as_it_is(keyed: Bench) -> None:
    form = {"grant_type": "client_credentials", "client_id": "soc", "client_secret": SECRET}
    token = requests.post(f"{keyed.servicenow.url}/oauth_token.do", data=form, timeout=10).json()["access_token"]
    keyed.connector = keyed.connect(username=None, password=None, token=token, account="kibcase")
    assert keyed.create().label
    keyed.servicenow.revoke_tokens()
    with pytest.raises(Denied):
        keyed.connector.changes(None)


@pytest.mark.parametrize("scheme", OAUTH)
def test_a_token_that_was_revoked_is_replaced_once(keyed: Bench, scheme: str) -> None:
    keyed.connector = keyed.connect(**SCHEMES[scheme])
    ticket = keyed.ticket()
    keyed.servicenow.revoke_tokens()
    keyed.set_fields(ticket, title="x")
    assert logins(keyed) == 2


def test_a_token_is_replaced_before_it_runs_out(make: MakeBench) -> None:
    clock = Clock()
    bench = make(clock=clock, oauth_apps=(APP,))
    bench.connector = bench.connect(clock=clock, **SCHEMES["password grant"])
    key = bench.create().key
    clock.forward(minutes=28)
    bench.connector.read(key)
    assert logins(bench) == 1
    clock.forward(seconds=61)
    bench.connector.read(key)
    assert logins(bench) == 2
    assert all(seen.status != 401 for seen in bench.servicenow.faults.requests)


@pytest.mark.parametrize("wrong", [
    {"password": "no"}, {"client_id": "soc", "client_secret": "no"}, {"client_id": "no", "client_secret": SECRET},
    {"client_id": "soc", "client_secret": SECRET, "password": "no"},
    {"api_key": "no", "username": None, "password": None, "account": "kibcase"},
])
def test_wrong_credentials_are_denied(keyed: Bench, wrong: dict[str, Any]) -> None:
    connector = keyed.connect(**wrong)
    deeds = (lambda: connector.changes(None), lambda: connector.read("0" * 32), lambda: connector.find("kibcase-x"))
    for deed in deeds:
        with pytest.raises(Denied, match=r"credentials|client_id"):
            deed()
    (found,) = connector.check()
    assert (found.level, found.subject) == ("problem", "account")


def test_an_inactive_account_is_denied(bench: Bench) -> None:
    bench.connector.changes(None)
    bench.servicenow.state.change_user(replace(bench.servicenow.state.user("kibcase"), active=False))
    with pytest.raises(Denied):
        bench.connector.changes(None)


def test_a_session_lost_for_a_moment_is_no_lost_right(bench: Bench) -> None:
    key = bench.person_makes()
    bench.connector.changes(None)
    bench.servicenow.faults.arm(Fault(method="GET", status=401))
    assert bench.connector.read(key).key == key
    bench.servicenow.lose_sessions()
    with pytest.raises(Denied):
        bench.connector.read(key)
    bench.servicenow.wake()
    assert bench.connector.read(key).key == key


@pytest.mark.parametrize("mode", ["hibernate", "maintain"])
def test_an_instance_that_is_away(bench: Bench, mode: str) -> None:
    key = bench.create().key
    getattr(bench.servicenow, mode)()
    said = "hibernating" if mode == "hibernate" else "503"
    for connector in (bench.connector, bench.connect()):
        with pytest.raises(Unavailable, match=said):
            connector.changes(None)
        with pytest.raises(Unavailable, match=said):
            connector.read(key)
        with pytest.raises(Unavailable, match=said):
            connector.check()
    bench.servicenow.wake()
    assert bench.connector.read(key).key == key


ODD = [
    Fault(drop=True), Fault(when="after", drop=True), Fault(status=500), Fault(status=502, body=b"<html>"),
    Fault(status=200, body=b"<html>log in</html>", headers=(("content-type", "text/html"),)),
    Fault(status=200, body=b'{"result": [{"sys_id": "12'), Fault(status=200, body=b"[]"), Fault(status=200),
    Fault(status=200, body=b'{"result": 7}'), Fault(status=202, body=b'{"status": "queued"}'),
    Fault(status=302, headers=(("location", "/login.do"),)), Fault(status=404, body=b"<html>nothing here</html>"),
    Fault(status=200, body=b"[" * 100_000),
]


@pytest.mark.parametrize("fault", ODD)
def test_a_read_without_a_usable_answer_is_unavailable(bench: Bench, fault: Fault) -> None:
    key = bench.create().key
    for deed in (lambda: bench.connector.read(key), lambda: bench.connector.changes(None),
                 lambda: bench.connector.find("kibcase-x")):
        bench.servicenow.faults.arm(fault)
        with pytest.raises(Unavailable):
            deed()


def test_a_slow_instance_is_unavailable(bench: Bench) -> None:
    key = bench.create().key
    hasty = bench.connect(timeout=[5, 0.2])
    hasty.changes(None)
    bench.servicenow.faults.arm(Fault(path=f".*/{key}", delay=1.0))
    with pytest.raises(Unavailable, match="no answer in time"):
        hasty.read(key)


def test_nobody_is_listening(bench: Bench) -> None:
    gone = bench.connect(url="http://127.0.0.1:9")
    for deed in (lambda: gone.changes(None), bench_create(gone)):
        with pytest.raises(Unavailable, match="Check the address"):
            deed()


def bench_create(connector: ServiceNowConnector) -> Any:
    return lambda: connector.apply(Create(mark="kibcase-x", fields={}, origin_label="7"), lambda _: None)


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"Retry-After": "90"}, 90.0), ({"Retry-After": "1.5"}, 1.5), ({"Retry-After": "nan"}, None), ({}, None),
    ({"Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 60.0),
    ({"X-RateLimit-Reset": "784111837", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, 60.0),
    ({"X-RateLimit-Reset": "784111700", "Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, None),
])
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    answer = Answer(status=429, headers=headers, content=b"{}")
    assert retry_after(answer) == seconds
    error = from_answer(Deed(system="snow", what="x", writes=True), answer)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


def test_maintenance_that_says_when_is_throttling(bench: Bench) -> None:
    bench.connector.changes(None)
    bench.servicenow.faults.arm(Fault(status=503, headers=(("Retry-After", "120"),), body=b"<html>"))
    with pytest.raises(Throttled) as caught:
        bench.connector.changes(None)
    assert caught.value.retry_after == 120


def test_no_cookie_is_kept_and_no_redirect_followed(bench: Bench) -> None:
    bench.connector.changes(None)
    bench.servicenow.faults.arm(
        Fault(status=302, headers=(("location", f"{bench.servicenow.url}/api/now/v2/table/elsewhere"),
                                   ("set-cookie", "JSESSIONID=abc; Path=/")))
    )
    with pytest.raises(Unavailable):
        bench.connector.changes(None)
    bench.connector.changes(None)
    assert "table/elsewhere" not in [path for _, path in bench.requests]
    http = bench.connector._site.client._session()
    assert (list(http.cookies), http.trust_env) == ([], False)


def test_netrc_and_the_environment_do_not_replace_the_credentials(
    bench: Bench, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login admin password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert bench.connect().changes(None).items == ()


def test_proxies_come_from_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(Unavailable):
        bench.connect().changes(None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert bench.connect().changes(None).items == ()


def test_a_certificate_that_is_not_checked_is_said_loudly(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.connect(verify=False)
    assert "is NOT verified" in caplog.text


def test_a_missing_file_of_certificates(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with pytest.raises(FileNotFoundError):
        bench.connect(verify=tmp_path / "none.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(FileNotFoundError):
        bench.connect()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_secrets_show_nowhere(keyed: Bench, scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    pair = base64.b64encode(f"kibcase:{PASSWORD}".encode()).decode()
    secrets = (PASSWORD, SECRET, KEY, pair)
    with caplog.at_level(logging.DEBUG):
        connector = keyed.connect(**SCHEMES[scheme])
        connector.changes(None)
        texts = [repr(connector), repr(connector._site), str(vars(connector._site.client))]
        for fault in (Fault(drop=True), Fault(status=500), Fault(status=401, times=2), Fault(status=403, body=b"{}")):
            keyed.servicenow.faults.arm(fault)
            with pytest.raises(ConnectorError) as caught:
                connector.changes(None)
            texts += ["".join(traceback.format_exception(caught.value)), repr(pickle.loads(pickle.dumps(caught.value)))]
    texts += [caplog.text]
    assert not [secret for secret in secrets for text in texts if secret in text]


GOOD = {"url": "https://x.service-now.com", "username": "u", "password": "p"}


@pytest.mark.parametrize(("change", "said"), [
    ({"url": "x.service-now.com"}, "http"), ({"url": "https://u:p@x"}, "credentials"),
    ({"url": "https://x/?a"}, "path"),
    ({"password": None}, "go together"), ({"username": None, "password": None}, "exactly one"),
    ({"token": "t"}, "exactly one"), ({"token": "a b", "username": None, "password": None}, "white space"),
    ({"username": None, "password": None, "token": "t"}, "account is needed"), ({"table": "problem"}, "incident"),
    ({"create_fields": {"state": "2"}}, "itself"), ({"create_fields": {"Bad-Name": "2"}}, "small letters"),
    ({"tags_column": "state"}, "of its own"), ({"tags_column": "u_x", "url_column": "u_x"}, "two columns"),
    ({"correlation_display": "Elastic Case"}, "adopt_pushed"), ({"client_id": "c"}, "go together"),
    ({"lengths": {"description": 3}}, "40"), ({"nothing": 1}, "nothing"),
])
def test_mistakes_in_the_configuration(change: dict[str, Any], said: str) -> None:
    given = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=said) as caught:
        ServiceNowConfig(**given)
    assert "'p'" not in str(caught.value)


def test_numbers_may_be_written_as_numbers() -> None:
    config = ServiceNowConfig(**GOOD, targets={"closed": 7}, states={9: "closed"}, levels={"high": [1, 1]})
    assert (config.targets["closed"], config.states["9"], config.levels["high"]) == ("7", "closed", ("1", "1"))
