"""How fast the embedded server creates and reads cases, on one processor.

    python -m benchmarks.server [--cases 2000] [--rounds 3]

The server runs in a process of its own, kept on one processor where the system can do that; one client sends one
request after the other on one connection. It runs in memory and with a data file, and next to it a bare
application that echoes, on the same web server, which shows what HTTP itself costs here. Best of all rounds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.support import Client, Figure, answer, pin, running, show, timed
from kibcase.server.app import CasesServer
from kibcase.server.threaded import ServerThread

BODY = json.dumps({
    "title": "Beacon on WKS-7", "description": "Seen by EDR. " * 20, "owner": "securitySolution", "tags": ["edr"],
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "settings": {"syncAlerts": True},
}).encode()


class Rates(NamedTuple):
    """Per second: creates, gets, and creates with a get each."""

    create: float
    get: float
    pairs: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    show(figures(options.cases, options.rounds))


def figures(cases: int, rounds: int) -> list[Figure]:
    pin(1)
    found = {where: best(where, cases, rounds) for where in ("echo", "memory", "file")}
    print(f"{cases} cases                create         get    create + get")
    for where, rates in found.items():
        print(f"{where:22} {rates.create:8.0f}/s  {rates.get:8.0f}/s      {rates.pairs:8.0f}/s")
    return [
        Figure(name=f"creates with a get each, {told}", value=found[where].pairs, unit="/s", goal=300)
        for where, told in (("memory", "in memory"), ("file", "with a data file"))
    ]


def best(where: str, cases: int, rounds: int) -> Rates:
    measured = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, running(serve, where, Path(folder) / "kibana.db") as pipe:
            measured.append(rates_of(pipe.recv(), cases))
    return Rates(*(max(each) for each in zip(*measured, strict=True)))


def serve(pipe: Connection, where: str, data: Path) -> None:
    pin(0)
    if where == "echo":
        with ServerThread(echo()) as server:
            answer(pipe, server.url)
    else:
        with CasesServer(data=data if where == "file" else None, incremental_id_delay=0) as cases:
            answer(pipe, cases.kibana_url)


def echo() -> Starlette:
    last = b"{}"

    async def create(request: Request) -> Response:
        nonlocal last
        last = await request.body()
        return Response(last, media_type="application/json")

    async def get(_: Request) -> Response:
        return Response(last, media_type="application/json")

    return Starlette(routes=[Route("/api/cases", create, methods=["POST"]), Route("/api/cases/{id}", get)])


def rates_of(url: str, count: int) -> Rates:
    client = Client(url)
    ids: list[str] = []

    def create() -> None:
        ids.append(client.json("POST", "/api/cases", BODY).get("id", "none"))

    def get(name: str) -> None:
        client.json("GET", f"/api/cases/{name}")

    def pairs() -> None:
        for _ in range(count):
            create()
            get(ids[-1])

    def creates() -> None:
        for _ in range(count):
            create()

    def gets() -> None:
        for name in ids[-count:]:
            get(name)

    # First the pairs: a server that is warm by then has more cases, too.
    both, created, got = timed(pairs), timed(creates), timed(gets)
    client.close()
    return Rates(create=count / created, get=count / got, pairs=count / both)


if __name__ == "__main__":
    main()
