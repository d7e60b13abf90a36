"""Everything that can be wrong with the set-up of a Jira project, looked at without writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kibcase_connectors.errors import ConnectorError, Denied, NotFound, Refused, Unavailable
from kibcase_connectors.jira.checks_settings import (
    check_create_fields,
    check_filter,
    check_parent,
    check_resolution,
    check_severities,
    check_targets,
    check_transition_fields,
    check_values,
)
from kibcase_connectors.jira.checks_workflow import check_workflow
from kibcase_connectors.jira.config import JiraFilter
from kibcase_connectors.jira.findings import listed, note, ok, problem
from kibcase_connectors.jira.mapping import SUMMARY_LIMIT
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import NAMES, JiraStatus, ScreenField
from kibcase_connectors.jira.workflow import names
from kibcase_connectors.model import (
    ASSIGNEE,
    COMMENTS,
    CREATE,
    FIELDS,
    FILES,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    STATUSES,
    TAGS,
    Finding,
)

_EDIT = "EDIT_ISSUES"
# New tickets get a link to their case, which needs the right to link, and their mark again should it be taken away.
_RIGHTS = {
    CREATE: ("CREATE_ISSUES", _EDIT, "LINK_ISSUES"), STATUS: ("TRANSITION_ISSUES",),
    COMMENTS: ("ADD_COMMENTS", "EDIT_OWN_COMMENTS"), ASSIGNEE: (_EDIT, "ASSIGN_ISSUES"),
    FILES: ("CREATE_ATTACHMENTS",),
}
_FILLED = frozenset({"project", "issuetype", "summary", "description", "labels", "priority"})


def check(site: Site, accepts: JiraFilter) -> list[Finding]:
    """Give findings, the account first; without an account nothing else is looked at.

    Raises ``Unavailable`` if Jira cannot be asked at all.
    """
    try:
        me = site.client.myself(again=True)
    except Denied as denied:
        return [problem("account", str(denied))]
    zone = f", time zone {me.time_zone}" if me.time_zone else ""
    found = [ok("account", f"{me.name} ({me.id}){zone}")]
    for subject, look in (*_LOOKS, ("tickets", lambda site: check_filter(site, accepts))):
        try:
            found += look(site)
        except Unavailable:
            raise
        except ConnectorError as error:
            found.append(problem(subject, str(error)))
            if subject == "project":
                # Whatever is asked about a project that cannot be seen fails in the same way.
                break
    return found


def _server(site: Site) -> Iterator[Finding]:
    said = site.client.server()
    kind = "cloud" if said.get("deploymentType") == "Cloud" else "datacenter"
    yield ok("server", f"Jira {said.get('version', 'of unknown version')}, {kind}, REST API v{site.config.rest}")
    if site.client.deployment != kind:
        yield problem("server", f"deployment is configured as {site.client.deployment}, but this Jira is {kind}")
    if site.config.url.startswith("http://"):
        yield note("server", "the connection is not encrypted; anybody on the way can read the credentials")
    if site.config.verify is False:
        yield note("server", "the TLS certificate is not checked")


def _project(site: Site) -> Iterator[Finding]:
    said = site.client.project(site.config.project)
    yield ok("project", f"{said.get('key', site.config.project)}: {said.get('name', '')}")
    if said.get("projectTypeKey") == "service_desk":
        seen = "hidden from" if site.config.internal_comments else "visible to"
        yield note("project", f"a Jira Service Management project; kibcase's comments are {seen} the customer")


def _rights(site: Site) -> Iterator[Finding]:
    needed = _needed(site)
    have = site.client.permissions(site.config.project, needed)
    lacking = [name for name, granted in have.items() if not granted]
    if lacking:
        yield problem("permissions", f"the account lacks {', '.join(lacking)} in project {site.config.project}")
    else:
        yield ok("permissions", ", ".join(needed))


def _needed(site: Site) -> list[str]:
    """Give the rights for what the link rule writes here, reading first."""
    carried = [part for part in (*sorted(site.fields), COMMENTS, FILES) if site.context.wants(part)]
    written = filter(site.context.writes, (CREATE, *carried))
    rights = [right for part in written for right in _RIGHTS.get(part, (_EDIT,))]
    return list(dict.fromkeys(["BROWSE_PROJECTS", *rights]))


def _screen(site: Site) -> Iterator[Finding]:
    if not site.context.writes(CREATE):
        # Jira shows the create screen, and in it the types of issues, to those only who may create some.
        yield from _priorities(site, None)
        return
    types = site.client.issue_types(site.config.project)
    asked = site.config.issue_type
    wanted = next((name for name in types if asked.casefold() == name.casefold() or asked == types[name]), None)
    if wanted is None:
        yield problem("issue type", f"{asked!r} is not in the project; it has {listed(types)}")
        return
    yield ok("issue type", wanted)
    screen = {shown.id: shown for shown in site.client.create_screen(site.config.project, types[wanted])}
    yield from _required(site, screen)
    yield from _missing(site, screen)
    yield from _priorities(site, screen.get(NAMES[SEVERITY]))
    yield from _relations(site, screen, types[wanted])
    yield from check_create_fields(site.config.create_fields, screen)
    yield from check_values(site, screen)


def _required(site: Site, screen: dict[str, ScreenField]) -> Iterator[Finding]:
    layout = site.layout()
    carried = {layout.names[name] for name in layout.names if name not in FIELDS}
    ours = _FILLED | site.config.create_fields.keys() | {"reporter"} | ({"parent"} if site.config.parent else set())
    lacking = [s for s in screen.values() if s.required and not s.has_default and s.id not in ours]
    for shown in lacking:
        values = f", one of: {listed(names(shown))}" if shown.allowed else ""
        told = f"{shown.name} ({shown.id}){values}; give it in create_fields"
        if shown.id in carried:
            yield note("create screen", f"new tickets require {told}, or be sure that every case has it")
        else:
            yield problem("create screen", f"new tickets require {told}")
    if not lacking:
        yield ok("create screen", "kibcase fills every required field")


def _missing(site: Site, screen: dict[str, ScreenField]) -> Iterator[Finding]:
    if NAMES[TAGS] not in screen:
        yield problem("labels", "the field Labels is not on the create screen; kibcase marks its tickets with it")
    names_of = site.layout().names
    for field in sorted(site.fields - {TAGS, "status"}):
        if field in names_of and names_of[field] not in screen:
            way = _WAYS.get(field, "add it, or leave the field out")
            yield problem(field, f"the field {names_of[field]} is not on the create screen; {way}")


_WAYS = {
    SEVERITY: "leave priorities empty or add the field",
    ASSIGNEE: "add it and let the account assign issues, or leave the assignee out of the link rule",
}


def _relations(site: Site, screen: dict[str, ScreenField], type_id: str) -> Iterator[Finding]:
    config = site.config
    named = [key for key in (config.parent, *(link.issue for link in config.issue_links)) if key]
    for key in dict.fromkeys(named):
        try:
            site.client.exists(key)
        except (NotFound, Refused) as gone:
            yield problem("links", f"issue {key}: {gone.said}")
            continue
        if key == config.parent and "parent" in screen:
            yield from check_parent(site, type_id)
    if config.parent and "parent" not in screen:
        yield problem("parent", f"new tickets of type {config.issue_type} cannot have a parent; leave parent out")
    if config.issue_links:
        yield from _link_types(site, on_screen="issuelinks" in screen)


def _link_types(site: Site, *, on_screen: bool) -> Iterator[Finding]:
    if not on_screen:
        yield problem("links", "the field Linked Issues is not on the create screen; add it or leave issue_links out")
    known = site.client.link_types()
    folded = {name.casefold() for name in known}
    for link in site.config.issue_links:
        if link.type.casefold() not in folded:
            yield problem("links", f"there is no type of links {link.type!r}; there is {listed(known)}")


def _priorities(site: Site, shown: ScreenField | None) -> Iterator[Finding]:
    if not site.config.priorities:
        return
    known = _choices(shown) if shown is not None and shown.allowed else site.client.priorities()
    folded = {name.casefold() for name in (*known, *known.values())}
    for severity, priority in site.config.priorities.items():
        if priority.casefold() not in folded:
            yield problem("priorities", f"{severity}: there is no priority {priority!r}; there is {listed(known)}")
    meant = {name.casefold(): severity for severity, name in site.config.priorities.items()}
    meant |= {name.casefold(): severity for name, severity in site.config.severities.items()}
    severities = {name: meant.get(name.casefold(), meant.get(number)) for name, number in known.items()}
    yield ok("priorities", listed([f"{name} is {means}" for name, means in severities.items() if means]))
    for name in (name for name, means in severities.items() if not means):
        yield note("priorities", f"{name} means no severity; name it in severities")
    yield from check_severities(site, known)


def _choices(shown: ScreenField) -> dict[str, str]:
    return {str(value.get("name") or ""): str(value.get("id") or "") for value in shown.allowed}


def _statuses(site: Site) -> Iterator[Finding]:
    by_type = site.client.statuses(site.config.project)
    every = dict.fromkeys(status for group in by_type.values() for status in group)
    # Where no tickets are made, those of any type take part.
    found = _of_type(site, by_type) if site.context.writes(CREATE) else tuple(every)
    if not found and site.context.writes(CREATE) and _is_type(site):
        yield problem("statuses", f"Jira tells this account no statuses of {_type_name(site)} in the project")
    meanings = {status: site.meaning(status) for status in found}
    for status, meaning in meanings.items():
        text = f"{status.name} means {meaning}"
        yield ok("statuses", text) if meaning else problem(
            "statuses", f"{status.name} (category {status.category}) means nothing; name it in statuses"
        )
    for lacking in (status for status in STATUSES if found and status not in meanings.values()):
        # Many a workflow has nothing between its first and its last status; one without these is misread.
        tell = note if lacking == "in-progress" or not site.context.wants(STATUS) else problem
        yield tell("statuses", f"no status of the project means {lacking}; cases with it cannot be followed")
    yield from _names(site, {status.name.casefold() for status in every})
    if site.context.writes(STATUS):
        yield from check_targets(site, every)


def _of_type(site: Site, by_type: Mapping[str, tuple[JiraStatus, ...]]) -> tuple[JiraStatus, ...]:
    wanted = _type_name(site).casefold()
    return next((statuses for name, statuses in by_type.items() if name.casefold() == wanted), ())


def _is_type(site: Site) -> bool:
    return _type_name(site).casefold() in {name.casefold() for name in site.client.issue_types(site.config.project)}


def _names(site: Site, known: set[str]) -> Iterator[Finding]:
    for name in site.config.statuses:
        if name.casefold() not in known:
            yield problem("statuses", f"the configuration names {name!r}, which the project does not have")


def _type_name(site: Site) -> str:
    asked = site.config.issue_type
    if not asked.isdecimal():
        return asked
    types = site.client.issue_types(site.config.project)
    return next((name for name, number in types.items() if number == asked), asked)


def _lengths(site: Site) -> Iterator[Finding]:
    texts = f"texts {site.config.text_limit:,} (text_limit)"
    yield ok("lengths", f"title {SUMMARY_LIMIT}, {texts}, labels 255 characters; longer ones are cut")


def _attachments(site: Site) -> Iterator[Finding]:
    if not site.context.wants(FILES):
        return
    enabled, limit = site.client.attachment_settings()
    if enabled:
        yield ok("attachments", f"on, {limit:,} bytes at most" if limit else "on")
    elif not site.context.writes(FILES):
        yield note("attachments", "switched off in this Jira; there are none to copy")
    else:
        yield problem("attachments", "switched off in this Jira; leave files out of the link rule")


def _custom(site: Site) -> Iterator[Finding]:
    layout = site.layout(again=True)
    for name, why in layout.problems.items():
        yield problem(name, why)
    for name, kind in layout.kinds.items():
        yield ok(name, f"{layout.names[name]}, {kind}")
    if OBSERVABLES in layout.names:
        yield ok(OBSERVABLES, f"{layout.names[OBSERVABLES]}, one per line")


def _people(site: Site) -> Iterator[Finding]:
    known = 0
    for handle in site.context.people.accounts(site.name):
        try:
            account = site.client.user(handle)
        except (NotFound, Refused) as unknown:
            yield problem("people", f"the account {handle!r}: {unknown.said}")
            continue
        known += 1
        if not account.active:
            yield problem("people", f"the account {handle!r} ({account.name}) is not active")
    if known:
        yield ok("people", f"{known} accounts of the table of people are known to Jira")
    if ASSIGNEE in site.fields and site.client.cloud:
        yield note("people", "Jira Cloud hides most e-mail addresses; name the accounts of assignees under people")


_LOOKS: tuple[tuple[str, Callable[[Site], Iterator[Finding]]], ...] = (
    ("server", _server), ("project", _project), ("permissions", _rights), ("issue type", _screen),
    ("statuses", _statuses), ("workflow", check_workflow), ("resolution", check_resolution),
    ("transition_fields", check_transition_fields), ("lengths", _lengths), ("attachments", _attachments),
    ("custom", _custom), ("people", _people),
)
