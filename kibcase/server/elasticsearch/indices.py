"""Concrete indices and their aliases: creating, finding, resolving expressions."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kibcase.server.database import Database
from kibcase.server.elasticsearch import glob
from kibcase.server.elasticsearch.dates import millis
from kibcase.server.elasticsearch.errors import ElasticsearchError, illegal_argument, index_not_found
from kibcase.server.elasticsearch.mapping import ALERT_TYPES, given_types, is_alert_index
from kibcase.server.elasticsearch.tables import Index, encode, storable

_ALERT_ALIAS = re.compile(r"\.(preview\.)?alerts-(.+)\.alerts-([^*?\s]+)")
_ALERT_INDEX = re.compile(r"\.internal(\.(?:preview\.)?alerts-.+\.alerts-.+)-\d{6}")
_FORBIDDEN = frozenset('\\/*?"<>| ,#:')


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """One alias on one index; ``options`` as Elasticsearch shows them (``is_write_index``, ``is_hidden``)."""

    name: str
    index: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasAction:
    """One action of an ``_aliases`` request: ``kind`` is add, remove or remove_index; names are comma lists."""

    kind: str
    index: str
    alias: str
    options: dict[str, Any]
    must_exist: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """How an index expression is resolved: ``ignore_unavailable``, ``allow_no_indices``, ``expand_wildcards``."""

    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    hidden: bool = False


STRICT = Expansion()


class Indices:
    """The indices of one state. Every method is one transaction and raises ``ElasticsearchError``."""

    def __init__(self, database: Database, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def find(self, name: str) -> Index | None:
        """Give the concrete index of this very name."""
        if not storable(name):
            return None
        with self._database.transaction() as db:
            row = db.execute("SELECT * FROM alerts_indices WHERE name = ?", (name,)).fetchone()
        return None if row is None else _index(row)

    def aliases(self) -> list[Alias]:
        """List every alias, by name and index."""
        with self._database.transaction() as db:
            rows = db.execute("SELECT * FROM alerts_aliases ORDER BY alias, index_name").fetchall()
        return [Alias(name=row["alias"], index=row["index_name"], options=json.loads(row["options"])) for row in rows]

    def aliases_of(self, index: str) -> dict[str, dict[str, Any]]:
        """Give the aliases of one concrete index, name -> options."""
        return {alias.name: alias.options for alias in self.aliases() if alias.index == index}

    def resolve(self, expression: str, how: Expansion = STRICT) -> list[Index]:
        """Find the concrete indices of ``a,b*,-c``; empty, ``_all`` and ``*`` mean all that are not hidden."""
        with self._database.transaction():
            chosen: dict[str, None] = {}
            for part in (expression or "_all").split(","):
                if part.startswith("-") and chosen:
                    for name in self._expand(part[1:], how):
                        chosen.pop(name, None)
                else:
                    chosen |= dict.fromkeys(self._expand("*" if part == "_all" else part, how))
            if not chosen and not how.allow_no_indices:
                raise index_not_found(expression)
            found = [self.find(name) for name in sorted(chosen)]
        return [index for index in found if index is not None]

    def single(self, name: str) -> Index:
        """Find the one index that a single-document request means; an alias of several is refused."""
        found = self.resolve(name)
        if not found:
            raise index_not_found(name)
        if len(found) > 1:
            names = ", ".join(index.name for index in found)
            raise illegal_argument(
                f"alias [{name}] has more than one index associated with it [{names}], can't execute a single index op"
            )
        return found[0]

    def for_writing(self, name: str) -> Index:
        """Find the index that a write to ``name`` goes to; one that does not exist is created.

        Writing to ``.alerts-<context>.alerts-<space>`` creates ``.internal.alerts-…-000001`` behind that alias.
        """
        with self._database.transaction():
            behind = [alias for alias in self.aliases() if alias.name == name]
            if not behind:
                return self.find(name) or self.create(_concrete(name))
            writable = [alias for alias in behind if alias.options.get("is_write_index")] or behind
            found = self.find(writable[0].index)
            if len(writable) != 1 or found is None:
                raise illegal_argument(
                    f"no write index is defined for alias [{name}]. The write index may be explicitly disabled using "
                    "is_write_index=false or the alias points to multiple indices without one being designated as a "
                    "write index"
                )
            return found

    def create(self, name: str, body: dict[str, Any] | None = None) -> Index:
        """Create an index; ``body`` may hold ``settings``, ``mappings`` and ``aliases``."""
        body = {key: _mapping(key, value) for key, value in (body or {}).items()}
        unknown = body.keys() - {"settings", "mappings", "aliases"}
        if unknown:
            raise ElasticsearchError(400, "parse_exception", f"unknown key [{min(unknown)[:64]}] for create index")
        with self._database.transaction() as db:
            self._check_name(name)
            index = self._new(name, body)
            db.execute(
                "INSERT INTO alerts_indices VALUES (?, ?, ?, ?, ?, ?)",
                (name, index.uuid, index.created, 0, encode(index.settings), encode(index.types)),
            )
            for alias, options in body.get("aliases", {}).items():
                self.put_alias(name, alias, _mapping(alias, options))
            self._join_alerts(name)
        return index

    def delete(self, expression: str) -> None:
        """Delete indices by their own names; wildcards and aliases are refused."""
        with self._database.transaction() as db:
            for name in expression.split(","):
                if glob.is_pattern(name) or name == "_all":
                    raise illegal_argument("Wildcard expressions or all indices are not allowed")
                if self.find(name) is None:
                    if any(alias.name == name for alias in self.aliases()):
                        raise illegal_argument(
                            f"The provided expression [{name}] matches an alias, specify the corresponding concrete "
                            "indices instead."
                        )
                    raise index_not_found(name)
                db.execute("DELETE FROM alerts_indices WHERE name = ?", (name,))

    def put_alias(self, expression: str, alias: str, options: dict[str, Any] | None = None) -> None:
        """Put an alias on the indices of an expression."""
        unknown = (options or {}).keys() - {"is_write_index", "is_hidden"}
        if unknown:
            raise illegal_argument(f"Unknown field [{min(unknown)[:64]}] in alias [{alias[:128]}]")
        with self._database.transaction() as db:
            if _trouble(alias):
                raise ElasticsearchError(
                    400, "invalid_alias_name_exception", f"Invalid alias name [{alias[:255]}], {_trouble(alias)}"
                )
            if self.find(alias) is not None:
                raise ElasticsearchError(
                    400, "invalid_alias_name_exception",
                    f"Invalid alias name [{alias}]: an index or data stream exists with the same name as the alias",
                )
            for index in self.resolve(expression, Expansion(allow_no_indices=False)):
                db.execute(
                    "INSERT OR REPLACE INTO alerts_aliases VALUES (?, ?, ?)", (alias, index.name, encode(options or {}))
                )

    def remove_alias(self, expression: str, alias: str, *, must_exist: bool = True) -> None:
        """Take an alias (wildcards allowed) off the indices of an expression."""
        with self._database.transaction() as db:
            names = {index.name for index in self.resolve(expression)}
            gone = [each for each in self.aliases() if each.index in names and glob.matches(alias, each.name)]
            if not gone and must_exist:
                raise ElasticsearchError(404, "aliases_not_found_exception", f"aliases [{alias[:128]}] missing")
            for each in gone:
                db.execute("DELETE FROM alerts_aliases WHERE alias = ? AND index_name = ?", (each.name, each.index))

    def change_aliases(self, actions: list[AliasAction]) -> None:
        """Carry out the actions of one ``_aliases`` request, all or none."""
        with self._database.transaction():
            for action in actions:
                self._act(action)

    def save(self, index: Index) -> None:
        """Store what grew with the index's documents: sequence number and field types."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE alerts_indices SET next_seq_no = ?, types = ? WHERE name = ?",
                (index.next_seq_no, encode(index.types), index.name),
            )

    def _act(self, action: AliasAction) -> None:
        if action.kind == "remove_index":
            self.delete(action.index)
            return
        for alias in action.alias.split(","):
            if action.kind == "add":
                self.put_alias(action.index, alias, action.options)
            else:
                self.remove_alias(action.index, alias, must_exist=action.must_exist)

    def _expand(self, part: str, how: Expansion) -> Iterable[str]:
        aliases = self.aliases()
        if not glob.is_pattern(part):
            if self.find(part) is not None:
                return [part]
            behind = [alias.index for alias in aliases if alias.name == part]
            if not behind and not how.ignore_unavailable:
                raise index_not_found(part)
            return behind
        with self._database.transaction() as db:
            rows = db.execute("SELECT name, settings FROM alerts_indices").fetchall()
        names = [(row["name"], row["name"], json.loads(row["settings"]).get("hidden")) for row in rows]
        names += [(alias.name, alias.index, alias.options.get("is_hidden")) for alias in aliases]
        return [index for name, index, hidden in names if glob.matches(part, name) and _seen(part, name, hidden, how)]

    def _check_name(self, name: str) -> None:
        existing = self.find(name)
        if existing is not None:
            raise ElasticsearchError(
                400, "resource_already_exists_exception", f"index [{name}/{existing.uuid}] already exists",
                index_uuid=existing.uuid, index=name,
            )
        trouble = _trouble(name)
        if any(alias.name == name for alias in self.aliases()):
            trouble = "already exists as alias"
        if trouble:
            shown = name.encode("utf-8", "replace").decode()[:255]
            raise ElasticsearchError(
                400, "invalid_index_name_exception", f"Invalid index name [{shown}], {trouble}",
                index_uuid="_na_", index=shown,
            )

    def _new(self, name: str, body: dict[str, Any]) -> Index:
        settings = body.get("settings", {})
        settings = _mapping("index", settings.get("index")) | {
            key.removeprefix("index."): value for key, value in settings.items() if key != "index"
        }
        alerts = is_alert_index(name)
        settings["hidden"] = str(settings.get("hidden", alerts)).lower() == "true"
        types = given_types(body.get("mappings", {}).get("properties"))
        return Index(
            name=name, uuid=self._new_id(), created=millis(self._clock()), next_seq_no=0, settings=settings,
            types={**ALERT_TYPES, **types} if alerts else types,
        )

    def _join_alerts(self, name: str) -> None:
        found = _ALERT_INDEX.fullmatch(name)
        if found is None or found[1] in self.aliases_of(name):
            return
        first = all(alias.name != found[1] for alias in self.aliases())
        self.put_alias(name, found[1], {"is_write_index": first, "is_hidden": True})


