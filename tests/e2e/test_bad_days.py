"""Everything that goes wrong in practice: one clear error, the right exit code, nothing half-written.

The commands are real processes against real servers; what waits to be synced meanwhile, ``Bench`` tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault

if TYPE_CHECKING:
    from tests.e2e.conftest import Bench

OWNER = "securitySolution"
HTML = b"<html><head><title>Sign in</title></head><body>Welcome to the proxy.</body></html>"
PAGE = (("content-type", "text/html; charset=utf-8"),)

def append(text: str) -> Callable[[Bench], None]:
    return lambda bench: bench.change("links:\n", f"{text}links:\n")


def swap(old: str, new: str) -> Callable[[Bench], None]:
    return lambda bench: bench.change(old, new)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (append("limits: {creations: [1}\n"), "the file (line "),
        (append("limits:\n\tcreations: 5\n"), "the file (line "),
        (append("limit: {creations: 5}\n"), "unknown key; did you mean limits?"),
        (swap("create_tickets: true", "create_tikets: true"), "links[0].create_tikets (line "),
        (append("limits: {creations: many}\n"), "limits.creations (line "),
        (append("schedule: {every: s3cr3t}\n"), "schedule.every (line "),
        (swap("password: kibcase-password", "password: [s3cr3t]"), "systems.soc.password (line "),
        (swap("password: kibcase-password", "password: {env: KIBCASE_TEST_NONE}"), "KIBCASE_TEST_NONE is not set"),
        (swap("password: kibcase-password", "password: {file: nowhere.txt}"), "systems.soc.password (line "),
        (swap("ticket: it", "ticket: its"), "links[0].ticket (line "),
        (swap("type: jira", "type: jra"), "systems.it.type (line "),
        (swap("project: SOC", "verify: nowhere.pem\n    project: SOC"), "systems.it.verify (line "),
        (lambda bench: bench.config.unlink(), "No such file or directory"),
        (lambda bench: bench.config.write_bytes(b"version: \xff\xfe"), "is no UTF-8 text"),
        (lambda bench: bench.config.write_text(""), "must hold keys and values"),
    ],
    ids=[
        "bad YAML", "tabs", "unknown part", "unknown key", "wrong type", "wrong type, a secret", "a list for a text",
        "missing variable", "missing secret file", "unknown system", "unknown type", "missing certificates",
        "no file", "no text", "empty",
    ],
)
def test_bad_configuration(bench: Bench, spoil: Callable[[Bench], None], expected: str) -> None:
    spoil(bench)
    before = bench.picture()
    done = bench.run("sync")
    assert (done.returncode, done.stdout) == (2, "")
    head, *problems = done.stderr.splitlines()
    assert head == f"kibcase: {bench.config} cannot be used:"
    assert len(problems) == 1, done.stderr
    assert expected in bench.told(done)
    assert (bench.requests_seen, bench.picture()) == (0, before)


# --- the systems ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A system that does not play along: ``codes`` of sync and check, and what both must say."""

    make: Callable[[Bench], object]
    says: tuple[str, ...]
    codes: Mapping[str, int] = field(default_factory=lambda: {"sync": 1, "check": 1})


def kibana(**fault: Any) -> Callable[[Bench], object]:
    return lambda bench: bench.sandbox.kibana.kibana.arm(Fault(times=None, **fault))


def jira(**fault: Any) -> Callable[[Bench], object]:
    return lambda bench: bench.sandbox.jira.faults.arm(Fault(times=None, **fault))


