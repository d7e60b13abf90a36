"""One Kibana, real or embedded, spoken to in plain HTTP inside a space of its own.

``KIBCASE_BLACKBOX_KIBANA`` names a real one (docs/blackbox.md); without it the embedded server plays several stacks.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import pytest
import requests

from kibcase.server.app import CasesServer

VARIABLE = "KIBCASE_BLACKBOX_KIBANA"
PREFIX = "kibcase-blackbox-"
STACKS = ("8.17", "8.19", "9.2", "9.5")
INDEX = ".internal.alerts-security.alerts-default-000001"
SECONDS = 30
# A real Kibana shows some things, user actions above all, a moment after it has answered the write.
PATIENCE = 10.0
PLATINUM = ("platinum", "enterprise", "trial")
INTERNAL = {"x-elastic-internal-origin": "Kibana"}
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a Kibana is and how to prove who we are there."""

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    verify: bool | str = True

    @classmethod
    def parse(cls, text: str) -> Address:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or not parts.username or not parts.password:
            raise ValueError(f"{VARIABLE} must be of the form https://user:password@host:5601 or https://apikey:KEY@host")
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        unknown = options.keys() - {"verify", "ca"}
        if unknown:
            raise ValueError(f"{VARIABLE} knows ?verify=false and ?ca=PATH, not {min(unknown)}")
        user, password = unquote(parts.username), unquote(parts.password)
        by_key = user == "apikey"
        return cls(
            url=urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")),
            login=None if by_key else (user, password),
            key=password if by_key else None,
            verify=options["ca"] if "ca" in options else options.get("verify", "true") != "false",
        )


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Kibana under test; ``server`` is there if it is the embedded one, ``license`` None if it is not told."""

    address: Address
    session: requests.Session
    release: tuple[int, int]
    license: str | None
    server: CasesServer | None = None

    def outside(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a call that belongs to no space: spaces, status, licence."""
        # With each request: requests lets an environment's bundle of certificates win over the session's.
        url, verify = self.address.url + path, self.address.verify
        return self.session.request(method, url, timeout=SECONDS, verify=verify, **more)


@dataclass(frozen=True, kw_only=True)
class Kibana:
    """Speaks to one space and to nothing else."""

    target: Target
    space: str
    owner: str = "cases"

    @property
    def release(self) -> tuple[int, int]:
        return self.target.release

    @property
    def platinum(self) -> bool:
        return self.target.license in PLATINUM

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        if path.startswith("/internal/"):
            more["headers"] = INTERNAL | more.get("headers", {})
        return self.target.outside(method, f"/s/{self.space}{path}", **more)

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        response = self.send(method, path, **({} if body is None else {"json": body}), **more)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def get(self, path: str, **params: Any) -> Any:
        return self.ok("GET", path, params=params)

    def gone(self, path: str, **more: Any) -> None:
        """Delete something; the answer has no body."""
        response = self.send("DELETE", path, **more)
        assert (response.status_code, response.content) == (204, b""), response.text

    def refused(self, status: int, method: str, path: str, body: Any = None, **more: Any) -> str:
        """Give the message of an answer that must have this status and Kibana's envelope."""
        response = self.send(method, path, **({} if body is None else {"json": body}), **more)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        told = response.json()
        assert told["statusCode"] == status
        message: str = told["message"]
        return message

    def body(self, **fields: Any) -> Json:
        return {
            "title": "Black box", "description": "Made by a test.", "tags": [], "owner": self.owner,
            "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
            "settings": {"syncAlerts": False}, **fields,
        }

    def create(self, **fields: Any) -> Json:
        made: Json = self.ok("POST", "/api/cases", self.body(**fields))
        return made

    def read(self, case: Json) -> Json:
        found: Json = self.get(f"/api/cases/{case['id']}")
        return found

    def entry(self, case: Json, **fields: Any) -> Json:
        """Give an entry for a PATCH with the version that the case has now."""
        return {"id": case["id"], "version": self.read(case)["version"], **fields}

    def change(self, case: Json, **fields: Any) -> Json:
        """Change a case by the version that it has now."""
        # In a real Kibana of 9.2 and later a task numbers cases at any moment, which moves the version once.
        for _ in range(2 if self.target.server is None and self.release >= (9, 2) else 1):
            response = self.send("PATCH", "/api/cases", json={"cases": [self.entry(case, **fields)]})
            if response.status_code != 409:
                break
        assert response.status_code == 200, response.text
        changed: list[Json] = response.json()
        assert [one["id"] for one in changed] == [case["id"]]
        return changed[0]

    def delete(self, *cases: Json) -> None:
        self.gone("/api/cases", params={"ids": json.dumps([case["id"] for case in cases])})

    def comment(self, case: Json, text: str = "hello", **fields: Any) -> Json:
        """Add a comment; the answer is the whole case."""
        given = {"type": "user", "comment": text, "owner": case["owner"], **fields}
        whole: Json = self.ok("POST", f"/api/cases/{case['id']}/comments", given)
        return whole

    def find(self, **params: Any) -> Json:
        found: Json = self.get("/api/cases/_find", **params)
        return found

    def actions(self, case: Json, **params: Any) -> list[Json]:
        asked = {"perPage": 100, "sortOrder": "asc", **params}
        found: list[Json] = self.get(f"/api/cases/{case['id']}/user_actions/_find", **asked)["userActions"]
        return found

    def until(self, check: Callable[[], None]) -> None:
        """Let ``check`` hold: at once in the embedded server, within a while in a real Kibana."""
        end = time.monotonic() + (0 if self.target.server is not None else PATIENCE)
        while time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                check()
                return
            time.sleep(0.2)
        check()

    def needs(self, *release: int) -> None:
        if self.release < release:
            pytest.skip(f"Kibana {'.'.join(map(str, self.release))} lacks it")

    def needs_platinum(self) -> None:
        if not self.platinum:
            pytest.skip(f"the licence {self.target.license} lacks it")

    def needs_alerts(self) -> None:
        if self.target.server is None:
            pytest.skip("alerts are written to the embedded server only")

    def put_alert(self, identifier: str, status: str = "open", **fields: Any) -> None:
        assert self.target.server is not None
        source = {"kibana.alert.uuid": identifier, "kibana.alert.workflow_status": status, **fields}
        url = f"{self.target.server.elasticsearch_url}/{INDEX}/_doc/{identifier}"
        assert self.target.session.put(url, json=source, timeout=SECONDS).status_code == 201

    def alert(self, identifier: str) -> Json:
        assert self.target.server is not None
        url = f"{self.target.server.elasticsearch_url}/{INDEX}/_doc/{identifier}"
        source: Json = self.target.session.get(url, timeout=SECONDS).json()["_source"]
        return source


