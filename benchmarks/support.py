"""What the benchmarks share: processes of their own for servers, a lean HTTP client, data, figures with goals."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import resource
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kibcase.server.app import CasesServer
from kibcase.server.datemath import stamp

LOGIN = ("elastic", "changeme")
USER = {"username": LOGIN[0], "full_name": None, "email": None}
_BATCH = 1000
_START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure and its goal: at least ``goal``, or at most if ``most``; None for a figure that is only told."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.goal is None or (self.value <= self.goal if self.most else self.value >= self.goal)

    def __str__(self) -> str:
        told = f"{self.name:52} {_short(self.value):>9} {self.unit:5}"
        if self.goal is None:
            return told.rstrip()
        bound = "at most" if self.most else "at least"
        return f"{told} {bound:8} {_short(self.goal):>6}   {'ok' if self.met else 'MISSED'}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def show(figures: Iterable[Figure]) -> None:
    for figure in figures:
        print(figure)


@contextmanager
def running(serve: Callable[..., None], *arguments: Any) -> Iterator[Connection]:
    """Run ``serve(pipe, *arguments)`` in a process of its own until the end; gives our end of the pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.send("stop")
        process.join(30)


def answer(pipe: Connection, url: str) -> None:
    """Tell the address, then the peak memory in MiB whenever asked, until told to stop."""
    pipe.send(url)
    while pipe.recv() == "memory":
        pipe.send(_peak() / 1024)


def _peak() -> int:
    # What getrusage says may be the peak of the process that started this one.
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def pin(core: int) -> None:
    """Keep this process on one processor, where the system can do that and has that many."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[core % len(allowed)]})


class Client:
    """One connection that is kept open; takes little time itself, so that the server's is what is measured."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        proof = b64encode(":".join(LOGIN).encode()).decode()
        self._headers = {"Authorization": f"Basic {proof}", "kbn-xsrf": "1", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        self._connection.request(method, path, body, self._headers)
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{method} {path}: {reply.status} {content[:200]!r}")
        return content

    def json(self, method: str, path: str, body: bytes | None = None) -> Any:
        return json.loads(self.send(method, path, body))

    def close(self) -> None:
        self._connection.close()


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def fill(path: Path, cases: int, attachments: int) -> None:
    """Write cases with that many comments each, and their user actions, into a data file: no HTTP, no rules."""
    server = CasesServer(data=path)
    store = server.cases.cases.context.store
    for base in range(0, cases, _BATCH):
        with store.transaction():
            for number in range(base, min(cases, base + _BATCH)):
                doc = case_doc(number)
                record = store.add_case("default", f"{number:08}-0000-4000-8000-000000000000", doc, reserved=None)
                actions = [(f"{number}-created", action("create_case", {"title": doc["title"]}, doc, None))]
                for each in range(attachments):
                    name = f"{number}-{each}"
                    comment = {"type": "user", "comment": "Seen again by EDR, same beacon.", "owner": doc["owner"]}
                    store.add_attachment("default", record.number, name, comment | _origin(doc), [])
                    actions.append((f"{name}-attached", action("comment", {"comment": comment}, doc, name)))
                store.add_user_actions(record.number, actions)
    server.stop()


def case_doc(number: int) -> dict[str, Any]:
    at = stamp(_START + timedelta(minutes=number))
    mixed = number * 2_654_435_761 % 2**32
    status = ("open", "in-progress", "closed")[mixed % 3]
    return {
        "title": f"Beacon {mixed % 1_000_000} on WKS-7", "description": "Seen by EDR on WKS-7. " * 20,
        "owner": ("securitySolution", "observability", "cases")[mixed // 3 % 3],
        "tags": ["edr", f"team-{number % 7}", f"run-{number % 1000}"],
        "severity": ("low", "medium", "high", "critical")[mixed // 9 % 4],
        "category": (None, "phishing", "malware")[mixed // 36 % 3],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "customFields": [],
        "settings": {"syncAlerts": True}, "assignees": [{"uid": f"u{number % 50}"}] if mixed % 2 else [],
        "status": status, "created_at": at, "created_by": USER, "duration": None, "external_service": None,
        "closed_at": at if status == "closed" else None, "closed_by": USER if status == "closed" else None,
        "updated_at": at if mixed // 108 % 2 else None, "updated_by": None, "incremental_id": number + 1,
        "observables": [], "total_observables": 0,
    }


def action(kind: str, payload: dict[str, Any], doc: dict[str, Any], comment: str | None) -> dict[str, Any]:
    who = {"created_at": doc["created_at"], "created_by": USER, "owner": doc["owner"]}
    return {"type": kind, "action": "create", "payload": payload, "comment_id": comment} | who


def _origin(doc: dict[str, Any]) -> dict[str, Any]:
    empty = dict.fromkeys(("updated_at", "updated_by", "pushed_at", "pushed_by"))
    return {"created_at": doc["created_at"], "created_by": USER} | empty