FORBIDDEN = b'{"statusCode":403,"error":"Forbidden","message":"Unauthorized to find case with owners: \\"x\\""}'
SLOW = b'{"statusCode":429,"error":"Too Many Requests","message":"Too Many Requests"}'
LATER = (("retry-after", "7200"),)
REFUSED = {"sync": 2, "check": 2}
TROUBLES = {
    "dead Kibana": Trouble(
        make=lambda bench: bench.change(bench.sandbox.kibana.kibana_url, "http://127.0.0.1:9"),
        says=("soc: ", "127.0.0.1:9", "Connection refused", "Check the address"),
    ),
    "dead Jira": Trouble(
        make=lambda bench: bench.change(bench.sandbox.jira.url, "http://127.0.0.1:9"),
        says=("it: ", "Connection refused", "Check the address"),
    ),
    "wrong password of Kibana": Trouble(
        make=swap("kibcase-password", "s3cr3t"), codes=REFUSED,
        says=("soc", "unable to authenticate user [kibcase]", "Check the user name and password"),
    ),
    "wrong token of Jira": Trouble(
        make=swap("kibcase-token", "s3cr3t"), codes=REFUSED, says=("it", "401", "Check the account's credentials"),
    ),
    "expired token that Jira serves as anonymous": Trouble(
        make=lambda bench: bench.sandbox.jira.expire_credentials(), codes=REFUSED,
        says=("it", "Check the account's credentials; API tokens expire."),
    ),
    "Jira project that does not exist": Trouble(
        make=swap("project: SOC", "project: NOPE"), codes={"sync": 2, "check": 1},
        says=("it", "No project could be found with key 'NOPE'"),
    ),
    "owner that may not be read": Trouble(
        make=kibana(path="/api/cases/_find", status=403, body=FORBIDDEN), codes={"sync": 2, "check": 1},
        says=("soc", "Unauthorized to find case", "Kibana privilege Cases: All"),
    ),
    "space that does not exist": Trouble(
        make=swap(f"owner: {OWNER}", f"owner: {OWNER}\n    space: nowhere"), says=("soc", "nowhere"),
    ),
    "log-in page in place of Kibana": Trouble(
        make=kibana(status=200, headers=PAGE, body=HTML),
        says=("soc: ", "expected JSON, got text/html with status 200", "login page or proxy"),
    ),
    "log-in page in place of Jira": Trouble(
        make=jira(status=200, headers=PAGE, body=HTML),
        says=("it: ", "not in Jira's form", "log-in page or a proxy"),
    ),
    "redirect in place of Kibana": Trouble(
        make=kibana(status=302, headers=(("location", "http://127.0.0.1:9/login?next=s3cr3t"),)),
        says=("soc: ", "redirected (302) to 127.0.0.1:9/login", "login page or proxy"),
    ),
    "gateway before Kibana": Trouble(make=kibana(status=502, headers=PAGE, body=HTML), says=("soc: ", "(502)")),
    "gateway before Jira": Trouble(make=jira(status=502, headers=PAGE, body=HTML), says=("it: ", "HTTP 502")),
    "Kibana wants quiet": Trouble(make=kibana(status=429, headers=LATER, body=SLOW), says=("soc: ", "(429)")),
    "Jira wants quiet": Trouble(make=jira(status=429, headers=LATER), says=("it: ", "HTTP 429")),
    "maintenance of Kibana": Trouble(
        make=kibana(status=503, headers=(("content-type", "text/plain"),), body=b"Kibana server is not ready yet."),
        says=("soc: ", "Kibana server is not ready yet. (503)"),
    ),
    "maintenance of Jira": Trouble(make=jira(status=503, headers=PAGE, body=HTML), says=("it: ", "HTTP 503")),
    "half an answer of Kibana": Trouble(make=kibana(status=200, body=b'{"cases": ['), says=("soc: ", "invalid answer")),
    "connections of Jira that break": Trouble(make=jira(drop=True), says=("it: ",)),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_with_a_system(bench: Bench, name: str) -> None:
    trouble = TROUBLES[name]
    before = bench.picture()
    trouble.make(bench)
    for command, code in trouble.codes.items():
        done = bench.run(command)
        text = bench.told(done)
        assert done.returncode == code, text
        assert [said for said in trouble.says if said not in text] == [], text
        if command == "sync":
            assert len(done.stderr.splitlines()) == 1, done.stderr
            assert done.stdout == "soc-to-it: 0 changes written; not in step\n"
        else:
            assert text.count(" problem ") + text.startswith("problem") == 1, text
    assert (bench.writes, bench.picture()) == ([], before)
    bench.repair()
    # What asked for quiet gets it until its time has come, or until a person looks.
    checked = bench.run("check")
    assert checked.returncode == 0, bench.told(checked)
    bench.finish()


# --- one field, one link -------------------------------------------------------------------------------------


def test_a_field_that_is_refused_holds_up_nothing_else(bench: Bench) -> None:
    bench.change("issue_type: Task", "issue_type: Task\n    priorities: {critical: Nope, high: High, low: Low}")
    done = bench.run("sync")
    assert done.returncode == 1
    assert "priority: Priority name 'Nope' is not valid" in bench.told(done)
    assert "1 parked" in done.stdout
    assert "Phishing wave" in bench.titles()
    assert bench.sandbox.jira.as_person("maria.lindqvist").issue("SOC-1").status != "10000"
    done = bench.run("check")
    assert done.returncode == 1
    assert "critical: there is no priority 'Nope'; there is Highest, High" in bench.told(done)
    bench.repair()
    assert bench.run("retry").returncode == 0
    bench.finish()


def test_a_ticket_that_may_not_be_made_leaves_nothing_behind(bench: Bench) -> None:
    bench.change("issue_type: Task", "issue_type: Incident")
    done = bench.run("sync")
    assert done.returncode == 1
    assert "creating a ticket: issuetype: valid issue type is required" in bench.told(done)
    assert bench.titles() == ["Beacon to a new domain"]
    (problem,) = (line for line in bench.run("check").stdout.splitlines() if line.startswith(" problem"))
    assert "'Incident' is not in the project; it has " in problem
    bench.repair()
    assert bench.run("retry").returncode == 0
    bench.finish()


def test_a_status_without_a_way_holds_up_nothing_else(bench: Bench) -> None:
    ways = r"/rest/api/3/issue/[^/]+/transitions"
    jira(method="GET", path=ways, status=200, body=b'{"expand":"transitions","transitions":[]}')(bench)
    done = bench.run("sync")
    assert done.returncode == 1
    text = bench.told(done)
    assert "from To Do to in-progress" in text
    assert "1 parked" in text
    assert bench.titles() == ["Beacon to a new domain", "Phishing wave"]
    assert ("POST", "/rest/api/3/issue/10001/transitions") not in bench.writes
    bench.repair()
    assert bench.run("retry").returncode == 0
    bench.finish()


# --- the state file ------------------------------------------------------------------------------------------


def sql(statement: str) -> Callable[[Bench], None]:
    def execute(bench: Bench) -> None:
        with closing(sqlite3.connect(bench.state, isolation_level=None)) as db:
            db.execute(statement)

    return execute


def overwrite(start: int, stop: int | None = None) -> Callable[[Bench], None]:
    def spoil(bench: Bench) -> None:
        content = bench.state.read_bytes()
        rest = content[stop:] if stop is not None else b""
        bench.state.write_bytes(content[:start] + b"\xa5" * ((stop or len(content)) - start) + rest)

    return spoil


def cut_in_half(bench: Bench) -> None:
    content = bench.state.read_bytes()
    bench.state.write_bytes(content[: len(content) // 2])


def another_program(bench: Bench) -> None:
    bench.state.unlink()
    sql("CREATE TABLE accounts (name)")(bench)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (sql("PRAGMA user_version = 999"), "was written by a newer kibcase (version 999"),
        (another_program, "is the database of another program"),
        (overwrite(0, 64), "file is not a database"),
        (overwrite(4096), "database disk image is malformed"),
        (cut_in_half, "database disk image is malformed"),
        (sql("UPDATE links SET base = '{half'"), "holds a link that cannot be read"),
    ],
    ids=["newer version", "another program's", "no database", "spoilt pages", "cut short", "spoilt link"],
)
def test_a_state_that_cannot_be_used(bench: Bench, spoil: Callable[[Bench], None], expected: str) -> None:
    spoil(bench)
    before, content = bench.picture(), bench.state.read_bytes()
    done = bench.run("sync")
    assert (done.returncode in (1, 2), done.stdout) == (True, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("kibcase: ")
    assert expected in bench.told(done)
    assert str(bench.state) in line
    assert (bench.writes, bench.picture()) == ([], before)
    if "link" not in expected:
        assert bench.state.read_bytes() == content
    for command in ("plan", "status"):
        done = bench.run(command)
        assert (done.returncode in (1, 2), done.stdout) == (True, "")
        assert expected in bench.told(done)


@pytest.mark.parametrize(("place", "code"), [("nowhere/state.db", 2), ("config.yaml/state.db", 2), (".", 1)])
def test_a_state_that_cannot_be_made(bench: Bench, place: str, code: int) -> None:
    before = bench.picture()
    bench.change("state: state.db", f"state: {place}")
    done = bench.run("sync")
    assert (done.returncode, done.stdout) == (code, "")
    assert str(bench.config.parent / place) in bench.told(done)
    assert (bench.requests_seen, bench.picture()) == (0, before)


@pytest.mark.parametrize("largest_file", [0, 40_000, 65_536, 80_000, 90_000])
def test_a_full_disk(bench: Bench, largest_file: int) -> None:
    """Work stops where it cannot be noted; what was written by then is found again and not written twice."""
    done = bench.run("sync", largest_file=largest_file)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kibcase: the state file {bench.state}")
    bench.told(done)
    bench.finish()
