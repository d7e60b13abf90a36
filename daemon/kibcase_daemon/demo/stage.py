"""Where the demo takes place: the sandbox, the accounts on it, and sync between its two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kibcase_daemon.config import parse_config
from kibcase_daemon.demo.people import Account
from kibcase_daemon.engine import Report
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.store.api import AuditEntry
from kibcase_daemon.wiring import Wiring, wired


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The running systems.

    ``sync`` runs one cycle of sync; ``audit`` gives the newest audit entries; ``writes`` counts the writing
    requests that all systems have received so far.
    """

    kibana_url: str
    elasticsearch_url: str
    jira_url: str
    project: str
    analyst: Account
    engineer: Account
    sync: Callable[[], Report]
    audit: Callable[[], Sequence[AuditEntry]]
    writes: Callable[[], int]


@contextmanager
def opened_stage() -> Iterator[Stage]:
    """Start the sandbox on free ports and wire sync up; at the end all of it is gone, the state included.

    Raises ``OSError`` if no port is free, and what ``wired`` raises.
    """
    with ExitStack() as ends:
        folder = Path(ends.enter_context(TemporaryDirectory(prefix="kibcase-demo-")))
        sandbox = ends.enter_context(Sandbox(deployment="cloud"))
        text = sandbox.config_text(folder / "state.db")
        config = parse_config(text, folder=folder, source="the demo's configuration", env={})
        yield _stage(sandbox, ends.enter_context(wired(config)))


def _stage(sandbox: Sandbox, wiring: Wiring) -> Stage:
    (engine,) = wiring.engines
    faults = (sandbox.kibana.kibana, sandbox.kibana.elasticsearch, sandbox.jira.faults)
    told = sandbox.describe()
    return Stage(
        kibana_url=told["kibana"]["url"], elasticsearch_url=told["elasticsearch"]["url"],
        jira_url=told["jira"]["url"], project=told["jira"]["project"],
        analyst=_account(told["kibana"]["people"][-1], "username", "password"),
        engineer=_account(told["jira"]["people"][-1], "email", "api_token"),
        sync=engine.cycle, audit=wiring.store.audit, writes=lambda: sum(len(each.writes) for each in faults),
    )


def _account(person: Mapping[str, str], login: str, secret: str) -> Account:
    return Account(name=person["name"], login=person[login], secret=person[secret])
