"""Routes of the cluster, of indices and of aliases."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.elasticsearch import glob
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, index_not_found
from kibcase.server.elasticsearch.http import answer, body_object, parameters
from kibcase.server.elasticsearch.indices import AliasAction
from kibcase.server.elasticsearch.mapping import properties
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.elasticsearch.tables import Index
from kibcase.server.elasticsearch.views_search import EXPANSION, expansion

CLUSTER = "kibcase"
_WAITS = ("timeout", "master_timeout", "wait_for_active_shards")
_HEALTH = ("wait_for_status", "timeout", "master_timeout", "wait_for_no_initializing_shards", "local", "level")


def index_routes(state: AlertState, version: str) -> list[Route]:
    """Give the routes of ``/``, cluster health, indices, mappings, refresh and aliases."""
    views = _Indices(state, version)
    return [
        Route("/", views.info, methods=["GET"]),
        Route("/_cluster/health", views.health, methods=["GET"]),
        Route("/_refresh", views.refresh, methods=["GET", "POST"]),
        Route("/_alias", views.aliases, methods=["GET"]),
        Route("/_alias/{name}", views.aliases, methods=["GET"]),
        Route("/_aliases", views.change_aliases, methods=["POST"]),
        Route("/{index}/_refresh", views.refresh, methods=["GET", "POST"]),
        Route("/{index}/_mapping", views.mapping, methods=["GET"]),
        Route("/{index}/_alias", views.aliases, methods=["GET"]),
        Route("/{index}/_alias/{name}", views.aliases, methods=["GET"]),
        Route("/{index}/_alias/{name}", views.put_alias, methods=["PUT", "POST"]),
        Route("/{index}/_alias/{name}", views.delete_alias, methods=["DELETE"]),
        Route("/{index}", views.show, methods=["GET"]),
        Route("/{index}", views.create, methods=["PUT"]),
        Route("/{index}", views.delete, methods=["DELETE"]),
    ]


class _Indices:
    def __init__(self, state: AlertState, version: str) -> None:
        self._indices = state.indices
        self._version = version

    async def info(self, request: Request) -> Response:
        parameters(request)
        return answer(request, {
            "name": CLUSTER, "cluster_name": CLUSTER, "cluster_uuid": "kibcase-embedded-0000",
            "version": {
                "number": self._version, "build_flavor": "default", "build_type": "tar", "build_hash": "0" * 40,
                "build_date": "2025-01-01T00:00:00.000000000Z", "build_snapshot": False, "lucene_version": "10.3.0",
                "minimum_wire_compatibility_version": "8.19.0", "minimum_index_compatibility_version": "8.0.0",
            },
            "tagline": "You Know, for Search",
        })  # fmt: skip

    async def health(self, request: Request) -> Response:
        parameters(request, *_HEALTH)
        shards = len(self._indices.resolve("*", expansion({"expand_wildcards": "all"})))
        return answer(request, {
            "cluster_name": CLUSTER, "status": "green", "timed_out": False, "number_of_nodes": 1,
            "number_of_data_nodes": 1, "active_primary_shards": shards, "active_shards": shards,
            "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0,
            "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0,
            "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
        })  # fmt: skip

    async def refresh(self, request: Request) -> Response:
        found = self._resolved(request, parameters(request, *EXPANSION))
        return answer(request, {"_shards": {"total": len(found), "successful": len(found), "failed": 0}})

    async def show(self, request: Request) -> Response:
        found = self._resolved(request, parameters(request, *EXPANSION, "flat_settings", "local"), required=True)
        return answer(request, {index.name: self._shown(index) for index in found})

    async def mapping(self, request: Request) -> Response:
        found = self._resolved(request, parameters(request, *EXPANSION, "local"), required=True)
        return answer(request, {index.name: {"mappings": _mappings(index)} for index in found})

    async def create(self, request: Request) -> Response:
        parameters(request, *_WAITS)
        name = _plain(request)
        self._indices.create(name, await body_object(request))
        return answer(request, {"acknowledged": True, "shards_acknowledged": True, "index": name})

    async def delete(self, request: Request) -> Response:
        given = parameters(request, *EXPANSION, *_WAITS)
        name = _plain(request)
        if expansion(given).ignore_unavailable:
            name = ",".join(part for part in name.split(",") if self._indices.find(part) is not None)
        if name:
            self._indices.delete(name)
        return answer(request, {"acknowledged": True})

    async def aliases(self, request: Request) -> Response:
        parameters(request, *EXPANSION, "local")
        wanted = request.path_params.get("name", "*").split(",")
        within = request.path_params.get("index")
        every = [index.name for index in self._indices.resolve(within or "*", expansion({"expand_wildcards": "all"}))]
        found: dict[str, dict[str, Any]] = {}
        for alias in self._indices.aliases():
            if alias.index in every and any(glob.matches(name, alias.name) for name in wanted):
                found.setdefault(alias.index, {})[alias.name] = alias.options
        named = {name for aliases in found.values() for name in aliases}
        missing = [name for name in wanted if not glob.is_pattern(name) and name not in named]
        if "name" not in request.path_params:
            found = {index: found.get(index, {}) for index in every}
        body: dict[str, Any] = {index: {"aliases": aliases} for index, aliases in found.items()}
        if not missing:
            return answer(request, body)
        text = f"alias{'es' if len(missing) > 1 else ''} [{','.join(missing)}] missing"
        return answer(request, {"error": text, "status": 404, **body}, 404)

    async def put_alias(self, request: Request) -> Response:
        parameters(request, *_WAITS)
        self._indices.put_alias(_plain(request), request.path_params["name"], await body_object(request))
        return answer(request, {"acknowledged": True})

    async def delete_alias(self, request: Request) -> Response:
        parameters(request, *_WAITS)
        self._indices.remove_alias(_plain(request), request.path_params["name"])
        return answer(request, {"acknowledged": True})

    async def change_aliases(self, request: Request) -> Response:
        parameters(request, *_WAITS)
        body = await body_object(request, required=True)
        actions = body.get("actions")
        if not isinstance(actions, list) or not actions:
            raise illegal_argument("No action specified")
        self._indices.change_aliases([_action(each) for each in actions])
        return answer(request, {"acknowledged": True, "errors": False})

    def _resolved(self, request: Request, given: dict[str, str], *, required: bool = False) -> list[Index]:
        name = request.path_params.get("index", "_all")
        if name.startswith("_") and name != "_all":
            reason = f"Invalid index name [{name}], must not start with '_'."
            raise ElasticsearchError(400, "invalid_index_name_exception", reason)
        found = self._indices.resolve(name, expansion(given))
        if required and not found and not glob.is_pattern(name):
            raise index_not_found(name)
        return found

    def _shown(self, index: Index) -> dict[str, Any]:
        settings = {
            **index.settings, "hidden": str(index.hidden).lower(), "uuid": index.uuid, "provided_name": index.name,
            "creation_date": str(index.created), "number_of_shards": "1", "number_of_replicas": "0",
        }
        return {
            "aliases": self._indices.aliases_of(index.name), "mappings": _mappings(index),
            "settings": {"index": settings},
        }


def _mappings(index: Index) -> dict[str, Any]:
    return {"properties": properties(index.types)} if index.types else {}


def _plain(request: Request) -> str:
    name: str = request.path_params["index"]
    return name


def _action(given: Any) -> AliasAction:
    if not isinstance(given, dict) or len(given) != 1:
        raise illegal_argument("[aliases] malformed action, expected one of add, remove, remove_index")
    kind, options = next(iter(given.items()))
    if kind not in ("add", "remove", "remove_index") or not isinstance(options, dict):
        raise illegal_argument(f"[aliases] unknown field [{kind[:64]}]")
    rest = dict(options)
    index = rest.pop("index", None) or _joined(rest.pop("indices", None))
    alias = rest.pop("alias", None) or _joined(rest.pop("aliases", None))
    if not isinstance(index, str) or not index or (kind != "remove_index" and not (isinstance(alias, str) and alias)):
        raise illegal_argument(f"[{kind}] needs [index] or [indices] and [alias] or [aliases]")
    must_exist = rest.pop("must_exist", True) is not False
    if rest and kind != "add":
        raise illegal_argument(f"[{kind}] unknown field [{min(rest)[:64]}]")
    return AliasAction(kind=kind, index=index, alias=alias or "", options=rest, must_exist=must_exist)


def _joined(names: Any) -> str:
    if isinstance(names, str):
        return names
    return ",".join(str(name) for name in names) if isinstance(names, list) else ""
