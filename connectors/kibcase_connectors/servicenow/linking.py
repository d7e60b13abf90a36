"""Observables of security incidents: rows of Threat Intelligence that are linked to the record.

``sn_ti_m2m_task_observable`` links tasks to rows of ``sn_ti_observable``. Elastic's app writes both in one request, for
the types that Kibana gives it; the others, and all without it, are written row by row. They are read from the tables
either way: the app only writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, Denied, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.model import OBSERVABLES, Json
from kibcase_connectors.observables import HASHES, element, identity, parts
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.observables import APP, HASH, NAMES, kinds
from kibcase_connectors.servicenow.site import LINKS, Site
from kibcase_connectors.servicenow.wire import Record

_ROWS: Final = "sn_ti_observable"
KINDS: Final = "sn_ti_observable_type"
"""The table of the types of observables."""

_LINKED = ("sys_id", "task", "observable", "observable.value", "observable.type.name", "sys_created_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One observable of a record: the link's id and stamp, and the element, "" for a type that is not carried."""

    sys_id: str
    created: str
    element: str


def links(site: Site, key: str) -> tuple[Link, ...]:
    """Read the observables of a record, first linked first. Raises ``Denied`` if they are hidden from us."""
    what = "reading observables"
    walk = site.walk(what, LINKS, query.equal("task", key), "sys_created_on", _LINKED)
    try:
        rows = {wire.text(row, "sys_id"): row for row in walk.rows()}
    except (Refused, NotFound) as refused:
        raise hidden(site, what, refused.said) from refused
    if any(wire.text(row, "task") != key for row in rows.values()):
        raise hidden(site, what, f"ServiceNow takes no notice of the condition on {LINKS}.task")
    if not rows and walk.total:
        raise hidden(site, what, f"{walk.total} of them are hidden from the account")
    if any(wire.text(row, "observable") and not wire.text(row, "observable.value") for row in rows.values()):
        raise hidden(site, what, f"the rows of {_ROWS} are hidden from the account")
    names = kinds(site.config)
    found = [
        Link(sys_id=key, created=wire.text(row, "sys_created_on"), element=_element(row, names))
        for key, row in rows.items()
    ]
    return tuple(sorted(found, key=lambda link: link.created))


def _element(row: Mapping[str, object], names: Mapping[str, str]) -> str:
    kind = names.get(wire.text(row, "observable.type.name").casefold())
    value = wire.text(row, "observable.value")
    return element(kind, value) if kind and value.strip() else ""


def hidden(site: Site, what: str, said: str) -> Denied:
    """Give the error for observables that the account cannot read."""
    advice = f"Let the account read {LINKS}, {_ROWS} and {KINDS} (role sn_ti.read), or set observables: off."
    return Denied(site.name, what, said=said, advice=advice)


def listed(found: Iterable[Link]) -> list[Json]:
    """Give the elements of links, each once; sorted, as links of one second have no order of their own."""
    return _sorted(link.element for link in found if link.element)


def _sorted(elements: Iterable[str]) -> list[Json]:
    ordered: list[Json] = []
    ordered += sorted(set(elements))
    return ordered


def change(
    site: Site, record: Record, add: Sequence[str], remove: Sequence[str], announce: Announce
) -> list[Json]:
    """Link observables to a record and unlink others; gives those that it has then.

    What is linked already is not linked again. Several requests may be needed: after the first of them every
    failure is ``OutcomeUnknown``.
    """
    before = links(site, record.sys_id)
    held = {identity(link.element): link for link in before if link.element}
    new = {identity(item): item for item in add if identity(item) not in held}
    gone = [link for link in before if link.element and identity(link.element) in set(map(identity, remove))]
    kept = (link.element for link in before if link.element and link not in gone)
    after = _sorted((*kept, *new.values()))
    if new or gone:
        writes = _Writes(site, record, announce, after)
        try:
            writes.add(list(new.values()))
            writes.unlink(gone)
        except ConnectorError as error:
            if not writes.sent:
                raise
            raise _partly(site, record, error) from error
    return after


