"""Kibana spaces: each is a world of its own for cases."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kibcase.server.cases.spaces_features import hidden_features
from kibcase.server.cases.spaces_schema import checked_space
from kibcase.server.cases.store import CaseStore
from kibcase.server.errors import BadRequest, Conflict, NotFound
from kibcase.server.stack import Stack

if TYPE_CHECKING:
    import sqlite3

Json = dict[str, Any]
_DEFAULT: Json = {
    "id": "default",
    "name": "Default",
    "description": "This is your default space!",
    "color": "#00bfb3",
    "disabledFeatures": [],
    "_reserved": True,
}
_KEPT = ("name", "description", "color", "initials", "imageUrl", "disabledFeatures", "solution")
_CLASSIC = (None, "classic")
# Kibana's xpack.spaces.maxSpaces by default.
_MOST = 1000
_TABLES = """
    SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND c.name = 'space'
"""


@dataclass(frozen=True, slots=True)
class Spaces:
    """The spaces of one server; ``default`` is always there."""

    store: CaseStore
    stack: Stack = field(default_factory=Stack)

    def __post_init__(self) -> None:
        self.restore()

    def restore(self) -> None:
        """Make the space ``default`` if it is not there."""
        with self.store.transaction() as db:
            db.execute("INSERT OR IGNORE INTO spaces VALUES ('default', ?)", (json.dumps(_DEFAULT),))

    def list(self) -> list[Json]:
        """List every space by name (``GET /api/spaces/space``)."""
        with self.store.transaction() as db:
            rows = db.execute("SELECT doc FROM spaces ORDER BY json_extract(doc, '$.name'), id LIMIT ?", (_MOST,))
            return [self._shown(json.loads(row["doc"])) for row in rows.fetchall()]

    def has(self, identifier: str) -> bool:
        """Tell whether a space exists."""
        return self._stored(identifier) is not None

    def disabled_features(self, identifier: str) -> frozenset[str] | None:
        """Give the features that a space hides, None if there is no such space."""
        space = self._stored(identifier)
        return None if space is None else frozenset(self._shown(space)["disabledFeatures"])

    def get(self, identifier: str) -> Json:
        """Read a space (``GET /api/spaces/space/{id}``); raises ``NotFound``."""
        return self._shown(self._existing(identifier))

    def create(self, body: Json) -> Json:
        """Create a space (``POST /api/spaces/space``); raises ``BadRequest`` or ``Conflict``."""
        given = checked_space(body)
        space = {"id": given["id"]} | {name: given[name] for name in _KEPT if name in given}
        space["name"] = space["name"].strip()
        with self.store.transaction() as db:
            if db.execute("SELECT count(*) AS n FROM spaces").fetchone()["n"] >= _MOST:
                raise BadRequest(
                    "Unable to create Space, this exceeds the maximum number of spaces set by the "
                    "xpack.spaces.maxSpaces setting"
                )
            if self.has(space["id"]):
                raise Conflict(f"A space with the identifier {space['id']} already exists.")
            db.execute("INSERT INTO spaces VALUES (?, ?)", (space["id"], json.dumps(space)))
        return self._shown(space)

    def update(self, identifier: str, body: Json) -> Json:
        """Change a space (``PUT /api/spaces/space/{id}``); raises ``BadRequest`` or ``NotFound``.

        What the body leaves out stays, but for ``disabledFeatures``, which is then empty. The id in the body counts
        for nothing. While the space has a solution view other than ``classic`` its own ``disabledFeatures`` stay.
        """
        given = checked_space(body)
        with self.store.transaction() as db:
            before = self._existing(identifier)
            after = before | {name: given[name] for name in _KEPT if name in given}
            if after["name"] != before["name"]:
                after["name"] = after["name"].strip()
            if self._keeps_features(before, after):
                after["disabledFeatures"] = before["disabledFeatures"]
            db.execute("UPDATE spaces SET doc = ? WHERE id = ?", (json.dumps(after), identifier))
        return self._shown(after)

    def delete(self, identifier: str) -> None:
        """Delete a space with all that is in it (``DELETE /api/spaces/space/{id}``).

        Alerts keep the ids of its cases, as they are no saved objects. Raises ``NotFound``, or ``BadRequest`` for a
        reserved space.
        """
        with self.store.transaction() as db:
            if self._existing(identifier).get("_reserved"):
                raise BadRequest(f"The {identifier} space cannot be deleted because it is reserved.")
            numbers = db.execute("SELECT number FROM cases WHERE space = ?", (identifier,)).fetchall()
            self.store.delete_cases(row["number"] for row in numbers)
            _empty(db, identifier)
            db.execute("DELETE FROM counters WHERE name = ?", (f"case {identifier}",))
            db.execute("DELETE FROM spaces WHERE id = ?", (identifier,))

    def _stored(self, identifier: str) -> Json | None:
        with self.store.transaction() as db:
            row = db.execute("SELECT doc FROM spaces WHERE id = ?", (identifier,)).fetchone()
        return None if row is None else json.loads(row["doc"])

    def _existing(self, identifier: str) -> Json:
        space = self._stored(identifier)
        if space is None:
            raise NotFound("Not Found")
        return space

    def _shown(self, space: Json) -> Json:
        return space | {
            "disabledFeatures": hidden_features(space["disabledFeatures"], space.get("solution"), self.stack)
        }

    def _keeps_features(self, before: Json, after: Json) -> bool:
        if after.get("solution") not in _CLASSIC:
            return True
        return before.get("solution") not in _CLASSIC and set(after["disabledFeatures"]) == set(
            self._shown(before)["disabledFeatures"]
        )


def _empty(db: sqlite3.Connection, space: str) -> None:
    # Every noun keeps its tables to itself; what belongs to a space has a column of that name.
    for row in db.execute(_TABLES).fetchall():
        db.execute(f'DELETE FROM "{row["name"]}" WHERE space = ?', (space,))  # noqa: S608
