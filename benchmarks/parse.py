"""Finding and parsing many cases with the library, against kibana-py and plain requests in the same run.

    python -m benchmarks.parse [--cases 10000] [--rounds 15]

The embedded server runs in a process of its own. kibana-py hands out dicts; it runs in a process of its own as
well, under the interpreter that KIBCASE_CLIENTS_PYTHON names or the one of .venv-clients. Each round lets every
client find all cases once. Two figures matter: the wall time, of which the server takes the larger part, and the
CPU time of the client's process, which is what typed models cost. Best of all rounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import requests

from benchmarks.support import LOGIN, Figure, answer, fill, running, show
from kibcase import Kibana
from kibcase.server.app import CasesServer

PAGE = 100
ROOT = Path(__file__).parents[1]


class Times(NamedTuple):
    """Seconds: by the clock, and of the client's CPU."""

    wall: float
    cpu: float


Run = Callable[[], tuple[int, Times]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    show(figures(options.cases, options.rounds))


def figures(cases: int, rounds: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "kibana.db"
        fill(data, cases, attachments=1)
        with running(serve, data) as pipe:
            return compared(pipe.recv(), cases, rounds)


def serve(pipe: Connection, data: Path) -> None:
    with CasesServer(data=data) as server:
        answer(pipe, server.kibana_url)


def compared(url: str, cases: int, rounds: int) -> list[Figure]:
    with with_kibana_py(url) as kibana_py:
        clients: dict[str, Run] = {
            "kibcase, models": here(lambda: with_library(url)), "requests, dicts": here(lambda: with_requests(url)),
        } | ({} if kibana_py is None else {"kibana-py, dicts": kibana_py})
        best = measured(clients, rounds)
    print(f"{cases} cases, pages of {PAGE}      wall        CPU of the client")
    for name, times in best.items():
        print(f"{name:26} {times.wall:7.2f} s   {times.cpu:7.2f} s   {cases / times.wall:8.0f} cases/s")
    typed = best.pop("kibcase, models")
    return [
        Figure(
            name=f"{kind} of kibcase, in that of {name.partition(',')[0]}'s", value=mine / theirs, unit="x",
            goal=1.3 if (kind, name) == ("wall time", "kibana-py, dicts") else None, most=True,
        )
        for name, times in best.items()
        for kind, mine, theirs in (("wall time", typed.wall, times.wall), ("CPU time", typed.cpu, times.cpu))
    ]


def measured(clients: dict[str, Run], rounds: int) -> dict[str, Times]:
    found: dict[str, list[Times]] = {name: [] for name in clients}
    expected = None
    for number in range(rounds + 1):
        for name, run in clients.items():
            count, times = run()
            expected = count if expected is None else expected
            if count != expected:
                raise SystemExit(f"{name} found {count} open cases, not {expected}")
            # The first round warms everything up.
            found[name] += [times] if number else []
    return {
        name: Times(wall=min(each.wall for each in times), cpu=min(each.cpu for each in times))
        for name, times in found.items()
    }


def here(find: Callable[[], int]) -> Run:
    def run() -> tuple[int, Times]:
        wall, cpu = time.perf_counter(), time.process_time()
        count = find()
        return count, Times(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)

    return run


def with_library(url: str) -> int:
    with Kibana(url, username=LOGIN[0], password=LOGIN[1]) as kibana:
        found = {case.id: case for case in kibana.cases.iter(per_page=PAGE)}
    return sum(case.status == "open" for case in found.values())


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


@contextmanager
def with_kibana_py(url: str) -> Iterator[Run | None]:
    python = os.environ.get("KIBCASE_CLIENTS_PYTHON") or str(ROOT / ".venv-clients/bin/python")
    if not Path(python).exists() or subprocess.run([python, "-c", "import kibana"], check=False).returncode:
        print(f"no kibana-py: {python} does not have it; `make test` installs it in .venv-clients")
        yield None
        return
    command = [python, str(Path(__file__).with_name("kibana_py_find.py")), url, str(PAGE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise SystemExit("kibana-py has no pipes")

        def run() -> tuple[int, Times]:
            stdin.write("once more\n")
            stdin.flush()
            count, wall, cpu = stdout.readline().split()
            return int(count), Times(wall=float(wall), cpu=float(cpu))

        yield run


if __name__ == "__main__":
    main()
