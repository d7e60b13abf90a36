"""The OpenAPI document of the Cases API, and exchanges held against it."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from jsonschema import validators
from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator

from kibcase import ApiError, KibcaseError, Request, Response, Transport

Json = dict[str, Any]
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
METHODS = ("get", "post", "put", "patch", "delete")
BESIDE = ROOT.parent.joinpath("shared", "reference", "kibana-cases.openapi.yaml")


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where an exchange is not as documented; list positions are left out of ``at``."""

    operation: str
    at: str
    text: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.at}: {self.text}"


def _one_of(validator: Any, branches: list[Json], instance: Any, schema: Json) -> Iterator[ValidationError]:
    # The document's `oneOf`s overlap, as all schemas without required properties do: one match is enough.
    named = schema.get("discriminator", {}).get("mapping", {})
    tag = schema.get("discriminator", {}).get("propertyName")
    if named and isinstance(instance, dict):
        reference = named.get(instance.get(tag))
        if reference is None:
            yield ValidationError(f"undocumented {tag} {instance.get(tag)!r}")
        else:
            yield from validator.descend(instance, {"$ref": reference})
        return
    found = [list(validator.descend(instance, branch)) for branch in branches]
    if all(found):
        yield from min(found, key=lambda errors: (len(errors), str(errors)))


def _undocumented(validator: Any, allowed: Any, instance: Any, schema: Json) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for name in instance:
        if name in schema.get("properties", {}):
            continue
        if allowed is False:
            yield ValidationError("undocumented key", path=[name])
        elif isinstance(allowed, dict):
            yield from validator.descend(instance[name], allowed, path=name)


def _required(_validator: Any, names: list[str], instance: Any, _schema: Json) -> Iterator[ValidationError]:
    # The library's own looks for names in lists and texts, too.
    if isinstance(instance, dict):
        missing = [name for name in names if isinstance(name, str) and name not in instance]
        yield from (ValidationError(f"{name!r} is a required property") for name in missing)


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    OAS30Validator,
    {"oneOf": _one_of, "anyOf": _one_of, "additionalProperties": _undocumented, "required": _required},
)


_ENVELOPE: Json = {
    "type": "object", "required": ["statusCode", "error", "message"], "properties": {
        "statusCode": {"type": "integer"}, "error": {"type": "string"}, "message": {"type": "string"},
        "attributes": {"type": "object"},
    },
}


