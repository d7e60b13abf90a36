"""Everything that can be wrong with the set-up of a ServiceNow table, looked at without writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kibcase_connectors.errors import ConnectorError, Denied, NotFound, Refused, Unavailable
from kibcase_connectors.model import COMMENTS, CREATE, FILES, OBSERVABLES, SEVERITY, STATUS, STATUSES, TAGS, Finding
from kibcase_connectors.servicenow import checks_settings, query, wire
from kibcase_connectors.servicenow.config import ServiceNowFilter
from kibcase_connectors.servicenow.creating import reference
from kibcase_connectors.servicenow.failures import Cancelled
from kibcase_connectors.servicenow.findings import attached, custom, listed, note, observables, ok, people, problem
from kibcase_connectors.servicenow.mapping import meanings, order, targets
from kibcase_connectors.servicenow.site import JOURNAL, JOURNAL_COLUMNS, Site
from kibcase_connectors.servicenow.wire import Page

_UTC = frozenset({"UTC", "GMT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Zulu", "Universal", "Greenwich"})
_FILLED = frozenset({"short_description", "description", "correlation_id", "correlation_display"})
_ROLES = {
    "incident": ("itil", "sn_incident_write"), "sn_si_incident": ("sn_si.analyst", "sn_si.basic", "sn_si.admin"),
}
_PROBE = 50


def check(site: Site, accepts: ServiceNowFilter) -> list[Finding]:
    """Give findings, the account first; without an account nothing else is looked at.

    Raises ``Unavailable`` if the instance cannot be asked at all.
    """
    try:
        found = list(_account(site))
    except (Denied, Refused) as blind:
        return [problem("account", str(blind))]
    for subject, look in (*_LOOKS, ("filter", lambda site: checks_settings.filters(site, accepts))):
        try:
            found += look(site)
        except Unavailable:
            raise
        except ConnectorError as error:
            found.append(problem(subject, str(error)))
            if subject == "table":
                # Whatever is asked about a table that cannot be seen fails in the same way.
                break
    return found


def _account(site: Site) -> Iterator[Finding]:
    name = site.config.own_name
    me = site.client.users([name]).get(name)
    if me is None:
        yield problem("account", f"there is no user {name!r} to be seen in sys_user")
        return
    yield ok("account", f"{wire.text(me, 'name')} ({name})")
    login = site.config.username
    if login is not None and login.casefold() != name.casefold():
        yield note("account", f"it logs in as {login}; account must be the user name that writes are recorded under")
    subject = site.config.jwt_user
    if subject is not None and subject.casefold() not in {wire.text(me, "email").casefold(), name.casefold()}:
        yield note("account", f"jwt_user, {subject}, is neither its user name nor its e-mail address; is it this one?")
    zone = wire.text(me, "time_zone")
    if not site.reads_utc():
        shown = zone or "the instance's default"
        yield problem("time zone", f"times in queries are read in {shown}; set the account's time zone to GMT")
    elif zone in _UTC:
        yield ok("time zone", zone)
    else:
        shown = zone or "none of its own"
        yield note("time zone", f"{shown}; times are read as UTC nevertheless, but set it to GMT to be sure")
    if wire.text(me, "web_service_access_only") != "true":
        yield note("account", "it may also log in in a browser; better: Web service access only")
    yield from _roles(site, wire.text(me, "sys_id"))


def _roles(site: Site, sys_id: str) -> Iterator[Finding]:
    asked = query.both(query.equal("user", sys_id), "ORDERBYrole.name")
    try:
        rows = site.client.few("reading roles", "sys_user_has_role", asked, ("user", "role.name"), limit=500)
    except (Refused, NotFound):
        rows = []
    names = sorted({wire.text(row, "role.name") for row in rows if wire.text(row, "user") == sys_id} - {""})
    writes = any(map(site.context.writes, (CREATE, COMMENTS, FILES, *site.fields)))
    if not names:
        unknown = "whether it may write shows at the first write" if writes else "nothing is written here"
        yield note("roles", f"the account may not look at its own roles; {unknown}")
        return
    wanted, shown = _ROLES[site.table], listed(names)
    fit = {"admin", *wanted}.intersection(names) or not writes
    yield ok("roles", shown) if fit else note("roles", f"{shown}; none of them is {' or '.join(wanted)}")
    if "admin" in names:
        yield note("roles", "the account is an administrator, which sync does not need")


def _server(site: Site) -> Iterator[Finding]:
    if site.config.url.startswith("http://"):
        yield note("server", "the connection is not encrypted; anybody on the way can read the credentials")
    if site.config.verify is False:
        yield note("server", "the TLS certificate is not checked")


def _table(site: Site) -> Iterator[Finding]:
    site.confirm()
    page = _probed(site, site.table, "ORDERBYDESCsys_updated_on", ("sys_id", "correlation_id", "sys_mod_count"))
    total = "an unknown number of" if page.total is None else f"{page.total:,}"
    yield ok("table", f"{site.table}: {total} records, of the newest {_PROBE} the account sees {len(page.rows)}")
    if page.rows and "correlation_id" not in page.rows[0]:
        yield problem("correlation_id", "the column is not to be seen; kibcase marks its records in it")


def _probed(site: Site, table: str, asked: str, fields: tuple[str, ...]) -> Page:
    what = f"looking at the table {table}"
    try:
        return site.client.page(what, table, asked, fields, limit=_PROBE)
    except Cancelled as cancelled:
        raise site.client.hopeless(what, cancelled.said) from cancelled


def _journal(site: Site) -> Iterator[Finding]:
    if site.config.journal == "off" and site.context.writes(COMMENTS):
        yield problem("journal", "journal: off, but the link rule carries comments here; set comments: off in the rule")
        return
    if not site.reads_journal:
        why = "journal: off" if site.config.journal == "off" else "no link rule carries comments"
        yield note("journal", f"left alone ({why}); comments are not synced")
        return
    asked = query.both(query.any_of("name", (site.table, "task")), query.any_of("element", JOURNAL_COLUMNS))
    page = _probed(site, JOURNAL, asked, ("sys_id", "element", "value"))
    if page.total and not page.rows:
        yield problem("journal", f"{JOURNAL} is closed to the account: {page.total:,} entries, none to be seen")
        return
    seen = "the caller sees them" if site.config.journal == "comments" else "internal"
    level = note if site.config.journal == "comments" else ok
    yield level("journal", f"readable; comments are written to {site.config.journal} ({seen})")


def _columns(site: Site) -> Iterator[Finding]:
    known = site.client.columns(site.table)
    yield from checks_settings.hidden(site, known)
    if not known:
        yield note("columns", "sys_dictionary shows nothing; lengths of a base system are assumed, give lengths")
        return
    config = site.config
    yield from _named(site, known)
    yield from checks_settings.own_columns(site, known)
    if site.context.writes(CREATE):
        yield from checks_settings.creation(site, known)
        yield from _required(site, known)
    lengths = {
        name: config.lengths.get(name, info.length) for name, info in known.items()
        if info.length is not None and name in (
            "short_description", "description", config.journal, *site.own_columns
        )
    }
    yield ok("lengths", ", ".join(f"{name} {length:,}" for name, length in lengths.items()))


def _named(site: Site, known: Mapping[str, wire.ColumnInfo]) -> Iterator[Finding]:
    """Look whether the columns that settings name are there, and can be written if they are to be."""
    config = site.config
    named: list[tuple[str | None, str, str | None]] = [(column, "lengths", None) for column in config.lengths]
    named += [(config.tags_column, "tags_column", TAGS), (config.observables_column, "observables_column", OBSERVABLES)]
    if site.context.writes(CREATE):
        named += [(column, "create_fields", CREATE) for column in config.create_fields]
        named += [(config.url_column, "url_column", CREATE)]
    for column, (key, part) in {column: (key, part) for column, key, part in named if column}.items():
        if column not in known:
            yield problem("columns", f"{site.table} has no column {column} ({key}); ServiceNow would drop it silently")
        elif known[column].read_only and part is not None and site.context.writes(part):
            yield problem("columns", f"{column} ({key}) is read-only")


def _required(site: Site, known: Mapping[str, wire.ColumnInfo]) -> Iterator[Finding]:
    filled = {*_FILLED, *site.config.create_fields, "impact", "urgency", "priority", "state"}
    filled |= {"assignment_group"} if site.config.assignment_group else set()
    filled |= {"caller_id"} if site.config.caller else set()
    needed = [info for name, info in known.items() if info.mandatory and not info.has_default and name not in filled]
    lacking = [info for info in needed if info.name not in _carried(site)]
    for info in needed:
        told = f"new records require {info.label} ({info.name})"
        yield problem("required", f"{told}; give it in create_fields") if info in lacking else note(
            "required", f"{told}; what has none in its case is refused"
        )
    if not lacking:
        yield ok("required", "kibcase fills every required column")
    policies = _policies(site)
    if policies is None:
        yield note("required", "data policies cannot be read; what they require shows when it is refused")
        return
    closing = {"close_code", "close_notes", "hold_reason"} if site.config.close_code else {"close_notes"}
    for column in sorted(policies - filled - closing):
        yield note("required", f"a data policy may require {column}; see create_fields, close_code and hold_reason")


def _carried(site: Site) -> set[str]:
    """Give the columns that are filled from the case, and cannot be given in ``create_fields``."""
    own = {site.config.tags_column, site.config.observables_column}
    names = {one.field for name, one in site.config.custom.items() if site.context.wants(name)}
    return {name for name in own if name is not None} | names


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
        yield note("states", "sys_choice shows no states; those of a base system are assumed")
        return
    texts = [f"{label} ({value}) {meant[value]}" for value, label in known.items() if value in meant]
    yield ok("states", ", ".join(texts))
    for value, label in known.items():
        if value not in meant:
            yield problem("states", f"{label} ({value}) means nothing; name it in states")
    for value in site.config.states:
        if value not in known:
            yield problem("states", f"states names {value!r}, which the table does not have; it has {listed(known)}")
    for value in order(site.config):
        if value not in known:
            yield note("states", f"order names {value!r}, which the table does not have")
    if site.context.writes(STATUS):
        yield from _targets(site, known, meant)


def _targets(site: Site, known: Mapping[str, str], meant: Mapping[str, str]) -> Iterator[Finding]:
    wanted = targets(site.config)
    for status in STATUSES:
        if wanted[status] not in known:
            yield problem("states", f"there is no state {wanted[status]!r} to set for {status}; name one in targets")
        elif meant.get(wanted[status]) != status:
            yield problem("states", f"the state to set for {status}, {wanted[status]}, does not mean it")
    yield from _closing(site, wanted)


def _closing(site: Site, wanted: Mapping[str, str]) -> Iterator[Finding]:
    codes, code = site.client.choices(site.table, "close_code"), site.config.close_code
    if code is None:
        yield problem("close_code", f"none is configured, and closing usually requires one of: {listed(codes)}")
    elif codes and code not in codes:
        yield problem("close_code", f"there is no {code!r}; there is {listed(codes)}")
    else:
        yield ok("close_code", code)
    if site.table != "incident" or wanted["in-progress"] != "3":
        return
    reasons, reason = site.client.choices(site.table, "hold_reason"), site.config.hold_reason
    if reason is None or (reasons and reason not in reasons):
        shown = listed(f"{value} ({label})" for value, label in reasons.items())
        yield problem("hold_reason", f"On Hold usually requires one of: {shown}")


def _severities(site: Site) -> Iterator[Finding]:
    if SEVERITY not in site.fields:
        yield note("severity", "takes no part (levels or priorities is empty)")
        return
    config = site.config
    pairs = {"impact": {pair[0] for pair in config.levels.values()}, "urgency": {p[1] for p in config.levels.values()}}
    used = pairs if site.table == "incident" else {"priority": set(config.priorities.values())}
    for column, values in used.items() if site.context.writes(SEVERITY) else ():
        known = site.client.choices(site.table, column)
        for value in sorted(values - known.keys()) if known else ():
            yield problem("severity", f"{column} has no choice {value!r}; it has {listed(known)}")
    priorities = site.client.choices(site.table, "priority")
    for value, label in priorities.items():
        if value not in config.severities:
            yield note("severity", f"priority {label} ({value}) means no severity; name it in severities")
    yield from checks_settings.severities(site)
    yield ok("severity", ", ".join(f"{priorities.get(v, v)} is {s}" for v, s in config.severities.items()))


def _references(site: Site) -> Iterator[Finding]:
    config = site.config
    if not site.context.writes(CREATE):
        return
    for key, table, column, name in (
        ("assignment_group", "sys_user_group", "name", config.assignment_group),
        ("caller", "sys_user", "user_name", config.caller),
    ):
        if name is not None:
            try:
                reference(site, table, column, name)
            except Refused as refused:
                yield problem("references", str(refused))
            else:
                yield ok(key, name)


_LOOKS: tuple[tuple[str, Callable[[Site], Iterator[Finding]]], ...] = (
    ("server", _server), ("table", _table), ("journal", _journal), ("columns", _columns), ("states", _states),
    ("severity", _severities), ("references", _references), ("people", people), ("custom", custom),
    ("observables", observables), ("attachments", attached),
)
