"""What a check says of the values in the settings: those of new records, of the filter, of severities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kibcase_connectors.model import SEVERITY, Finding
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.columns import TEXTS, CustomColumn
from kibcase_connectors.servicenow.config import ServiceNowFilter
from kibcase_connectors.servicenow.findings import listed, note, problem
from kibcase_connectors.servicenow.mapping import expected_priority, severity_columns
from kibcase_connectors.servicenow.people import is_sys_id
from kibcase_connectors.servicenow.rest import IDS
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.wire import ColumnInfo

_CHECKED = frozenset({"boolean", "integer", "longint", "decimal", "float", *TEXTS})
_PROBE = 50
_NEEDED = ("number", "state", "short_description", "correlation_id", "correlation_display")


def own_columns(site: Site, known: Mapping[str, ColumnInfo]) -> Iterator[Finding]:
    """Look whether the columns of the customer's own hold texts, and how long they may be."""
    config = site.config
    for key in ("tags_column", "url_column", "observables_column"):
        info = known.get(getattr(config, key) or "")
        if info is not None and info.kind and (info.kind not in TEXTS or info.refers_to or info.chosen):
            yield problem("columns", f"{info.name} ({key}) is of the type {info.kind}; it must hold any text")
    for name, length in config.lengths.items():
        told = known[name].length if name in known else None
        if told is not None and length > told:
            yield note("lengths", f"{name} holds {told:,} characters by sys_dictionary, and lengths says {length:,}")


def creation(site: Site, known: Mapping[str, ColumnInfo]) -> Iterator[Finding]:
    """Look whether the columns of new records can hold what ``create_fields`` gives them."""
    for name, text in site.config.create_fields.items():
        if name in known and text:
            yield from _value(site, known[name], text)


def _value(site: Site, info: ColumnInfo, text: str) -> Iterator[Finding]:
    if info.refers_to:
        yield from _reference(site, info, text)
        return
    choices = site.client.choices(site.table, info.name) if info.chosen else {}
    if choices and text not in choices:
        yield problem("create_fields", f"{info.name} has no choice {text[:80]!r}; it has {listed(choices)}")
    if info.chosen or info.kind not in _CHECKED:
        return
    try:
        CustomColumn(name=info.name, info=info).stored(text)
    except ValueError as unfit:
        yield problem("create_fields", f"{info.name}: {unfit}")


def _reference(site: Site, info: ColumnInfo, text: str) -> Iterator[Finding]:
    if not is_sys_id(text):
        yield problem("create_fields", f"{info.name} takes the sys_id of a row of {info.refers_to}, not {text[:80]!r}")
        return
    rows = site.client.few(
        f"looking for a row of {info.refers_to}", info.refers_to, query.equal("sys_id", text), ("sys_id",), limit=2
    )
    if text not in (wire.text(row, "sys_id") for row in rows):
        yield problem("create_fields", f"{info.refers_to} has no row {text} that the account sees ({info.name})")


def filters(site: Site, accepts: ServiceNowFilter) -> Iterator[Finding]:
    """Look whether there is what the filter of records names."""
    groups = query.listable(accepts.assignment_groups)
    seen: set[str] = set()
    for start in range(0, len(groups), IDS):
        asked = query.any_of("name", groups[start : start + IDS])
        rows = site.client.few("looking groups up", "sys_user_group", asked, ("name",), limit=10 * IDS)
        seen |= {wire.text(row, "name").casefold() for row in rows}
    if lacking := [name for name in accepts.assignment_groups if name.casefold() not in seen]:
        yield problem("filter", f"sys_user_group has no {listed(lacking)} that the account sees")
    known = site.client.choices(site.table, "category") if accepts.categories else {}
    values = {value.casefold() for value in known}
    if known and (odd := [name for name in accepts.categories if name.casefold() not in values]):
        yield problem("filter", f"category has no choice {listed(odd)}; it has {listed(known)}")


def severities(site: Site) -> Iterator[Finding]:
    """Look whether a severity that is written would be read back as itself, by the base system's rules."""
    given = site.config.levels if site.table == "incident" else site.config.priorities
    known = site.client.choices(site.table, "priority")
    for severity in given if SEVERITY in site.fields and site.context.writes(SEVERITY) else ():
        priority = expected_priority(severity_columns(severity, site.config))
        meant = site.config.severities.get(priority)
        if meant is None and priority in known:
            yield problem("severity", f"{severity} is written so that the priority is {priority}, which means nothing")
        elif meant not in {None, severity}:
            yield note("severity", f"{severity} is written so that the priority is {priority}, which means {meant}")


def hidden(site: Site, known: Mapping[str, ColumnInfo]) -> Iterator[Finding]:
    """Look whether columns that sync lives by are emptied by an access control before they come here."""
    columns = (*_NEEDED, *(name for name in site.own_columns if name in known))
    what = f"looking at the columns of {site.table}"
    rows = site.client.few(what, site.table, "ORDERBYDESCsys_updated_on", ("sys_id", *columns), limit=_PROBE)
    newest = query.any_of("sys_id", [wire.text(row, "sys_id") for row in rows])
    for column in columns if rows else ():
        if any(wire.text(row, column) for row in rows):
            continue
        # A condition on what is hidden is met all the same, or left out; one on what is empty is not met.
        asked = query.both(newest, f"{column}ISNOTEMPTY")
        full = site.client.few(what, site.table, asked, ("sys_id", column), limit=_PROBE)
        if full and not any(wire.text(row, column) for row in full):
            yield problem("columns", f"{column} comes back empty from every record; let the account read the column")