class Document:
    """A document, with every object closed: what it does not name is a violation.

    ``statuses`` are the errors of each operation, in the envelope of Kibana unless the document has a schema for
    them. ``has`` tells which operations the stack has; those that it lacks answer 404 and nothing else.
    """

    def __init__(
        self, raw: Json, statuses: Mapping[str, Mapping[int, str]] | None = None,
        has: Callable[[str, str], bool] = lambda _method, _path: True,
    ) -> None:
        self.raw = raw
        self._closed = _closed(copy.deepcopy(raw))
        self._statuses = statuses or {}
        self._has = has
        self._paths = [(re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))), path) for path in self.paths]

    @property
    def paths(self) -> Json:
        paths: Json = self.raw["paths"]
        return paths

    @property
    def operations(self) -> set[str]:
        """Every documented ``METHOD /path/{with}/{names}``."""
        return {f"{name.upper()} {path}" for path, item in self.paths.items() for name in item if name in METHODS}

    @property
    def present(self) -> set[str]:
        """Those of them that the stack has."""
        return {operation for operation in self.operations if self._has(*operation.split(" "))}

    def operation(self, method: str, path: str) -> str | None:
        """The documented operation that a request is an instance of; fixed segments win over named ones."""
        fits = [name for pattern, name in self._paths if pattern.fullmatch(path) and method.lower() in self.paths[name]]
        return f"{method} {min(fits, key=lambda name: name.count('{'))}" if fits else None

    def violations(self, exchange: Exchange) -> list[Violation]:
        """Every place where a request or its answer is not as documented."""
        operation = self.operation(exchange.method, exchange.path)
        if operation is None:
            return [Violation(f"{exchange.method} {exchange.path}", "", "undocumented operation")]
        method, _, path = operation.partition(" ")
        described = self._closed["paths"][path][method.lower()]
        return [
            *self._query(operation, described, exchange), *self._body(operation, described, exchange),
            *self._answer(operation, described, exchange),
        ]

    def _query(self, operation: str, described: Json, exchange: Exchange) -> Iterator[Violation]:
        parameters = map(self._resolved, described.get("parameters", []))
        known = {each["name"]: each for each in parameters if each["in"] == "query"}
        for name in dict.fromkeys(name for name, _ in exchange.query):
            if name not in known:
                yield Violation(f"{operation} query", name, "undocumented parameter")
                continue
            given = [_typed(value) for key, value in exchange.query if key == name]
            candidates = [given] if len(given) > 1 else [given[0], str(given[0]), given]
            schema = known[name]["schema"]
            errors = [list(self._validator(schema).iter_errors(candidate)) for candidate in candidates]
            if all(errors):
                yield Violation(f"{operation} query", name, errors[0][0].message)

    def _body(self, operation: str, described: Json, exchange: Exchange) -> Iterator[Violation]:
        body = self._resolved(described.get("requestBody", {}))
        content = body.get("content", {})
        if exchange.sent is None:
            if body.get("required") and "application/json" in content:
                yield Violation(f"{operation} request", "", "no body")
            return
        if "application/json" not in content:
            yield Violation(f"{operation} request", "", "undocumented body")
            return
        yield from self._held(f"{operation} request", content["application/json"].get("schema", {}), exchange.sent)

    def _answer(self, operation: str, described: Json, exchange: Exchange) -> Iterator[Violation]:
        where = f"{operation} {exchange.status}"
        answer = self._expected(operation, described, exchange.status)
        if answer is None:
            yield Violation(where, "", "undocumented status")
            return
        content = self._resolved(answer).get("content", {})
        schemas = [
            content[media]["schema"] for media in ("application/json", "application/ndjson")
            if "schema" in content.get(media, {})
        ]
        if not schemas and exchange.got is not None:
            yield Violation(where, "", "undocumented body")
        for schema in schemas:
            yield from self._held(where, schema, exchange.got)
        if exchange.status >= 400 and isinstance(exchange.got, dict):
            told = exchange.got.get("statusCode", exchange.got.get("status_code"))
            if told != exchange.status:
                yield Violation(where, "statusCode", f"it says {told}")

    def _expected(self, operation: str, described: Json, status: int) -> Json | None:
        refusal = {"content": {"application/json": {"schema": _closed(copy.deepcopy(_ENVELOPE))}}}
        if not self._has(*operation.split(" ")):
            return refusal if status == 404 else None
        if status >= 500:
            return None
        expected: Json | None = described["responses"].get(str(status))
        known = status in self._statuses.get(operation, {})
        return refusal if known and not (expected and self._resolved(expected).get("content")) else expected

    def _held(self, where: str, schema: Json, value: Any) -> Iterator[Violation]:
        for error in self._validator(schema).iter_errors(value):
            at = ".".join("[]" if isinstance(part, int) else str(part) for part in error.absolute_path)
            yield Violation(where, at.replace(".[]", "[]"), error.message[:200])

    def _validator(self, schema: Json) -> Any:
        whole = {**schema, "components": self._closed["components"]}
        return _Validator(whole, format_checker=OAS30Validator.FORMAT_CHECKER)

    def _resolved(self, described: Json) -> Json:
        while "$ref" in described:
            node: Any = self._closed
            for part in described["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            described = node
        return described


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, decoded; ``path`` is without the space."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    sent: Any = None
    status: int
    got: Any = None


class Recorder(Transport):
    """A transport that keeps what went over the wire, in both directions; siblings share the record."""

    exchanges: list[Exchange]

    def send(self, request: Request) -> Response:
        with self._refusals(request):
            response = super().send(request)
        self.exchanges.append(_exchange(request, response.status, _decoded(response)))
        return response

    def receive(self, request: Request, sink: Any) -> Response:
        with self._refusals(request):
            response = super().receive(request, sink)
        self.exchanges.append(_exchange(request, response.status, None))
        return response

    @contextmanager
    def _refusals(self, request: Request) -> Iterator[None]:
        try:
            yield
        except KibcaseError as error:
            # What is explained better has the refusal for its cause.
            refusal = error if isinstance(error, ApiError) else error.__cause__
            if not isinstance(refusal, ApiError):
                raise
            self.exchanges.append(_exchange(request, refusal.status, refusal.body))
            raise


@pytest.fixture(scope="session")
def document_of() -> type[Document]:
    """``Document`` itself, and with it what it tells of an ``Exchange``."""
    return Document


@pytest.fixture(scope="session")
def exchange_of() -> type[Exchange]:
    """``Exchange`` itself."""
    return Exchange


@pytest.fixture(scope="session")
def official() -> Json:
    """The document named by KIBCASE_OPENAPI, or the one in the folder that lies beside the checkout."""
    path = Path(os.environ.get("KIBCASE_OPENAPI") or BESIDE)
    if not path.is_file():
        reason = f"no OpenAPI document at {path}; name it with KIBCASE_OPENAPI"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return _loaded(path)


@pytest.fixture(scope="session")
def statuses() -> dict[str, dict[int, str]]:
    """The error statuses of every operation, each with what it is for."""
    found: dict[str, dict[int, str]] = _loaded(HERE / "statuses.yaml")["operations"]
    return found


@pytest.fixture(scope="session")
def record() -> Callable[..., Recorder]:
    """Make a recorder: takes what ``Transport`` takes."""

    def make(url: str, **options: Any) -> Recorder:
        recorder = Recorder(url, proxies={}, **options)
        recorder.exchanges = []
        return recorder

    return make


def _loaded(path: Path) -> Json:
    found: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _exchange(request: Request, status: int, body: Any) -> Exchange:
    sent = None if request.json is None else json.loads(json.dumps(request.json))
    if isinstance(request.body, bytes) and request.content_type == "application/json":
        sent = json.loads(request.body)
    return Exchange(
        method=request.method, path=unquote(request.path), query=tuple(request.query), sent=sent, status=status,
        got=body,
    )


def _decoded(response: Response) -> Any:
    if "ndjson" in response.headers.get("content-type", ""):
        return [json.loads(line) for line in response.content.splitlines()]
    return response.json() if response.content else None


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _closed(node: Any) -> Any:
    if isinstance(node, dict):
        for value in node.values():
            _closed(value)
        if isinstance(node.get("properties"), dict) and "additionalProperties" not in node and "allOf" not in node:
            node["additionalProperties"] = False
        # The document writes `$ref` and `nullable` side by side; in OpenAPI 3.0 the former hides the latter.
    elif isinstance(node, list):
        for value in node:
            _closed(value)
    return node
