"""Whatever goes wrong, no password, token or cookie is in a log record, an error, a traceback or a repr."""

from __future__ import annotations

import base64
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault, Faults
from kibcase.server.users import User
from kibcase_connectors.actions import AddComment, Create, SetFields
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.jira import JiraConfig, JiraConnector
from kibcase_connectors.kibana import KibanaConfig, KibanaConnector
from kibcase_connectors.resilient import ResilientConfig, ResilientConnector
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.standins import jira as jira_standin
from kibcase_connectors.standins.resilient import DEFAULT_KEYS, ResilientStandin
from kibcase_connectors.standins.servicenow import OAuthApp, ServiceNowStandin, ServiceNowUser

USER, PASSWORD, KEY = "kibcase", "pa55-of-kibcase", "a9i-key-of-kibcase"
CLIENT_SECRET = "c1ient-secret-of-kibcase"
COOKIES = ("JSESSIONID=c00kie-one; Path=/; HttpOnly", "atlassian.xsrf.token=c00kie-two; Path=/")
AUTHORIZATION = re.compile(r"\b(basic|bearer|apikey|session)\s+[\w+/=.:-]{12,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A running system, a connector that may work with it, and what must show nowhere."""

    connector: Connector
    config: object
    faults: Faults
    secrets: tuple[str, ...]
    key: str


def basic(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def _jira(ends: ExitStack, scheme: str) -> Bench:
    us = jira_standin.DEFAULT_USERS[0]
    settings: dict[str, dict[str, Any]] = {
        "cloud": {"email": us.email, "api_token": us.secret},
        "token": {"token": us.secret},
        "password": {"username": us.username, "password": us.secret},
    }
    standin = ends.enter_context(
        jira_standin.JiraStandin(deployment="cloud" if scheme == "cloud" else "datacenter", project="SOC")
    )
    config = JiraConfig.model_validate({"url": standin.url, "project": "SOC", **settings[scheme]})
    key = standin.as_person("maria.lindqvist").create("Beacon")
    secrets = (us.secret, basic(us.email, us.secret), basic(us.username, us.secret))
    number = str(standin.as_person("maria.lindqvist").issue(key).id)
    return Bench(
        connector=JiraConnector("it", config), config=config, faults=standin.faults, secrets=secrets, key=number
    )


def _servicenow(ends: ExitStack, scheme: str) -> Bench:
    account = ServiceNowUser(
        user_name=USER, name="Kibcase", email="kibcase@example.com", password=PASSWORD, time_zone="UTC", api_key=KEY
    )
    app = OAuthApp(client_id="kibcase-client", client_secret=CLIENT_SECRET, acts_as=USER)
    standin = ends.enter_context(ServiceNowStandin(users=[account], groups=[], oauth_apps=[app]))
    login = {"username": USER, "password": PASSWORD}
    client = {"client_id": app.client_id, "client_secret": CLIENT_SECRET}
    settings: dict[str, dict[str, Any]] = {
        "basic": login, "oauth": login | client, "client": client | {"account": USER},
        "key": {"api_key": KEY, "account": USER},
    }
    config = ServiceNowConfig.model_validate({"url": standin.url, "close_code": "Closed", **settings[scheme]})
    return Bench(
        connector=ServiceNowConnector("snow", config), config=config, faults=standin.faults,
        secrets=(PASSWORD, KEY, CLIENT_SECRET, basic(USER, PASSWORD), basic(app.client_id, CLIENT_SECRET)),
        key=standin.as_person(USER).create("Beacon"),
    )


def _resilient(ends: ExitStack, _: str) -> Bench:
    us = DEFAULT_KEYS[0]
    standin = ends.enter_context(ResilientStandin(lock_after=None))
    config = ResilientConfig.model_validate(
        {"url": standin.url, "org": standin.org_id, "api_key_id": us.login, "api_key_secret": us.secret}
    )
    return Bench(
        connector=ResilientConnector("soar", config), config=config, faults=standin.faults,
        secrets=(us.secret, basic(us.login, us.secret)),
        key=str(standin.as_person("maria.lindqvist@example.com").create("Beacon")),
    )


def _kibana(ends: ExitStack, scheme: str) -> Bench:
    server = ends.enter_context(CasesServer(users={USER: User(password=PASSWORD)}))
    encoded = basic("key-id", KEY)
    settings: dict[str, dict[str, Any]] = {
        "basic": {"username": USER, "password": PASSWORD}, "key": {"api_key": encoded},
    }
    config = KibanaConfig.model_validate({"url": server.kibana_url, "owner": "securitySolution", **settings[scheme]})
    return Bench(
        connector=KibanaConnector("soc", config), config=config, faults=server.kibana,
        secrets=(PASSWORD, KEY, encoded, basic(USER, PASSWORD)), key="11111111-2222-4333-8444-555555555555",
    )


SYSTEMS: Mapping[str, tuple[Callable[[ExitStack, str], Bench], str]] = {
    "jira-cloud": (_jira, "cloud"), "jira-token": (_jira, "token"), "jira-password": (_jira, "password"),
    "servicenow-basic": (_servicenow, "basic"), "servicenow-oauth": (_servicenow, "oauth"),
    "servicenow-client": (_servicenow, "client"), "servicenow-key": (_servicenow, "key"),
    "resilient": (_resilient, ""), "kibana-basic": (_kibana, "basic"), "kibana-key": (_kibana, "key"),
}

JSON = ("content-type", "application/json")
HEADERS = (*(("set-cookie", cookie) for cookie in COOKIES), ("x-seraph-loginreason", "OK"))
TROUBLES: Mapping[str, Fault] = {
    "401": Fault(status=401, headers=(*HEADERS, JSON), body=b'{"errorMessages": ["No."]}', times=None),
    "403": Fault(status=403, headers=(*HEADERS, JSON), body=b'{"message": "No."}', times=None),
    "429": Fault(status=429, headers=(*HEADERS, ("retry-after", "7")), times=None),
    "500": Fault(status=500, headers=(*HEADERS, ("content-type", "text/html")), body=b"<html>oops", times=None),
    "503": Fault(status=503, headers=HEADERS, body=b"<html>later", times=None),
    "302": Fault(status=302, headers=(*HEADERS, ("location", "/login.jsp")), times=None),
    "page": Fault(status=200, headers=(*HEADERS, ("content-type", "text/html")), body=b"<html>log in", times=None),
    "list": Fault(status=200, headers=(*HEADERS, JSON), body=b"[1]", times=None),
    "drop": Fault(drop=True, times=None),
    "lost": Fault(method="POST", when="after", drop=True, times=None),
}


class Records(logging.Handler):
    """Keeps the text of every record, formatted in full, as soon as it is made."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [logging.Formatter().format(record), repr(vars(record))]


@pytest.fixture
def records() -> Iterator[Records]:
    """Listen to every logger at DEBUG, whatever its level was, and to those that are made during the test."""
    handler, root = Records(), logging.getLogger()
    before = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    level, disabled = root.level, logging.root.manager.disable
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.disable(logging.NOTSET)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    logging.disable(disabled)
    for name, value in before.items():
        logging.getLogger(name).setLevel(value)


def listen_to_all() -> None:
    for name in [*logging.root.manager.loggerDict]:
        logging.getLogger(name).setLevel(logging.DEBUG)


def deeds(bench: Bench) -> list[Callable[[], object]]:
    connector, key = bench.connector, bench.key
    create = Create(mark="kibcase-test-1", fields={"title": "T", "description": "D"}, origin_label="case 1")
    change = SetFields(key=key, version="1", fields={"title": "U"})
    comment = AddComment(key=key, mark="kibcase-test-1#1", body="**Ann** wrote:\n\nblocked")
    return [
        connector.check, lambda: connector.changes(None), lambda: connector.read(key),
        lambda: connector.find("kibcase-test-1"), lambda: connector.apply(create, lambda _: None),
        lambda: connector.apply(comment, lambda _: None), lambda: connector.apply(change, lambda _: None),
    ]


def told_by(error: BaseException) -> list[str]:
    """Give every text that an error can be shown as, with what it came from."""
    texts, seen, waiting = [*traceback.format_exception(error)], set[int](), [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), *(repr(argument) for argument in each.args)]
        if isinstance(each, ConnectorError):
            texts += [repr(vars(each)), str(pickle.loads(pickle.dumps(each)))]
        # What a traceback leaves out (`from None`) is shown to nobody.
        waiting += [e for e in (each.__cause__, None if each.__suppress_context__ else each.__context__) if e]
    return texts


def leaks(texts: list[str], secrets: tuple[str, ...]) -> list[str]:
    wanted = (*secrets, "c00kie-one", "c00kie-two")
    return [text for text in texts if any(each in text for each in wanted) or AUTHORIZATION.search(text)]


def shown(bench: Bench) -> list[str]:
    """Do everything and give what was said about it."""
    texts = []
    for deed in deeds(bench):
        listen_to_all()
        try:
            texts.append(repr(deed()))
        except ConnectorError as error:
            texts += told_by(error)
    return texts


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_secret_is_told(
    system: str, trouble: str, records: Records, capfd: pytest.CaptureFixture[str]
) -> None:
    make, scheme = SYSTEMS[system]
    with ExitStack() as ends:
        bench = make(ends, scheme)
        ends.callback(bench.connector.close)
        texts = [repr(bench.connector), repr(bench.config), str(bench.config)]
        if system != "kibana-key":
            # A connector that has logged in before the trouble begins fails elsewhere than one that has not.
            texts += shown(bench)
        bench.faults.arm(TROUBLES[trouble])
        texts += shown(bench)
        cold = make(ends, scheme)
        ends.callback(cold.connector.close)
        cold.faults.arm(TROUBLES[trouble])
        texts += shown(cold)
    out, err = capfd.readouterr()
    assert leaks([*texts, *records.texts, out, err], bench.secrets) == []
    assert len(texts) > 20
    assert any("urllib3" in text for text in records.texts)


def test_the_search_finds_what_leaks(records: Records) -> None:
    secrets = (PASSWORD, basic(USER, PASSWORD))
    log = logging.getLogger("kibcase_connectors.some")
    for text in (f"login {PASSWORD}", f"Basic {secrets[1]}", "Authorization: Bearer abcdefghijklmnop", "c00kie-one"):
        records.texts.clear()
        log.debug("sending %s", text)
        assert leaks(records.texts, secrets)
    with pytest.raises(ConnectorError) as caught:
        raise ConnectorError("it", "read") from ValueError(PASSWORD)
    assert leaks(told_by(caught.value), secrets)
    assert leaks(told_by(ConnectorError("it", "read", said="HTTP 401")), secrets) == []
