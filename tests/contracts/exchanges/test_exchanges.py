"""Every request that the library sends and every answer of the server, held against the OpenAPI document.

What differs from the document is listed, with the reason, in ``differences.yaml``. A difference that nobody
listed fails, and so does a listed one that does not occur.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from kibcase import BasicAuth
from kibcase.client.endpoints import ENDPOINTS, endpoint_of
from kibcase.models.status import Version as StackVersion
from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.jira import JiraStandin

pytestmark = pytest.mark.contract
STACKS = ("8.17.0", "8.18.0", "8.19.0", "9.0.0", "9.2.0", "9.4.0", "9.5.0", "9.6.0")
UID = "u_elastic_0"
DIFFERENCES = Path(__file__).parents[1] / "differences.yaml"
NEWER = Path(__file__).parents[1] / "newer.yaml"
Version = tuple[int, ...]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One listed place: ``since`` the stack it begins with, ``before`` the one it has ended with."""

    name: str
    operation: str
    at: str
    text: str
    since: Version
    before: Version

    def covers(self, violation: Any, stack: Version) -> bool:
        """Whether it is this place."""
        return (
            self.since <= stack < self.before
            and fnmatchcase(violation.operation, self.operation)
            and fnmatchcase(violation.at, self.at.replace("[", "[[]"))
            and self.text in violation.text
        )


def listed() -> list[Difference]:
    entries = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    assert all(entry["why"] for entry in entries)
    return [
        Difference(
            name=f"{operation}: {at}: {entry['says']}", operation=operation, at=at, text=entry["says"],
            since=_version(entry.get("since", "8.17")), before=_version(entry.get("before", "99.0")),
        )
        for entry in entries for operation in entry["in"] for at in entry.get("at", [""])
    ]


def _version(text: str) -> Version:
    return tuple(int(part) for part in str(text).split(".")[:2])


