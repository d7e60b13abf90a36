"""Everything that can be wrong with the set-up of an organisation, looked at without writing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from kibcase_connectors.errors import ConnectorError, Denied, Refused, Unavailable
from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FILES, OBSERVABLES, SEVERITY, STATUS, Finding, Json
from kibcase_connectors.resilient import checks_parts
from kibcase_connectors.resilient.config import ResilientFilter
from kibcase_connectors.resilient.findings import listed, note, offered, ok, problem
from kibcase_connectors.resilient.moving import closing_values
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.values import value_of
from kibcase_connectors.resilient.wire import FieldDef, Incident

_FILLED = frozenset({"name", "description", "discovered_date", "workspace"})
_NEW = "new incidents require"
_READING: Mapping[str, str] = {OBSERVABLES: "list_artifacts", FILES: "read_attachments"}
# Everything else is a field. The mark and the link of a new incident are written later, too.
_WRITING: Mapping[str, str] = {
    CREATE: "write", COMMENTS: "comment", STATUS: "close", ASSIGNEE: "assign", OBSERVABLES: "create_artifacts",
    FILES: "attach_file",
}
_SAMPLE = 5

Look = Callable[[Site, ResilientFilter], Iterator[Finding]]


def check(site: Site, accepts: ResilientFilter) -> list[Finding]:
    """Give findings, the account first; without an account nothing else is looked at.

    Raises ``Unavailable`` if the platform cannot be asked at all.
    """
    try:
        org = site.client.org(again=True)
        site.client.fields(again=True)
    except Denied as denied:
        return [problem("account", str(denied))]
    who = f"user {org.user}" if org.user else "API key"
    found = [ok("account", f"{who} with principal {org.handle}, organisation {org.name} ({org.id})")]
    for subject, look in _LOOKS:
        try:
            found += look(site, accepts)
        except Unavailable:
            raise
        except ConnectorError as error:
            found.append(problem(subject, str(error)))
    return found


def _server(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    yield ok("server", f"QRadar SOAR {site.client.server_version()}, times in UTC")
    if site.client.offset:
        seconds = round(abs(site.client.offset.total_seconds()))
        way = "behind" if site.client.offset.total_seconds() > 0 else "ahead of"
        yield note("server", f"its clock is {seconds} seconds {way} this machine's; times are corrected")
    if site.config.url.startswith("http://"):
        yield note("server", "the connection is not encrypted; anybody on the way can read the credentials")
    if site.config.verify is False:
        yield note("server", "the TLS certificate is not checked")


def _rights(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    newest = _newest(site)
    if not newest:
        yield note("permissions", "no incident is visible to the account, so its permissions cannot be told")
        return
    needed = _needed(site)
    lacking = [name for name in needed if newest[0].perms.get(name) is False]
    if lacking:
        yield problem("permissions", f"the account may not {', '.join(lacking)} on incident {newest[0].key}")
    else:
        yield ok("permissions", ", ".join(needed))
    if site.context.writes(CREATE):
        yield note("permissions", "whether the account may create incidents shows only when it does")
    yield from _note_dates(site, newest)


def _needed(site: Site) -> list[str]:
    """Give the permissions for what the link rule carries and for what it writes here, reading first."""
    carried = [part for part in (*sorted(site.fields), COMMENTS, FILES) if site.context.wants(part)]
    reading = [_READING[part] for part in carried if part in _READING]
    writing = [_WRITING.get(part, "write") for part in (CREATE, *carried) if site.context.writes(part)]
    return list(dict.fromkeys(["read", *reading, *writing]))


def _newest(site: Site) -> Sequence[Incident]:
    page = site.client.query(
        "looking at incidents", [("id", "gt", 0)], sort="inc_last_modified_date", length=_SAMPLE, descending=True
    )
    return page.incidents


def _note_dates(site: Site, newest: Sequence[Incident]) -> Iterator[Finding]:
    late = [incident.key for incident in newest if _later(site, incident) > incident.modified]
    if late and site.config.notes_per_cycle == 0:
        yield problem(
            "notes", f"a note, artifact or file did not change the last modification of incident {late[0]}, so "
            "notes_per_cycle must not be 0: new ones would be seen by the daily full look only",
        )


def _later(site: Site, incident: Incident) -> int:
    children = site.children(incident.key)
    times = [one.modified for one in children.notes] + [one.modified for one in children.artifacts]
    return max([*times, *(one.created or 0 for one in children.files)], default=0)


def _marks(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    if not site.context.writes(CREATE):
        return
    if site.config.mark_field is None:
        yield note("mark_field", "marks stand in the names of incidents; whoever edits a name can lose one")
        return
    try:
        site.mark_def()
    except Refused as lacking:
        yield problem("mark_field", str(lacking))
    else:
        yield ok("mark_field", f"{site.config.mark_field} is a custom text field")


def _uses(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    config = site.config
    for key, name, kinds in (
        ("link_field", config.link_field, ("text", "textarea")),
        ("tags_field", config.tags_field, ("text", "multiselect")),
        ("status_field", config.status_field, ("select",)),
    ):
        if name is not None and (key != "link_field" or site.context.writes(CREATE)):
            yield _use(site, key, name, kinds)
    tags = site.client.fields().get(config.tags_field or "")
    if tags is not None and tags.many:
        yield from offered("tag_values", tags, config.tag_values)
        if not config.tag_values:
            yield problem("tag_values", f"{tags.name} is a multiselect; name the labels that take part in tag_values")
    states = site.client.fields().get(config.status_field or "")
    if states is not None:
        meant = {label.casefold(): status for label, status in config.statuses.items()}
        yield _meanings("statuses", states, meant)
        yield from offered("statuses", states, tuple(config.statuses))
        yield from _unnamed("statuses", states, set(meant), "status")
    if config.status_field is None:
        yield ok("statuses", "an active incident is open or in-progress, a closed one is closed")


def _use(site: Site, key: str, name: str, kinds: Sequence[str]) -> Finding:
    found = site.client.fields().get(name)
    if found is None:
        return problem(key, f"there is no field {name}")
    if found.input_type not in kinds:
        return problem(key, f"{name} is of the type {found.input_type}; it must be {' or '.join(kinds)}")
    return ok(key, f"{name} ({found.text})")


def _severities(site: Site, accepts: ResilientFilter) -> Iterator[Finding]:
    config = site.config
    found = site.field_def("severity_code")
    if site.context.writes(SEVERITY):
        yield from offered("severity_labels", found, tuple(config.severity_labels.values()))
    if config.severity_labels:
        meant = {label.casefold(): severity for severity, label in config.severity_labels.items()}
        meant |= {label.casefold(): severity for label, severity in config.severities.items()}
        yield _meanings("severity_labels", found, meant)
        yield from _unnamed("severities", found, set(meant), "severity")
    yield from offered("filter", found, accepts.severities)
    types = site.field_def("incident_type_ids")
    if site.context.writes(CREATE):
        yield from offered("incident_types", types, config.incident_types)
    yield from offered("filter", types, accepts.incident_types)


def _meanings(key: str, found: FieldDef, meant: Mapping[str, str]) -> Finding:
    known = ((label, meant.get(label.casefold())) for label in found.labels)
    return ok(key, listed([f"{label} is {meaning}" for label, meaning in known if meaning]))


def _unnamed(key: str, found: FieldDef, named: set[str], noun: str) -> Iterator[Finding]:
    for label in found.labels:
        if label.casefold() not in named:
            yield note(key, f"{label} means no {noun}; name it in {key}")


def _creation(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    if not site.context.writes(CREATE):
        return
    given: Mapping[str, Json] = site.config.create_fields
    types = {"incident_type_ids"} if site.config.incident_types else set()
    severity = {"severity_code"} if site.config.severity_labels else set()
    config = site.config
    ours: set[str | None] = {*_FILLED, *given, *types, *severity, config.mark_field}
    yield from _required(site, "always", _NEW, {*ours, config.tags_field, config.link_field}, "create_fields")
    tags, link = (site.client.fields().get(name or "") for name in (config.tags_field, config.link_field))
    if tags is not None and tags.required == "always":
        yield note("tags_field", f"{_NEW} {tags.text} ({tags.name}): cases without tags get none")
    if link is not None and link.required == "always":
        yield problem("link_field", f"{_NEW} {link.text} ({link.name}), which kibcase writes later; make it optional")
    yield from _values(site, "create_fields", given)


def _closing(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    if not site.context.writes(STATUS):
        return
    given = closing_values(site)
    yield from _required(site, "close", "closing requires", set(given), "close_fields")
    needed = {found.name for found in site.client.fields().values() if found.required == "close"}
    named = set(site.config.close_fields)
    yield from _values(site, "closing", {name: value for name, value in given.items() if name in needed | named})


def _required(site: Site, when: str, what: str, ours: Collection[str | None], key: str) -> Iterator[Finding]:
    required = [found for found in site.client.fields().values() if found.required == when]
    lacking = [found for found in required if found.name not in ours]
    for found in lacking:
        values = f", one of: {listed(found.labels)}" if found.labels else ""
        yield problem(key, f"{what} {found.text} ({found.name}){values}; give it in {key}")
    if not lacking:
        yield ok(key, f"{what} {', '.join(found.name for found in required) or 'nothing'}; kibcase fills it")


def _values(site: Site, key: str, given: Mapping[str, Json]) -> Iterator[Finding]:
    for name, value in given.items():
        found = site.client.fields().get(name)
        if found is None:
            yield problem(key, f"there is no field {name}")
            continue
        try:
            value_of(found, value)
        except ValueError as unknown:
            yield problem(key, str(unknown))


_LOOKS: tuple[tuple[str, Look], ...] = (
    ("server", _server), ("permissions", _rights), ("mark_field", _marks), ("fields", _uses),
    ("severity_labels", _severities), ("create_fields", _creation), ("close_fields", _closing),
    ("people", checks_parts.people), ("artifact_types", checks_parts.artifact_types),
    ("files", checks_parts.attachments), ("custom", checks_parts.custom), ("newsfeed", checks_parts.newsfeed),
    ("lengths", checks_parts.lengths),
)
