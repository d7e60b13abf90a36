"""What a cycle of sync costs: idle, with 1, 100 and 1000 links, and the first one, which makes the tickets.

    python -m benchmarks.cycle [--links 1 100 1000] [--rounds 20]

Kibana and Jira are the sandbox's, in this process, and answer over HTTP. The yardsticks are the idle cycle of the
first size, and bare requests to the same servers. Best of all rounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import requests

from kibcase.server.cases.context import Caller
from kibcase_daemon.config import Config, parse_config
from kibcase_daemon.engine import Engine, Report
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.wiring import wired

HOUR = 3600.0
CALLER = Caller(space="default", user={"username": "mara", "full_name": "Mara Lindqvist", "email": None})


class Figures(NamedTuple):
    """One size: seconds and requests of the first cycle and of an idle one, seconds of one bare request."""

    links: int
    first: float
    first_requests: int
    idle: float
    idle_requests: int
    bare: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    figures = [measured(count, options.rounds) for count in options.links]
    one = figures[0]
    print("links   idle: requests   time     ratio   first sync: links/s   requests per link   x bare requests")
    for each in figures:
        multiple = each.first / (each.first_requests * each.bare)
        print(
            f"{each.links:5}   {each.idle_requests:14}   {each.idle * 1000:5.1f} ms {each.idle / one.idle:6.2f}   "
            f"{each.links / each.first:19.1f}   {each.first_requests / each.links:17.1f}   {multiple:15.2f}"
        )


def measured(links: int, rounds: int) -> Figures:
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        for number in range(links):
            sandbox.kibana.cases.cases.create(CALLER, case(number))
        return cycles(sandbox, config_of(sandbox, Path(folder), links), links, rounds)


def case(number: int) -> dict[str, object]:
    return {
        "title": f"Case {number}", "description": "Seen by EDR on **WKS-7**.\n\n- isolate\n- reimage",
        "owner": "securitySolution", "tags": ["edr"], "settings": {"syncAlerts": True},
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
    }


def config_of(sandbox: Sandbox, folder: Path, links: int) -> Config:
    text = f"{sandbox.config_text('state.db')}\nlimits: {{creations: {links}}}\n"
    return parse_config(text, folder=folder, source="the benchmark's configuration", env={})


def cycles(sandbox: Sandbox, config: Config, links: int, rounds: int) -> Figures:
    ahead = 0.0
    with wired(config, clock=lambda: time.time() + ahead) as wiring:
        (engine,) = wiring.engines
        sandbox.kibana.kibana.forget()
        sandbox.jira.faults.forget()
        first = timed(lambda: cycle(engine))
        first_requests = requests_of(sandbox)
        # For some minutes after a burst each cycle looks through it again, as an index may lag. That is over here;
        # but what Jira's clock, which tells whole seconds, takes for now is looked at once more.
        time.sleep(1.1)
        for _ in range(2):
            ahead += HOUR
            cycle(engine)
        before = requests_of(sandbox)
        idle = min(timed(lambda: cycle(engine)) for _ in range(rounds))
        idle_requests = (requests_of(sandbox) - before) // rounds
    bare = min(timed(lambda: bare_requests(sandbox, 50)) / 50 for _ in range(rounds))
    return Figures(links, first, first_requests, idle, idle_requests, bare)


def cycle(engine: Engine) -> Report:
    report = engine.cycle()
    if not report.in_step:
        raise SystemExit(f"the cycle left something to do: {report.error or report.troubled}")
    return report


def requests_of(sandbox: Sandbox) -> int:
    return len(sandbox.kibana.kibana.requests) + len(sandbox.jira.faults.requests)


def bare_requests(sandbox: Sandbox, count: int) -> None:
    told = sandbox.describe()["kibana"]
    with requests.Session() as session:
        session.auth = (told["username"], told["password"])
        for _ in range(count):
            session.get(f"{told['url']}/api/status", timeout=30).raise_for_status()


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
