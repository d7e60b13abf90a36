"""Everything that can be wrong with the set-up of a ServiceNow table, looked at without writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from kibcase_connectors.errors import ConnectorError, Denied, NotFound, Refused, Unavailable
from kibcase_connectors.model import SEVERITY, STATUSES, Finding
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.creating import reference
from kibcase_connectors.servicenow.failures import Cancelled
from kibcase_connectors.servicenow.mapping import meanings, order, targets
from kibcase_connectors.servicenow.site import JOURNAL, JOURNAL_COLUMNS, Site
from kibcase_connectors.servicenow.wire import Page

_UTC = frozenset({"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Zulu", "Universal", "Greenwich"})
_FILLED = frozenset({"short_description", "description", "correlation_id", "correlation_display"})
_ROLES = {
    "incident": ("itil", "sn_incident_write"), "sn_si_incident": ("sn_si.analyst", "sn_si.basic", "sn_si.admin"),
}
_PROBE = 50


def check(site: Site) -> list[Finding]:
    """Give findings, the account first; without an account nothing else is looked at.

    Raises ``Unavailable`` if the instance cannot be asked at all.
    """
    try:
        found = list(_account(site))
    except Denied as denied:
        return [_problem("account", str(denied))]
    for subject, look in _LOOKS:
        try:
            found += look(site)
        except Unavailable:
            raise
        except ConnectorError as error:
            found.append(_problem(subject, str(error)))
            if subject == "table":
                # Whatever is asked about a table that cannot be seen fails in the same way.
                break
    return found


def _ok(subject: str, text: str) -> Finding:
    return Finding(level="ok", subject=subject, text=text)


def _note(subject: str, text: str) -> Finding:
    return Finding(level="note", subject=subject, text=text)


def _problem(subject: str, text: str) -> Finding:
    return Finding(level="problem", subject=subject, text=text)


def _account(site: Site) -> Iterator[Finding]:
    name = site.config.own_name
    me = site.client.users([name]).get(name)
    if me is None:
        yield _problem("account", f"there is no user {name!r} to be seen in sys_user")
        return
    yield _ok("account", f"{wire.text(me, 'name')} ({name})")
    zone = wire.text(me, "time_zone")
    if not site.reads_utc():
        shown = zone or "the instance's default"
        yield _problem("time zone", f"times in queries are read in {shown}; set the account's time zone to GMT")
    elif zone in _UTC:
        yield _ok("time zone", zone)
    else:
        shown = zone or "none of its own"
        yield _note("time zone", f"{shown}; times are read as UTC nevertheless, but set it to GMT to be sure")
    if wire.text(me, "web_service_access_only") != "true":
        yield _note("account", "it may also log in in a browser; better: Web service access only")
    yield from _roles(site, wire.text(me, "sys_id"))


def _roles(site: Site, sys_id: str) -> Iterator[Finding]:
    asked = query.both(query.equal("user", sys_id), "ORDERBYrole.name")
    try:
        rows = site.client.few("reading roles", "sys_user_has_role", asked, ("user", "role.name"), limit=500)
    except (Refused, NotFound):
        rows = []
    names = sorted({wire.text(row, "role.name") for row in rows if wire.text(row, "user") == sys_id} - {""})
    if not names:
        yield _note("roles", "the account may not look at its own roles; whether it may write shows at the first write")
        return
    wanted, shown = _ROLES[site.table], _listed(names)
    fit = {"admin", *wanted}.intersection(names)
    yield _ok("roles", shown) if fit else _note("roles", f"{shown}; none of them is {' or '.join(wanted)}")
    if "admin" in names:
        yield _note("roles", "the account is an administrator, which sync does not need")


def _server(site: Site) -> Iterator[Finding]:
    if site.config.url.startswith("http://"):
        yield _note("server", "the connection is not encrypted; anybody on the way can read the credentials")
    if site.config.verify is False:
        yield _note("server", "the TLS certificate is not checked")


def _table(site: Site) -> Iterator[Finding]:
    site.confirm()
    page = _probed(site, site.table, "ORDERBYDESCsys_updated_on", ("sys_id", "correlation_id", "sys_mod_count"))
    total = "an unknown number of" if page.total is None else f"{page.total:,}"
    yield _ok("table", f"{site.table}: {total} records, of the newest {_PROBE} the account sees {len(page.rows)}")
    if page.rows and "correlation_id" not in page.rows[0]:
        yield _problem("correlation_id", "the column is not to be seen; kibcase marks its records in it")


def _probed(site: Site, table: str, asked: str, fields: tuple[str, ...]) -> Page:
    what = f"looking at the table {table}"
    try:
        return site.client.page(what, table, asked, fields, limit=_PROBE)
    except Cancelled as cancelled:
        raise site.client.hopeless(what, cancelled.said) from cancelled


def _journal(site: Site) -> Iterator[Finding]:
    if site.config.journal == "off":
        yield _note("journal", "left alone (journal: off); comments are not synced")
        return
    asked = query.both(query.any_of("name", (site.table, "task")), query.any_of("element", JOURNAL_COLUMNS))
    page = _probed(site, JOURNAL, asked, ("sys_id", "element", "value"))
    if page.total and not page.rows:
        yield _problem("journal", f"{JOURNAL} is closed to the account: {page.total:,} entries, none to be seen")
        return
    seen = "the caller sees them" if site.config.journal == "comments" else "internal"
    level = _note if site.config.journal == "comments" else _ok
    yield level("journal", f"readable; comments are written to {site.config.journal} ({seen})")


def _columns(site: Site) -> Iterator[Finding]:
    known = site.client.columns(site.table)
    if not known:
        yield _note("columns", "sys_dictionary shows nothing; lengths of a base system are assumed, give lengths")
        return
    config = site.config
    named = {
        **dict.fromkeys(config.create_fields, "create_fields"), **dict.fromkeys(config.lengths, "lengths"),
        **{column: "tags_column" for column in [config.tags_column] if column},
        **{column: "url_column" for column in [config.url_column] if column},
    }
    for column, key in named.items():
        if column not in known:
            yield _problem("columns", f"{site.table} has no column {column} ({key}); ServiceNow would drop it silently")
        elif known[column].read_only and key != "lengths":
            yield _problem("columns", f"{column} ({key}) is read-only")
    yield from _required(site, known)
    lengths = {
        name: config.lengths.get(name, info.length) for name, info in known.items()
        if info.length is not None and name in ("short_description", "description", config.journal, config.tags_column)
    }
    yield _ok("lengths", ", ".join(f"{name} {length:,}" for name, length in lengths.items()))


def _required(site: Site, known: Mapping[str, wire.ColumnInfo]) -> Iterator[Finding]:
    filled = {*_FILLED, *site.config.create_fields, "impact", "urgency", "priority", "state"}
    filled |= {"assignment_group"} if site.config.assignment_group else set()
    filled |= {"caller_id"} if site.config.caller else set()
    lacking = [info for name, info in known.items() if info.mandatory and not info.has_default and name not in filled]
    for info in lacking:
        yield _problem("required", f"new records require {info.label} ({info.name}); give it in create_fields")
    policies = _policies(site)
    if policies is None:
        yield _note("required", "data policies cannot be read; what they require shows when it is refused")
        return
    closing = {"close_code", "close_notes", "hold_reason"} if site.config.close_code else {"close_notes"}
    for column in sorted(policies - filled - closing):
        yield _note("required", f"a data policy may require {column}; see create_fields, close_code and hold_reason")
    if not lacking:
        yield _ok("required", "kibcase fills every required column")


def _policies(site: Site) -> set[str] | None:
    asked = query.both(
        query.any_of("sys_data_policy.model_table", (site.table, "task")), "sys_data_policy.active=true",
        "mandatory=true",
    )
    fields = ("field", "mandatory", "sys_data_policy.model_table")
    try:
        rows = site.client.few("reading data policies", "sys_data_policy_rule", asked, fields, limit=500)
    except (Refused, NotFound):
        return None
    mine = [row for row in rows if wire.text(row, "sys_data_policy.model_table") in (site.table, "task")]
    return {wire.text(row, "field") for row in mine} - {""}


def _states(site: Site) -> Iterator[Finding]:
    known = site.client.choices(site.table, "state")
    meant = meanings(site.config)
    if not known:
        yield _note("states", "sys_choice shows no states; those of a base system are assumed")
        return
    texts = [f"{label} ({value}) {meant[value]}" for value, label in known.items() if value in meant]
    yield _ok("states", ", ".join(texts))
    for value, label in known.items():
        if value not in meant:
            yield _problem("states", f"{label} ({value}) means nothing; name it in states")
    wanted = targets(site.config)
    for status in STATUSES:
        if wanted[status] not in known:
            yield _problem("states", f"there is no state {wanted[status]!r} to set for {status}; name one in targets")
        elif meant.get(wanted[status]) != status:
            yield _problem("states", f"the state to set for {status}, {wanted[status]}, does not mean it")
    for value in order(site.config):
        if value not in known:
            yield _note("states", f"order names {value!r}, which the table does not have")
    yield from _closing(site, wanted)


def _closing(site: Site, wanted: Mapping[str, str]) -> Iterator[Finding]:
    codes, code = site.client.choices(site.table, "close_code"), site.config.close_code
    if code is None:
        yield _problem("close_code", f"none is configured, and closing usually requires one of: {_listed(codes)}")
    elif codes and code not in codes:
        yield _problem("close_code", f"there is no {code!r}; there is {_listed(codes)}")
    else:
        yield _ok("close_code", code)
    if site.table != "incident" or wanted["in-progress"] != "3":
        return
    reasons, reason = site.client.choices(site.table, "hold_reason"), site.config.hold_reason
    if reason is None or (reasons and reason not in reasons):
        shown = _listed(f"{value} ({label})" for value, label in reasons.items())
        yield _problem("hold_reason", f"On Hold usually requires one of: {shown}")


def _severities(site: Site) -> Iterator[Finding]:
    if SEVERITY not in site.fields:
        yield _note("severity", "takes no part (levels or priorities is empty)")
        return
    config = site.config
    pairs = {"impact": {pair[0] for pair in config.levels.values()}, "urgency": {p[1] for p in config.levels.values()}}
    used = pairs if site.table == "incident" else {"priority": set(config.priorities.values())}
    for column, values in used.items():
        known = site.client.choices(site.table, column)
        for value in sorted(values - known.keys()) if known else ():
            yield _problem("severity", f"{column} has no choice {value!r}; it has {_listed(known)}")
    priorities = site.client.choices(site.table, "priority")
    for value, label in priorities.items():
        if value not in config.severities:
            yield _note("severity", f"priority {label} ({value}) means no severity; name it in severities")
    yield _ok("severity", ", ".join(f"{priorities.get(v, v)} is {s}" for v, s in config.severities.items()))


def _references(site: Site) -> Iterator[Finding]:
    config = site.config
    for key, table, column, name in (
        ("assignment_group", "sys_user_group", "name", config.assignment_group),
        ("caller", "sys_user", "user_name", config.caller),
    ):
        if name is not None:
            reference(site, table, column, name)
            yield _ok(key, name)


def _listed(values: Iterable[str]) -> str:
    texts = [str(value) for value in values]
    shown = ", ".join(texts[:20])
    return f"{shown}, ..." if len(texts) > 20 else shown or "none"


_LOOKS: tuple[tuple[str, Callable[[Site], Iterator[Finding]]], ...] = (
    ("server", _server), ("table", _table), ("journal", _journal), ("columns", _columns), ("states", _states),
    ("severity", _severities), ("references", _references),
)