@pytest.fixture(scope="module")
def documents(document_of: Any, official: Json, statuses: dict[str, dict[int, str]]) -> Callable[[str], Any]:
    """Give both documents in one, as they hold for a stack."""

    newer = yaml.safe_load(NEWER.read_text(encoding="utf-8"))

    def of(stack: str) -> Any:
        version = StackVersion.parse(stack)

        def has(method: str, path: str) -> bool:
            fact = endpoint_of(method, path)
            return fact is not None and fact.is_in(version)

        return document_of(_merged(official, _as_of(newer, (version.major, version.minor))), statuses, has)

    return of


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What went over the wire on one stack, the documents that hold for it, and where the two differ."""

    stack: str
    exchanges: list[Any]
    document: Any
    hits: list[Any]
    ours: set[str]

    def strange(self, hits: list[Any]) -> list[str]:
        """Those that are not listed; our own document is right or mended, so nothing is listed for it."""
        differences, stack = listed(), _version(self.stack)
        return [
            str(hit) for hit in hits
            if hit.operation.rpartition(" ")[0] in self.ours or not any(each.covers(hit, stack) for each in differences)
        ]

    @property
    def tried(self) -> set[str]:
        return {self.document.operation(each.method, each.path) for each in self.exchanges}


@pytest.fixture(scope="module")
def lives(
    record: Callable[..., Any], documents: Callable[[str], Any], document_of: Any, official: Json, life_of: Any
) -> dict[str, Lived]:
    """Live the life of some cases, once on every stack, and keep what went over the wire."""
    people = {"elastic": User(password="changeme", full_name="Elastic", email="e@soc.example", profile_uid=UID)}
    lives = {}
    for stack in STACKS:
        with (
            JiraStandin(deployment="datacenter") as jira,
            CasesServer(stack_version=stack, users=people, incremental_id_delay=0) as server,
        ):
            recorder = record(server.kibana_url, auth=BasicAuth("elastic", "changeme"))
            life_of(server, recorder, jira, _version(stack)).live()
        document = documents(stack)
        hits = [hit for each in recorder.exchanges for hit in document.violations(each)]
        ours = document.operations - document_of(official).operations
        lives[stack] = Lived(stack=stack, exchanges=recorder.exchanges, document=document, hits=hits, ours=ours)
    return lives


@pytest.mark.parametrize("stack", STACKS)
def test_every_difference_from_the_documents_is_listed(lives: dict[str, Lived], stack: str) -> None:
    strange = lives[stack].strange(lives[stack].hits)
    assert strange == [], "\n".join(sorted(set(strange)))


def test_every_listed_difference_occurs(lives: dict[str, Lived]) -> None:
    idle = [
        difference.name for difference in listed()
        if not any(difference.covers(each, _version(life.stack)) for life in lives.values() for each in life.hits)
    ]
    assert idle == [], "\n".join(idle)


@pytest.mark.parametrize("stack", STACKS)
def test_every_operation_was_tried(lives: dict[str, Lived], stack: str) -> None:
    life = lives[stack]
    succeeded = {life.document.operation(each.method, each.path) for each in life.exchanges if each.status < 300}
    assert life.document.present - succeeded == set()


def test_operations_of_no_released_stack_were_tried(lives: dict[str, Lived]) -> None:
    operations = {operation for life in lives.values() for operation in life.document.operations}
    assert operations - {operation for life in lives.values() for operation in life.tried} == set()


def test_the_documents_have_what_the_library_speaks(lives: dict[str, Lived]) -> None:
    described = {_shape(operation) for operation in lives[STACKS[0]].document.operations}
    spoken = {_shape(fact.title) for fact in ENDPOINTS if fact.library}
    assert spoken - described == set()
    assert described - {_shape(fact.title) for fact in ENDPOINTS} == set()


@pytest.mark.parametrize("stack", [STACKS[0], STACKS[-1]])
@pytest.mark.parametrize("change", [
    {"status": 500}, {"status": 503}, {"status": 418}, {"status": 202}, {"got": "nonsense"}, {"got": {"nonsense": 1}},
    {"query": (("nonsense", "1"),)}, {"sent": {"nonsense": 1}},
], ids=str)
def test_the_list_hides_no_nonsense(lives: dict[str, Lived], stack: str, change: dict[str, Any]) -> None:
    life = lives[stack]
    one_of_each = {(life.document.operation(each.method, each.path), each.status): each for each in life.exchanges}
    hidden = [
        operation for operation, exchange in one_of_each.items()
        if not life.strange(life.document.violations(replace(exchange, **change)))
    ]
    assert hidden == [], "\n".join(map(str, hidden))


def test_every_operation_has_its_statuses(
    lives: dict[str, Lived], statuses: dict[str, dict[int, str]]
) -> None:
    assert set(statuses) == lives[STACKS[-1]].document.operations
    assert all(meaning for each in statuses.values() for meaning in each.values())


def _shape(operation: str) -> str:
    return re.sub(r"\{\w+\}", "{}", operation)


def _merged(official: Json, newer: Json) -> Json:
    whole = copy.deepcopy(official)
    for path, item in newer["paths"].items():
        for method, described in item.items():
            if method in whole["paths"].setdefault(path, {}):
                _complete(whole["paths"][path][method], described)
            else:
                whole["paths"][path][method] = described
    shared = whole["components"]["schemas"].keys() & newer["components"]["schemas"].keys()
    assert not shared, shared
    whole["components"]["schemas"] |= newer["components"]["schemas"]
    return whole


def _complete(described: Json, missing: Json) -> None:
    assert set(missing) <= {"responses", "requestBody"}, missing
    pairs = [(described["responses"], status, answer) for status, answer in missing.get("responses", {}).items()]
    pairs += [(described, "requestBody", missing["requestBody"])] if "requestBody" in missing else []
    for there, name, closed in pairs:
        schemas = [media.get("schema", {}) for media in there[name].get("content", {}).values()]
        assert not any(schema.keys() & {"$ref", "oneOf", "properties", "items"} for schema in schemas), there[name]
        there[name] = closed


def _as_of(newer: Json, stack: tuple[int, int]) -> Json:
    """Leave out what the stack does not have yet, or has no more."""
    schemas = newer["components"]["schemas"]
    gone = {f"#/components/schemas/{name}" for name, schema in schemas.items() if not _is_in(schema, stack)}
    left: Json = _at({key: value for key, value in newer.items() if key != "x-parts"}, stack, gone)
    return left


def _at(node: Any, stack: tuple[int, int], gone: set[str]) -> Any:
    if isinstance(node, list):
        return [_at(each, stack, gone) for each in node if _is_in(each, stack)]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _at(value, stack, gone) for key, value in node.items()
        if key not in ("x-since", "x-before") and _is_in(value, stack) and str(value) not in gone
    }
    if isinstance(node.get("required"), list) and "properties" in node:
        kept["required"] = [name for name in node["required"] if name in kept["properties"]]
    return kept


def _is_in(node: Any, stack: tuple[int, int]) -> bool:
    if not isinstance(node, dict):
        return True
    since, before = (
        tuple(int(part) for part in str(node.get(name, default)).split("."))
        for name, default in (("x-since", "8.0"), ("x-before", "99.0"))
    )
    return since <= stack < before
