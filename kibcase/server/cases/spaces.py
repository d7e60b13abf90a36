"""Kibana spaces: each is a world of its own for cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.store import CaseStore
from kibcase.server.codec import UNDEFINED
from kibcase.server.errors import BadRequest, Conflict, NotFound

Json = dict[str, Any]
_DEFAULT: Json = {
    "id": "default",
    "name": "Default",
    "description": "This is your default space!",
    "color": "#00bfb3",
    "disabledFeatures": [],
    "_reserved": True,
}
_TEXTS = ("description", "initials", "color", "imageUrl", "solution")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Spaces:
    """The spaces of one server; ``default`` is always there."""

    store: CaseStore

    def __post_init__(self) -> None:
        with self.store.transaction() as db:
            db.execute("INSERT OR IGNORE INTO spaces VALUES ('default', ?)", (json.dumps(_DEFAULT),))

    def list(self) -> list[Json]:
        """List every space (``GET /api/spaces/space``)."""
        with self.store.transaction() as db:
            rows = db.execute("SELECT doc FROM spaces ORDER BY id").fetchall()
        return [json.loads(row["doc"]) for row in rows]

    def has(self, identifier: str) -> bool:
        """Tell whether a space exists."""
        if identifier == "default":
            return True
        with self.store.transaction() as db:
            return db.execute("SELECT 1 FROM spaces WHERE id = ?", (identifier,)).fetchone() is not None

    def get(self, identifier: str) -> Json:
        """Read a space; raises ``NotFound``."""
        with self.store.transaction() as db:
            row = db.execute("SELECT doc FROM spaces WHERE id = ?", (identifier,)).fetchone()
        if row is None:
            raise NotFound("Not Found")
        space: Json = json.loads(row["doc"])
        return space

    def create(self, body: Json) -> Json:
        """Create a space (``POST /api/spaces/space``); raises ``BadRequest`` or ``Conflict``."""
        space = _checked(body)
        with self.store.transaction() as db:
            if self.has(space["id"]):
                raise Conflict(f"A space with the identifier {space['id']} already exists.")
            db.execute("INSERT INTO spaces VALUES (?, ?)", (space["id"], json.dumps(space)))
        return space


def _checked(body: Json) -> Json:
    for name in body:
        if name not in ("id", "name", "disabledFeatures", "_reserved", *_TEXTS):
            raise BadRequest(f"[request body.{name}]: definition for this key is missing")
    for name in ("id", "name", *(name for name in _TEXTS if name in body)):
        value = body.get(name, UNDEFINED)
        if not isinstance(value, str):
            raise BadRequest(
                f"[request body.{name}]: expected value of type [string] but got [{_type_name(value)}]"
            )
        if len(value) > _LONGEST and name != "imageUrl":
            raise BadRequest(f"[request body.{name}]: value has length [{len(value)}] but it must have a maximum "
                             f"length of [{_LONGEST}].")
    if not body["id"] or not set(body["id"]) <= _LETTERS:
        raise BadRequest('[request body.id]: lower case, a-z, 0-9, "_", and "-" are allowed')
    if not body["name"]:
        raise BadRequest("[request body.name]: value has length [0] but it must have a minimum length of [1].")
    given = {name: body[name] for name in ("id", "name", *_TEXTS) if name in body}
    return given | {"disabledFeatures": body.get("disabledFeatures", [])}


def _type_name(value: Any) -> str:
    names = {type(None): "null", dict: "Object", list: "Array", bool: "boolean", int: "number", float: "number"}
    return names.get(type(value), "undefined")
