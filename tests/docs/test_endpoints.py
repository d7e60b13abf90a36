"""docs/endpoints.md is made from the library's table of endpoints, and the table is true to library and server.

``KIBCASE_WRITE_DOCS=1 pytest tests/docs/test_endpoints.py`` writes the page anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path

import pytest
import requests

from kibcase import Kibana
from kibcase.client import endpoints
from kibcase.client.endpoints import ENDPOINTS, OLDEST, EndpointFact
from kibcase.models.status import Version
from kibcase.server.app import CasesServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "endpoints.md"
STACKS = tuple(
    Version(*numbers) for numbers in ((8, 17), (8, 18), (8, 19), (9, 0), (9, 1), (9, 2), (9, 3), (9, 4), (9, 5))
)
NEWEST = STACKS[-1]
HEADERS = {"kbn-xsrf": "true", "x-elastic-internal-origin": "Kibana"}
COLUMNS = ("Endpoint", "Library", "Server", "Stack", "Licence", "Internal", "Test", "Note")
GROUPS = {
    "Cases": (endpoints.CASES, "tests/server/cases"),
    "Attachments, alerts and files": (endpoints.ATTACHMENTS, "tests/server/cases"),
    "Observables": (endpoints.OBSERVABLES, "tests/server/cases"),
    "Activity, metrics, people": (endpoints.ACTIVITY, "tests/server/cases"),
    "Configuration, templates, fields": (endpoints.CONFIGURATION, "tests/server/cases"),
    "Connectors and push": (endpoints.CONNECTORS, "tests/server/cases"),
    "Detection alerts": (endpoints.DETECTIONS, "tests/server"),
    "Spaces, status, licence": (endpoints.PLATFORM, "tests/server/cases"),
    "What only Kibana's own pages use": (endpoints.PAGES_ONLY, ""),
}
HEAD = """\
# Endpoints

Every endpoint of Kibana that has to do with cases. This page is made from the table `kibcase.client.endpoints`,
checked by `tests/docs/test_endpoints.py` against the library and, over HTTP, against the embedded server
playing each stack from 8.17 to 9.5. Versions of stack 9 are estimates where no document states them.

- *Library*: the method below `Kibana`; `-`: none, the note says why.
- *Server*: whether the embedded server answers it.
- *Stack*: since which stack it exists; `< 9.0`: removed there.
- *Licence*: the tier that it needs. *Internal*: needs the header `x-elastic-internal-origin` from 9.0 on.
- *Test*: where the server's answer is tested; the library's side is in `tests/client`.
"""


class Servers:
    """One server per stack, started when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[Version, CasesServer] = {}
        self._known: dict[tuple[str, Version], bool] = {}

    def answers(self, fact: EndpointFact, version: Version) -> bool:
        """Whether the server that plays ``version`` has the route; asked once."""
        known = self._known.get((fact.title, version))
        if known is None:
            known = self._known[fact.title, version] = self._ask(fact, version)
        return known

    def _ask(self, fact: EndpointFact, version: Version) -> bool:
        # Kibana says 404 "Not Found" where there is no route, and names the object where that is missing; where
        # /api/cases/templates is no route, "templates" is the id of a case.
        if version not in self._running:
            plays = f"{version.major}.{version.minor}.0"
            self._running[version] = self._stack.enter_context(CasesServer(stack_version=plays))
        # A missing space is answered like a missing route.
        path = fact.path.replace("{file_kind}", "casesFilesCases").replace("space/{id}", "space/default")
        answer = requests.request(
            fact.method, self._running[version].kibana_url + re.sub(r"\{\w+\}", "no-such-thing", path),
            headers=HEADERS, auth=("elastic", "changeme"), timeout=30,
        )
        last = fact.path.rsplit("/", 1)[-1]
        absent = ("Not Found", f"Saved object [cases/{last}] not found")
        return not (answer.status_code == 404 and answer.json().get("message") in absent)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack)


@pytest.mark.parametrize("fact", ENDPOINTS, ids=attrgetter("title"))
def test_the_server_has_a_route_in_the_stacks_that_have_it(servers: Servers, fact: EndpointFact) -> None:
    served = [version for version in STACKS if servers.answers(fact, version)]
    assert served in ([], [version for version in STACKS if fact.is_in(version)])


@pytest.mark.parametrize("fact", ENDPOINTS, ids=attrgetter("title"))
def test_the_library_has_the_method_or_the_reason_why_not(fact: EndpointFact) -> None:
    with Kibana("http://localhost:5601") as kibana:
        if fact.library:
            assert callable(attrgetter(fact.library)(kibana))
        else:
            assert fact.note


def test_groups_are_all_there_is() -> None:
    assert tuple(fact for facts, _ in GROUPS.values() for fact in facts) == ENDPOINTS
    assert len({fact.title for fact in ENDPOINTS}) == len(ENDPOINTS)


def test_the_page_is_up_to_date(servers: Servers) -> None:
    if os.environ.get("KIBCASE_WRITE_DOCS"):
        PAGE.write_text(_page(servers, _best_test), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    # Which test names an endpoint most often changes with every edit of a test: a true one is good enough.
    named = dict(re.findall(r"^\| `(.+?)` \|(?:.*?\|){5} `(tests/.+?)` \|", page, re.MULTILINE))
    assert page == _page(servers, lambda fact, _: named.get(fact.title, "")), "write it anew: KIBCASE_WRITE_DOCS=1"


def test_the_tests_of_the_page_name_the_endpoint() -> None:
    rows = re.findall(r"^\| `(.+?)` \|.* `(tests/.+?)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) > 60
    for title, test in rows:
        assert f"/{_tail(title)}" in (ROOT / test).read_text(encoding="utf-8"), (title, test)


def _page(servers: Servers, test: Callable[[EndpointFact, str], str]) -> str:
    parts = [HEAD]
    for title, (facts, folder) in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        parts += [_row(servers, fact, test(fact, folder)) for fact in facts]
    return "\n".join(parts) + "\n"


def _row(servers: Servers, fact: EndpointFact, test: str) -> str:
    served = any(servers.answers(fact, version) for version in (STACKS[0], NEWEST))
    cells = (
        f"`{fact.title}`", f"`{fact.library}`" if fact.library else "-", "yes" if served else "no", _stack(fact),
        fact.licence, "yes" if fact.internal else "", f"`{test}`" if served else "", fact.note,
    )
    return "| " + " | ".join(cells) + " |"


def _stack(fact: EndpointFact) -> str:
    if fact.preview:
        return "preview"
    since = "" if fact.since <= OLDEST else f"{fact.since.major}.{fact.since.minor}"
    until = f"< {fact.until.major}.{fact.until.minor}" if fact.until else ""
    return " ".join(part for part in (since, until) if part) or "all"


def _best_test(fact: EndpointFact, folder: str) -> str:
    """The test file that names the end of the path most often, of those that test nouns and not who may do what."""
    if not folder:
        return ""
    counts = {
        path: len(re.findall(rf"/{re.escape(_tail(fact.title))}\b", path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / folder).rglob("test_*.py")) if not re.search("rights|authorization", path.name)
    }
    return str(max(counts, key=lambda path: counts[path]).relative_to(ROOT))


def _tail(title: str) -> str:
    """The last fixed segment of an endpoint's path."""
    parts = [part for part in re.split(r"/\{\w+\}", title.partition(" ")[2]) if part]
    return parts[-1].rsplit("/", 1)[-1]