class Unusable(Exception):
    """The Kibana that the environment names cannot be tested; the message says why, without credentials."""


def pytest_configure(config: pytest.Config) -> None:
    # Once and before any test: not as the traceback of a fixture in each of them. Workers follow their controller.
    if VARIABLE not in os.environ or hasattr(config, "workerinput"):
        return
    try:
        address = Address.parse(os.environ[VARIABLE])
        with _session(address) as session:
            _status(address, session)
    except (ValueError, Unusable) as error:
        raise pytest.UsageError(str(error)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        stacks = ("real",) if VARIABLE in os.environ else getattr(metafunc.module, "STACKS", STACKS)
        metafunc.parametrize("target", stacks, indirect=True, scope="module")


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A real Kibana, or an embedded one that plays ``8.19`` (on trial) or ``9.2-basic``."""
    with ExitStack() as stack:
        if request.param == "real":
            server, address = None, Address.parse(os.environ[VARIABLE])
        else:
            version, _, license_ = request.param.partition("-")
            server = stack.enter_context(CasesServer(stack_version=version, license=license_ or "trial"))
            address = Address(url=server.kibana_url, login=("elastic", "changeme"))
        session = stack.enter_context(_session(address))
        session.trust_env = server is None
        yield _known(address, session, server)


def _session(address: Address) -> requests.Session:
    session = requests.Session()
    session.headers["kbn-xsrf"] = "kibcase"
    if address.key is None:
        session.auth = address.login
    else:
        session.headers["authorization"] = f"ApiKey {address.key}"
    return session


def _status(address: Address, session: requests.Session) -> Json:
    """Ask who is there; raises ``Unusable``."""
    where = f"{VARIABLE}: GET {address.url}/api/status"
    try:
        answer = session.get(f"{address.url}/api/status", timeout=SECONDS, verify=address.verify)
    except OSError as error:
        raise Unusable(f"{where}: no answer: {_cause(error)}") from error
    if answer.status_code != 200:
        raise Unusable(f"{where}: {answer.status_code} {' '.join(answer.text.split())[:200]}")
    try:
        told = answer.json()
    except ValueError:
        raise Unusable(f"{where}: an answer that is not Kibana's; does the address lack its base path?") from None
    if not isinstance(told, dict) or "version" not in told:
        raise Unusable(f"{where}: Kibana does not know these credentials, or it is not Kibana")
    return told


def _cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def _known(address: Address, session: requests.Session, server: CasesServer | None) -> Target:
    told = _status(address, session)
    major, minor = told["version"]["number"].split(".")[:2]
    licensing = session.get(
        f"{address.url}/api/licensing/info", timeout=SECONDS, headers=INTERNAL, verify=address.verify
    )
    license_ = licensing.json()["license"]["type"] if licensing.status_code == 200 else None
    return Target(
        address=address, session=session, release=(int(major), int(minor)), license=license_, server=server
    )


@pytest.fixture(scope="module")
def new_space(target: Target) -> Iterator[Callable[[], Kibana]]:
    """Make spaces that are gone after the module, with all that is in them, whatever happened."""
    with ExitStack() as stack:

        def make() -> Kibana:
            name = PREFIX + uuid.uuid4().hex[:12]
            stack.callback(_remove, target, name)
            made = target.outside("POST", "/api/spaces/space", json={"id": name, "name": name})
            assert made.status_code == 200, made.text
            return Kibana(target=target, space=name)

        yield make


def _remove(target: Target, name: str) -> None:
    # Registered before the space is made: a lost answer must not leave it behind.
    assert name.startswith(PREFIX)
    said = ""
    for _ in range(3):
        try:
            deleted = target.outside("DELETE", f"/api/spaces/space/{name}")
        except requests.RequestException as error:
            said = str(error)
            continue
        if deleted.status_code in (204, 404):
            return
        said = f"{deleted.status_code} {deleted.text[:500]}"
    raise AssertionError(f"delete the space {name} by hand: {said}")


@pytest.fixture(scope="module")
def kibana(new_space: Callable[[], Kibana]) -> Kibana:
    """The space of the module."""
    return new_space()


@pytest.fixture
def tag() -> str:
    """A tag that no other test uses: it tells a test's own cases from the others of the space."""
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
def address_of() -> Callable[[str], Address]:
    return Address.parse


@pytest.fixture
def clean_up() -> Callable[[Target, str], None]:
    return _remove


@pytest.fixture
def index() -> str:
    return INDEX