def _partly(site: Site, record: Record, error: ConnectorError) -> OutcomeUnknown:
    return OutcomeUnknown(
        site.name, f"changing the observables of {record.number}", said=f"some were stored, then: {error}",
        field=OBSERVABLES,
    )


def _key(item: str) -> str:
    """Give the kind of an observable, of hashes the algorithm."""
    kind, value = parts(item)
    return HASHES.get(len(value), "") if kind == HASH else kind


class _Writes:
    """The requests that change the observables of one record; ``sent`` tells whether one was carried out."""

    def __init__(self, site: Site, record: Record, announce: Announce, after: list[Json]) -> None:
        self._site = site
        self._record = record
        self._announce = announce
        self._after = after
        self.sent = False

    def add(self, items: Sequence[str]) -> None:
        """Link observables: in one request through the app those that it is known to take, the others row by row."""
        known = {item: APP[_key(item)] for item in items if _key(item) in APP} if self._site.learnt.app else {}
        if known:
            self._give(known)
        for item in items:
            if item not in known:
                self._link(item)

    def _give(self, items: Mapping[str, str]) -> None:
        body = [{"value": parts(item)[1], "type": name} for item, name in items.items()]
        self._announced()
        stored = self._site.client.observe(self._record, body)
        self.sent = bool(stored)
        if lost := [one["value"] for one in body if one["value"] not in stored]:
            raise self._refused(f"Elastic's app did not take {', '.join(lost)[:200]}")

    def unlink(self, gone: Iterable[Link]) -> None:
        """Delete links; the observables themselves stay."""
        for link in gone:
            self._announced()
            self._site.client.remove(f"removing an observable of {self._record.number}", LINKS, link.sys_id)
            self.sent = True

    def _announced(self) -> None:
        self._announce({OBSERVABLES: self._after})

    def _link(self, item: str) -> None:
        site, what = self._site, f"adding an observable to {self._record.number}"
        value, kind = parts(item)[1], self._kind(self._name(item))
        row = self._known(value, kind)
        if not row:
            self._announced()
            row = site.client.insert(what, _ROWS, {"value": value, "type": kind})
            self.sent = True
        self._announced()
        site.client.insert(what, LINKS, {"task": self._record.sys_id, "observable": row})
        self.sent = True

    def _name(self, item: str) -> str:
        found = {**self._site.config.observable_types}.get(parts(item)[0]) or NAMES.get(_key(item))
        if found is None:
            raise self._refused(f"the type of {item[:80]!r} is not known to the instance")
        return found

    def _kind(self, name: str) -> str:
        known = self._site.learnt.references
        if (KINDS, name) not in known:
            rows = self._rows(KINDS, query.equal("name", name), ("sys_id", "name"))
            hits = [row for row in rows if wire.text(row, "name").casefold() == name.casefold()]
            if not hits:
                raise self._refused(f"{KINDS} has no {name!r} that the account sees")
            known[KINDS, name] = wire.text(hits[0], "sys_id")
        return known[KINDS, name]

    def _known(self, value: str, kind: str) -> str:
        """Give the id of the row for an observable, "" if there is none."""
        try:
            asked = query.both(query.equal("value", value), query.equal("type", kind), "ORDERBYsys_created_on")
        except ValueError as error:
            raise self._refused(str(error)) from error
        for row in self._rows(_ROWS, asked, ("sys_id", "value", "type")):
            if wire.text(row, "value") == value and wire.text(row, "type") == kind:
                return wire.text(row, "sys_id")
        return ""

    def _rows(self, table: str, asked: str, fields: tuple[str, ...]) -> list[Mapping[str, object]]:
        return self._site.client.few(f"looking an observable up in {table}", table, asked, fields, limit=100)

    def _refused(self, said: str) -> Refused:
        return Refused(
            self._site.name, f"adding an observable to {self._record.number}", said=said, field=OBSERVABLES,
            advice="Name the type in observable_types, or let the account read Threat Intelligence (sn_ti.read).",
        )
