"""What a check says of people, custom fields, observables and attachments; and how findings are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, Finding
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.columns import CustomColumn, Unusable, resolved
from kibcase_connectors.servicenow.files import EXTENSIONS, MAX_SIZE, limits
from kibcase_connectors.servicenow.linking import KINDS
from kibcase_connectors.servicenow.observables import NAMES
from kibcase_connectors.servicenow.people import is_sys_id
from kibcase_connectors.servicenow.rest import ATTACHMENT, IDS
from kibcase_connectors.servicenow.site import LINKS, Site

_PROBE = 50


def ok(subject: str, text: str) -> Finding:
    """Say that something works."""
    return Finding(level="ok", subject=subject, text=text)


def note(subject: str, text: str) -> Finding:
    """Say that something works, but is worth knowing."""
    return Finding(level="note", subject=subject, text=text)


def problem(subject: str, text: str) -> Finding:
    """Say that something will not work."""
    return Finding(level="problem", subject=subject, text=text)


def listed(values: Iterable[str]) -> str:
    """Give values as one bounded text."""
    texts = [str(value) for value in values]
    shown = ", ".join(texts[:20])
    return f"{shown}, ..." if len(texts) > 20 else shown or "none"


def people(site: Site) -> Iterator[Finding]:
    """Look whether the accounts in the table of people are there, and active."""
    accounts = site.context.people.accounts(site.name)
    if ASSIGNEE not in site.fields or not accounts:
        return
    active: set[str] = set()
    names = query.listable(one for one in accounts if not is_sys_id(one))
    for column, chosen in (("sys_id", filter(is_sys_id, accounts)), ("user_name", names)):
        wanted = sorted(set(chosen))
        for start in range(0, len(wanted), IDS):
            asked = query.both(query.any_of(column, wanted[start : start + IDS]), "active=true")
            rows = site.client.few("looking accounts up", "sys_user", asked, (column, "active"), limit=2 * IDS)
            active |= {wire.text(row, column).casefold() for row in rows if wire.text(row, "active") == "true"}
    lacking = [account for account in accounts if account.casefold() not in active]
    if lacking:
        yield problem("people", f"sys_user has no active account {listed(lacking)}; correct the table of people")
    else:
        yield ok("people", f"{len(accounts)} accounts are named, and all are active")


def custom(site: Site) -> Iterator[Finding]:
    """Look whether the columns of custom fields are there, can be written, and what they take."""
    wanted = {name: one.field for name, one in site.config.custom.items() if site.context.wants(name)}
    for name, found in resolved(site.client, site.table, wanted).items() if wanted else ():
        if isinstance(found, Unusable):
            yield problem("custom", f"{name}: {found.why}")
        elif found.info.read_only and site.context.writes(name):
            yield problem("custom", f"{name}: {found.info.name} is read-only")
        else:
            yield from _column(site, name, found)


def _column(site: Site, name: str, found: CustomColumn) -> Iterator[Finding]:
    values = {**site.config.custom}[name].values
    unknown = [value for value in values if value not in found.labels.values()] if found.labels else []
    if unknown:
        shown = listed(found.labels.values())
        yield problem("custom", f"{name}: {found.info.name} has no choice {listed(unknown)}; it has {shown}")
        return
    takes = f"one of {listed(found.labels.values())}" if found.labels else found.info.kind
    if found.info.refers_to:
        takes = f"the name of a record of {found.info.refers_to}"
    yield ok("custom", f"{name} is kept in {found.info.name} ({takes})")


def observables(site: Site) -> Iterator[Finding]:
    """Look how observables are written, and whether they can be read."""
    if site.config.observables_column is not None:
        yield ok("observables", f"kept in the column {site.config.observables_column}")
    site.look_for_observables()
    if not site.learnt.linked:
        yield problem("observables", f"neither Elastic's app nor {LINKS} is to be seen; set observables: off")
    if not site.links_observables:
        return
    writes = site.context.writes(OBSERVABLES)
    if writes and site.config.observables == "app" and not site.learnt.app:
        yield problem("observables", "Elastic's app for Security Incident Response does not answer (observables: app)")
    fields = ("sys_id", "observable", "observable.value")
    try:
        page = site.client.page("looking for observables", LINKS, "ORDERBYDESCsys_created_on", fields, limit=_PROBE)
    except (Refused, NotFound) as refused:
        yield problem("observables", str(refused))
        return
    blind = page.total and not page.rows
    if blind or any(wire.text(row, "observable") and not wire.text(row, "observable.value") for row in page.rows):
        yield problem("observables", "they are there, but hidden from the account; give it the role sn_ti.read")
        return
    if not writes:
        yield ok("observables", "readable; none is written")
        return
    yield from _types(site)
    way = "through Elastic's app" if site.learnt.app else "into the tables"
    yield ok("observables", f"readable; written {way}")


def _types(site: Site) -> Iterator[Finding]:
    """Look whether the instance has the types of observables that kibcase names, and shows them."""
    named = site.config.observable_types
    wanted = sorted({*NAMES.values(), *query.listable(named.values())})
    asked = query.any_of("name", wanted)
    rows = site.client.few("looking for types of observables", KINDS, asked, ("name",), limit=500)
    there = {wire.text(row, "name").casefold() for row in rows}
    if not there.intersection(name.casefold() for name in wanted):
        yield problem("observables", f"{KINDS} shows none of the usual types; give the account the role sn_ti.read")
        return
    if lacking := [f"{name} ({kind})" for kind, name in named.items() if name.casefold() not in there]:
        yield problem("observables", f"{KINDS} has no {listed(lacking)}; correct observable_types")
    if lacking := [name for name in NAMES.values() if name.casefold() not in there]:
        yield note("observables", f"{KINDS} has no {listed(lacking)}; observables of these are refused")


def attached(site: Site) -> Iterator[Finding]:
    """Look whether attachments can be listed, and which the instance takes."""
    if not site.holds_files:
        return
    asked = query.both(query.equal("table_name", site.table), "ORDERBYDESCsys_created_on")
    fields = ("sys_id", "table_name")
    try:
        page = site.client.page("looking at attachments", ATTACHMENT, asked, fields, limit=_PROBE)
    except (Refused, NotFound) as refused:
        yield problem("attachments", str(refused))
        return
    if any(wire.text(row, "table_name") != site.table for row in page.rows):
        yield problem("attachments", "ServiceNow takes no notice of the condition on table_name")
        return
    limit, extensions = limits(site)
    if site.learnt.properties:
        size = "of any size" if limit is None else f"up to {limit:,} bytes"
        yield ok("attachments", f"{size}, {listed(sorted(extensions)) if extensions else 'all extensions'}")
    else:
        yield note("attachments", f"readable; {MAX_SIZE} and {EXTENSIONS} are not, so refusals tell what is too much")
