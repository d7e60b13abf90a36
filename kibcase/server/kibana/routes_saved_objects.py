"""The routes of saved objects, as far as cases go: export and import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from kibcase.server.cases.saved_objects import SavedObjects, wanted_of
from kibcase.server.errors import BadRequest
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, ok
from kibcase.server.kibana.multipart import parse_form

IMPORT_BYTES: Final = 26_214_400
"""``savedObjects.maxImportPayloadBytes``."""

_BODY: Final[Mapping[str, tuple[type, ...]]] = {
    "type": (str, list), "hasReference": (dict, list), "objects": (list,), "search": (str,),
    "includeReferencesDeep": (bool,), "excludeExportDetails": (bool,),
}
_NAMES: Final = {str: "string", list: "array", dict: "object", bool: "boolean"}
_FLAGS: Final = ("overwrite", "createNewCopies", "compatibilityMode")


def saved_object_routes(saved_objects: SavedObjects) -> list[Endpoint]:
    """Build the routes."""
    return [
        Endpoint(method="POST", path="/api/saved_objects/_export", handle=lambda call: _export(saved_objects, call)),
        Endpoint(
            method="POST",
            path="/api/saved_objects/_import",
            handle=lambda call: _import(saved_objects, call),
            raw=IMPORT_BYTES,
        ),
    ]


def _export(saved_objects: SavedObjects, call: Call) -> Reply:
    objects = saved_objects.export(call.by, wanted_of(_checked(call.mapping)))
    lines = [json.dumps(each, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for each in objects]
    return Reply(
        content="\n".join(lines).encode("utf-8", "replace"),
        media="application/ndjson",
        headers=(("content-disposition", 'attachment; filename="export.ndjson"'),),
    )


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    for name, value in body.items():
        kinds = _BODY.get(name)
        if kinds is None:
            raise BadRequest(f"[request body.{name}]: definition for this key is missing")
        if not isinstance(value, kinds):
            found = _NAMES.get(type(value), "number")
            raise BadRequest(f"[request body.{name}]: expected value of type [{_NAMES[kinds[0]]}] but got [{found}]")
    for place, each in enumerate(body.get("objects", [])):
        for name in ("type", "id"):
            if not isinstance(each, dict) or not isinstance(each.get(name), str):
                raise BadRequest(
                    f"[request body.objects.{place}.{name}]: expected value of type [string] but got [undefined]"
                )
    return body


def _import(saved_objects: SavedObjects, call: Call) -> Reply:
    flags = {name: _flag(call, name) for name in _FLAGS}
    if flags["overwrite"] and flags["createNewCopies"]:
        raise BadRequest("[request query]: cannot use [overwrite] with [createNewCopies]")
    if flags["createNewCopies"] and flags["compatibilityMode"]:
        raise BadRequest("[request query]: cannot use [createNewCopies] with [compatibilityMode]")
    file = parse_form(call.raw, call.headers).get("file")
    if file is None or file.filename is None:
        raise BadRequest("[request body.file]: expected value of type [Stream] but got [undefined]")
    ending = PurePosixPath(file.filename).suffix.lower()
    if ending != ".ndjson":
        raise BadRequest(f"Invalid file extension {ending}")
    return ok(
        saved_objects.import_(
            call.by, file.content, overwrite=flags["overwrite"], copies=flags["createNewCopies"]
        )
    )


def _flag(call: Call, name: str) -> bool:
    given = call.query.get(name, "false")
    if given not in ("true", "false"):
        raise BadRequest(f"[request query.{name}]: expected value of type [boolean] but got [string]")
    return given == "true"
