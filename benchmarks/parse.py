"""Finding and parsing many cases with the library, against plain requests and dicts in the same run.

    python benchmarks/parse.py [--cases 10000] [--rounds 3]

The embedded server runs in a process of its own. Two figures matter: the wall time, of which the server takes
the larger part, and the CPU time of the client's process, which is what typed models cost. Best of all rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import requests

from kibcase import Kibana
from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller

LOGIN = ("elastic", "changeme")
PAGE = 100


class Times(NamedTuple):
    """Seconds: by the clock, and of this process's CPU."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "kibana.db"
        fill(data, options.cases)
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(data, theirs), daemon=True)
        process.start()
        try:
            compare(ours.recv(), options.cases, options.rounds)
        finally:
            ours.send("stop")
            process.join(30)


def fill(data: Path, count: int) -> None:
    """Create the cases in the server's own state, without HTTP, one second apart."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    ticks = iter(range(100 * count))
    server = CasesServer(data=data, clock=lambda: start + timedelta(seconds=next(ticks)))
    caller = Caller(space="default", user={"username": "elastic", "full_name": None, "email": None})
    for number in range(count):
        server.cases.cases.create(caller, {
            "title": f"Case {number}", "description": "Seen by EDR on WKS-7. " * 20, "owner": "securitySolution",
            "tags": ["edr", f"team-{number % 7}"], "severity": ("low", "high")[number % 2],
            "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
            "settings": {"syncAlerts": True},
        })
    server.stop()


def serve(data: Path, pipe: Connection) -> None:
    with CasesServer(data=data) as server:
        pipe.send(server.kibana_url)
        pipe.recv()


def compare(url: str, count: int, rounds: int) -> None:
    # The server numbers each case when it is first read: that must not fall on whoever comes first.
    with_requests(url)
    with_library(url)
    plain = best(lambda: with_requests(url), count, rounds)
    typed = best(lambda: with_library(url), count, rounds)
    print(f"{count} cases, pages of {PAGE}      wall        CPU of the client")
    for name, times in (("requests, dicts", plain), ("kibcase, models", typed)):
        print(f"{name:26} {times.wall:7.2f} s   {times.cpu:7.2f} s   {count / times.wall:8.0f} cases/s")
    print(f"{'ratio':26} {typed.wall / plain.wall:7.2f}     {typed.cpu / plain.cpu:7.2f}")


def best(run: Callable[[], int], count: int, rounds: int) -> Times:
    measured = [timed(run, count) for _ in range(rounds)]
    return Times(wall=min(times.wall for times in measured), cpu=min(times.cpu for times in measured))


def timed(run: Callable[[], int], count: int) -> Times:
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    times = Times(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)
    if found != count:
        raise SystemExit(f"{found} cases were found, not {count}")
    return times


def with_library(url: str) -> int:
    with Kibana(url, username=LOGIN[0], password=LOGIN[1]) as kibana:
        return sum(case.status == "open" for case in kibana.cases.iter(per_page=PAGE))


def with_requests(url: str) -> int:
    found: dict[str, dict[str, object]] = {}
    with requests.Session() as session:
        session.auth = LOGIN
        page = 1
        while True:
            query: dict[str, str | int] = {
                "page": page, "perPage": PAGE, "sortField": "createdAt", "sortOrder": "desc"
            }
            answer = session.get(f"{url}/api/cases/_find", params=query, timeout=30).json()
            found |= {case["id"]: case for case in answer["cases"]}
            if page * PAGE >= answer["total"]:
                return sum(case["status"] == "open" for case in found.values())
            page += 1


if __name__ == "__main__":
    main()
