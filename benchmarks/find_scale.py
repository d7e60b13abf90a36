"""``_find`` with few and with many cases: the first and the last page of Kibana's window of 10,000, and memory.

    python -m benchmarks.find_scale [--cases 1000 100000] [--attachments 10] [--rounds 5]

The data files are filled without HTTP; the server runs in a process of its own. Times are of whole requests with
pages of 20 cases, best of all rounds.
"""

from __future__ import annotations

import argparse
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.support import Client, Figure, answer, fill, pin, running, show, timed
from kibcase.server.app import CasesServer

WINDOW = 10_000
PAGE = 20
QUERIES = {
    "createdAt": "sortField=createdAt&sortOrder=desc", "updatedAt": "sortField=updatedAt&sortOrder=desc",
    "closedAt": "sortField=closedAt&sortOrder=desc", "title": "sortField=title", "category": "sortField=category",
    "status": "sortField=status", "severity": "sortField=severity&sortOrder=desc",
    "status=open": "status=open&sortOrder=desc", "owner=cases": "owner=cases&sortOrder=desc",
    "tags=team-3": "tags=team-3&sortOrder=desc", "assignees=u7": "assignees=u7&sortOrder=desc",
    "search=beacon": "search=beacon&sortOrder=desc",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--attachments", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    show(figures(options.cases, options.attachments, options.rounds))


def figures(sizes: list[int], attachments: int, rounds: int) -> list[Figure]:
    found = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "kibana.db"
            took = timed(lambda: fill(data, size, attachments))  # noqa: B023
            print(f"{size} cases, {size * attachments} attachments: filled in {took:.0f} s, "
                  f"{data.stat().st_size / 2**20:.0f} MiB")
            with running(serve, data) as pipe:
                found += measured(pipe, size, rounds)
    return found


def serve(pipe: Connection, data: Path) -> None:
    pin(0)
    with CasesServer(data=data) as server:
        answer(pipe, server.kibana_url)


def measured(pipe: Connection, size: int, rounds: int) -> list[Figure]:
    client = Client(pipe.recv())
    print(f"{'_find':16} {'first page':>12} {'last page':>12}")
    worst = 0.0
    for name, query in QUERIES.items():
        total = client.json("GET", f"/api/cases/_find?{query}&perPage={PAGE}")["total"]
        last = max(1, -(-min(total, WINDOW) // PAGE))
        first, deep = (best(client, f"{query}&perPage={PAGE}&page={page}", rounds) for page in (1, last))
        print(f"{name:16} {first * 1000:9.1f} ms {deep * 1000:9.1f} ms")
        if "=" not in name:
            worst = max(worst, deep)
    pipe.send("memory")
    memory = pipe.recv()
    client.close()
    deepest = f"_find, last page of the window, {size} cases"
    return [
        Figure(name=deepest, value=worst * 1000, unit="ms", goal=100, most=True),
        Figure(name=f"memory of the server, {size} cases", value=memory, unit="MiB"),
    ]


def best(client: Client, query: str, rounds: int) -> float:
    return min(timed(lambda: client.send("GET", f"/api/cases/_find?{query}")) for _ in range(rounds))


if __name__ == "__main__":
    main()
