"""docs/endpoints.md is made from the library's table of endpoints, and the table is true to library and server.

``KIBCASE_WRITE_DOCS=1 pytest tests/docs/test_endpoints.py`` writes the page anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path

import pytest
import requests

from kibcase import Kibana
from kibcase.client import endpoints
from kibcase.client.endpoints import ENDPOINTS, OLDEST, EndpointFact
from kibcase.models.status import Version
from kibcase.server.app import CasesServer
from kibcase.server.users import User

ROOT = Path(__file__).parents[2]
SERVER_TESTS = ROOT / "tests" / "server"
PAGE = ROOT / "docs" / "endpoints.md"
STACKS = tuple(
    Version(*numbers) for numbers in ((8, 17), (8, 18), (8, 19), (9, 0), (9, 1), (9, 2), (9, 3), (9, 4), (9, 5), (9, 6))
)
NEWEST = STACKS[-1]
HEADERS = {"kbn-xsrf": "true", "x-elastic-internal-origin": "Kibana"}
# Who has no profile is told 404 "Not Found", as if there were no such route.
PEOPLE = {"elastic": User(password="changeme", profile_uid="u_elastic_0")}
COLUMNS = ("Endpoint", "Library", "Server", "Stack", "Licence", "Internal", "Test", "Note")
GROUPS = {
    "Cases": endpoints.CASES,
    "Attachments, alerts and files": endpoints.ATTACHMENTS,
    "Observables": endpoints.OBSERVABLES,
    "Activity, metrics, people": endpoints.ACTIVITY,
    "Configuration, templates, fields": endpoints.CONFIGURATION,
    "Connectors and push": endpoints.CONNECTORS,
    "Detection alerts": endpoints.DETECTIONS,
    "Spaces, status, licence, saved objects": endpoints.PLATFORM,
    "What only Kibana's own pages use": endpoints.PAGES_ONLY,
}
# The test file whose noun an endpoint is. The first pattern that fits wins; by what the files really ask the server.
TESTS = (
    ("PATCH /api/cases", "cases/test_patch.py"),
    ("GET /api/cases/_find", "cases/test_find.py"),
    ("GET /api/cases/tags", "cases/test_find.py"),
    ("GET /api/cases/reporters", "cases/test_find.py"),
    ("GET /internal/cases/categories", "cases/test_find.py"),
    ("GET /api/cases/status", "cases/test_older_stacks.py"),
    ("GET /api/cases/{case_id}/comments", "cases/test_older_stacks.py"),
    ("GET /api/cases/{case_id}/user_actions", "cases/test_older_stacks.py"),
    ("POST /internal/cases/_search", "cases/test_search.py"),
    ("POST /internal/cases/case/attachments/_find_containing_all", "cases/test_search.py"),
    ("POST */_similar", "cases/test_similar.py"),
    ("PUT */custom_fields/*", "cases/test_custom_field_value.py"),
    ("GET /api/cases/{case_id}/user_actions/_find", "cases/test_reference_cases.py"),
    ("* /api/cases/{case_id}/comments*", "cases/test_attachments.py"),
    ("POST */attachments/_bulk_*", "cases/test_attachments.py"),
    ("* /api/cases/{case_id}/attachments*", "cases/test_unified.py"),
    ("POST */files", "cases/test_files.py"),
    ("POST */files/_bulk_delete", "cases/test_files.py"),
    ("GET /api/files/*", "cases/test_files.py"),
    ("GET /api/cases/*alerts*", "cases/test_alerts.py"),
    ("* */observables*", "cases/test_observables.py"),
    ("GET /internal/cases/{case_id}/user_actions/*", "cases/test_activity.py"),
    ("GET /internal/cases/{case_id}/_users", "cases/test_activity.py"),
    ("GET /internal/cases/{case_id}/_connectors", "cases/push/test_push_needed.py"),
    ("GET /internal/cases/metrics*", "cases/test_metrics.py"),
    ("* */_suggest_user_profiles", "cases/test_profiles.py"),
    ("* /internal/security/user_profile*", "cases/test_profiles.py"),
    ("GET /api/cases/configure/connectors/_find", "cases/test_actions.py"),
    ("* /api/cases/configure*", "cases/test_configuration.py"),
    ("* /api/cases/templates*", "cases/test_templates.py"),
    ("* /api/cases/field_definitions*", "cases/test_field_definitions.py"),
    ("GET */fields", "cases/test_extended_fields.py"),
    ("POST */_push", "cases/push/test_push_jira.py"),
    ("POST /api/actions/connector/{id}/_execute", "cases/push/test_push_sub_actions.py"),
    ("* /api/actions/*", "cases/test_actions.py"),
    ("POST /api/detection_engine/*", "test_detections.py"),
    ("* /api/spaces/*", "cases/test_spaces.py"),
    ("* /api/saved_objects/*", "cases/test_saved_objects.py"),
    ("GET /api/status", "cases/test_gate.py"),
    ("GET /api/licensing/info", "cases/test_gate.py"),
    ("* /api/cases*", "cases/test_create_and_read.py"),
    ("POST /internal/cases/_bulk_get", "cases/test_create_and_read.py"),
)
# How tests write a method: its name, or a helper for it.
WRITTEN = {
    "GET": r'"GET"|\.get\(', "POST": r'"POST"|\.post\(|\.create\(|\.attach\(', "PATCH": r'"PATCH"|\.patch\(',
    "PUT": r'"PUT"', "DELETE": r'"DELETE"|\.delete\(',
}
HEAD = """\
# Endpoints

