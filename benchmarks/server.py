"""How fast the embedded server creates and reads cases, against a bare echo application on the same web server.

    python benchmarks/server.py [--cases 1000] [--rounds 3]

Each server runs in a process of its own, in memory; one client sends one request after the other on one
connection. The echo application shows what HTTP itself costs here. Best of all rounds.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.app import CasesServer
from kibcase.server.threaded import ServerThread

BODY = {
    "title": "Beacon on WKS-7", "description": "Seen by EDR. " * 20, "owner": "securitySolution", "tags": ["edr"],
    "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "settings": {"syncAlerts": True},
}


class Rates(NamedTuple):
    """Requests per second."""

    create: float
    get: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    echo = best(serve_echo, options.cases, options.rounds)
    cases = best(serve_cases, options.cases, options.rounds)
    print(f"{options.cases} cases               create          get")
    print(f"{'echo application':22} {echo.create:8.0f}/s   {echo.get:8.0f}/s")
    print(f"{'embedded server':22} {cases.create:8.0f}/s   {cases.get:8.0f}/s")
    print(f"{'time, as a multiple':22} {echo.create / cases.create:8.2f}     {echo.get / cases.get:8.2f}")


def best(serve: Callable[[Connection], None], count: int, rounds: int) -> Rates:
    measured = []
    for _ in range(rounds):
        with running(serve) as url:
            measured.append(rates(url, count))
    return Rates(create=max(each.create for each in measured), get=max(each.get for each in measured))


@contextmanager
def running(serve: Callable[[Connection], None]) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(30)


def serve_cases(pipe: Connection) -> None:
    with CasesServer() as server:
        pipe.send(server.kibana_url)
        pipe.recv()


def serve_echo(pipe: Connection) -> None:
    last = b"{}"

    async def create(request: Request) -> Response:
        nonlocal last
        last = await request.body()
        return Response(last, media_type="application/json")

    async def get(_: Request) -> Response:
        return Response(last, media_type="application/json")

    routes = [Route("/api/cases", create, methods=["POST"]), Route("/api/cases/{id}", get)]
    with ServerThread(Starlette(routes=routes)) as server:
        pipe.send(server.url)
        pipe.recv()


def rates(url: str, count: int) -> Rates:
    with requests.Session() as session:
        session.auth = ("elastic", "changeme")
        session.headers["kbn-xsrf"] = "true"
        begun = time.perf_counter()
        ids = [asked(session, "POST", f"{url}/api/cases").get("id", "none") for _ in range(count)]
        created = time.perf_counter()
        for each in ids:
            asked(session, "GET", f"{url}/api/cases/{each}")
        ended = time.perf_counter()
    return Rates(create=count / (created - begun), get=count / (ended - created))


def asked(session: requests.Session, method: str, url: str) -> dict[str, str]:
    answer = session.request(method, url, json=BODY if method == "POST" else None, timeout=30)
    answer.raise_for_status()
    found: dict[str, str] = answer.json()
    return found


if __name__ == "__main__":
    main()