def _index(row: sqlite3.Row) -> Index:
    return Index(
        name=row["name"], uuid=row["uuid"], created=row["created"], next_seq_no=row["next_seq_no"],
        settings=json.loads(row["settings"]), types=json.loads(row["types"]),
    )


def _mapping(name: str, given: Any) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise ElasticsearchError(400, "parse_exception", f"key [{name[:64]}] must be an object")
    return given or {}


def _concrete(name: str) -> str:
    return f".internal{name}-000001" if _ALERT_ALIAS.fullmatch(name) else name


def _seen(pattern: str, name: str, hidden: object, how: Expansion) -> bool:
    return not hidden or how.hidden or (pattern.startswith(".") and name.startswith("."))


def _trouble(name: str) -> str | None:
    if name in ("", ".", ".."):
        return "must not be empty, '.' or '..'"
    if name[0] in "_-+":
        return "must not start with '_', '-', or '+'"
    if name != name.lower():
        return "must be lowercase"
    if not _FORBIDDEN.isdisjoint(name):
        listed = ",".join(f"'{char}'" for char in sorted(_FORBIDDEN - {"#", ":"}))
        return f"must not contain '#', ':' or the following characters [{listed}]"
    length = len(name.encode("utf-8", "surrogatepass"))
    if length > 255:
        return f"index name is too long, ({length} > 255)"
    return None if storable(name) else "must be valid UTF-8"