Every endpoint of Kibana that has to do with cases. This page is made from the table `kibcase.client.endpoints`,
checked by `tests/docs/test_endpoints.py` against the library and, over HTTP, against the embedded server
playing each stack from 8.17 to 9.5 and what it has of 9.6. Versions of stack 9 are estimates where no document
states them.

- *Library*: the method below `Kibana`; `-`: none, the note says why.
- *Server*: whether the embedded server answers it.
- *Stack*: since which stack it exists; `< 9.0`: removed there.
- *Licence*: the tier that it needs. *Internal*: needs the header `x-elastic-internal-origin` from 9.0 on.
- *Test*: where the server's answer is tested, below `tests/server`. All are held against the documents of the API in
  `tests/contracts`; the library's side is in `tests/client`.
"""


class Servers:
    """One server per stack, started when it is first asked for."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[Version, CasesServer] = {}
        self._known: dict[tuple[str, Version], bool] = {}

    def serves(self, fact: EndpointFact) -> bool:
        """Whether the server has the route on any stack."""
        return any(self.answers(fact, version) for version in (STACKS[0], NEWEST))

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
            self._running[version] = self._stack.enter_context(CasesServer(stack_version=plays, users=PEOPLE))
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
    assert tuple(fact for facts in GROUPS.values() for fact in facts) == ENDPOINTS
    assert len({fact.title for fact in ENDPOINTS}) == len(ENDPOINTS)


def test_the_page_is_up_to_date(servers: Servers) -> None:
    if os.environ.get("KIBCASE_WRITE_DOCS"):
        PAGE.write_text(_page(servers), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == _page(servers), "write it anew: KIBCASE_WRITE_DOCS=1"


@pytest.mark.parametrize("fact", ENDPOINTS, ids=attrgetter("title"))
def test_the_test_of_an_endpoint_asks_for_it(servers: Servers, fact: EndpointFact) -> None:
    if servers.serves(fact):
        text = (SERVER_TESTS / server_test_of(fact)).read_text(encoding="utf-8")
        assert re.search(rf"/{re.escape(_tail(fact.path))}\b", text), fact.title
        assert re.search(WRITTEN[fact.method], text), fact.title


def test_every_pattern_is_of_use() -> None:
    chosen = {next((pattern for pattern, _ in TESTS if fnmatchcase(fact.title, pattern)), "") for fact in ENDPOINTS}
    assert {pattern for pattern, _ in TESTS} - chosen == set()


def server_test_of(fact: EndpointFact) -> str:
    return next(file for pattern, file in TESTS if fnmatchcase(fact.title, pattern))


def _page(servers: Servers) -> str:
    parts = [HEAD]
    for title, facts in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        parts += [_row(servers, fact) for fact in facts]
    return "\n".join(parts) + "\n"


def _row(servers: Servers, fact: EndpointFact) -> str:
    served = servers.serves(fact)
    cells = (
        f"`{fact.title}`", f"`{fact.library}`" if fact.library else "-", "yes" if served else "no", _stack(fact),
        fact.licence, "yes" if fact.internal else "", f"`{server_test_of(fact)}`" if served else "", fact.note,
    )
    return "| " + " | ".join(cells) + " |"


def _stack(fact: EndpointFact) -> str:
    if fact.preview:
        return "preview"
    since = "" if fact.since <= OLDEST else f"{fact.since.major}.{fact.since.minor}"
    until = f"< {fact.until.major}.{fact.until.minor}" if fact.until else ""
    return " ".join(part for part in (since, until) if part) or "all"


def _tail(path: str) -> str:
    """The last fixed segment of an endpoint's path."""
    return re.sub(r"/\{\w+\}", "", path).rpartition("/")[2]
