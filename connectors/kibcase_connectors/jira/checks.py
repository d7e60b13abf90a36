"""Everything that can be wrong with the set-up of a Jira project, looked at without writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kibcase_connectors.errors import ConnectorError, Denied, Unavailable
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import NAMES, ScreenField
from kibcase_connectors.jira.workflow import names
from kibcase_connectors.model import SEVERITY, STATUSES, TAGS, Finding

_NEEDED = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS", "EDIT_OWN_COMMENTS",
)
_FILLED = frozenset({"project", "issuetype", "summary", "description", "labels", "priority"})


def check(site: Site) -> list[Finding]:
    """Give findings, the account first; without an account nothing else is looked at.

    Raises ``Unavailable`` if Jira cannot be asked at all.
    """
    try:
        me = site.client.myself(again=True)
    except Denied as denied:
        return [_problem("account", str(denied))]
    zone = f", time zone {me.time_zone}" if me.time_zone else ""
    found = [_ok("account", f"{me.name} ({me.id}){zone}")]
    for subject, look in _LOOKS:
        try:
            found += look(site)
        except Unavailable:
            raise
        except ConnectorError as error:
            found.append(_problem(subject, str(error)))
            if subject == "project":
                # Whatever is asked about a project that cannot be seen fails in the same way.
                break
    return found


def _ok(subject: str, text: str) -> Finding:
    return Finding(level="ok", subject=subject, text=text)


def _note(subject: str, text: str) -> Finding:
    return Finding(level="note", subject=subject, text=text)


def _problem(subject: str, text: str) -> Finding:
    return Finding(level="problem", subject=subject, text=text)


def _server(site: Site) -> Iterator[Finding]:
    said = site.client.server()
    kind = "cloud" if said.get("deploymentType") == "Cloud" else "datacenter"
    yield _ok("server", f"Jira {said.get('version', 'of unknown version')}, {kind}")
    if site.client.deployment != kind:
        yield _problem("server", f"deployment is configured as {site.client.deployment}, but this Jira is {kind}")
    if site.config.url.startswith("http://"):
        yield _note("server", "the connection is not encrypted; anybody on the way can read the credentials")
    if site.config.verify is False:
        yield _note("server", "the TLS certificate is not checked")


def _project(site: Site) -> Iterator[Finding]:
    said = site.client.project(site.config.project)
    yield _ok("project", f"{said.get('key', site.config.project)}: {said.get('name', '')}")
    if said.get("projectTypeKey") == "service_desk":
        seen = "hidden from" if site.config.internal_comments else "visible to"
        yield _note("project", f"a Jira Service Management project; kibcase's comments are {seen} the customer")


def _rights(site: Site) -> Iterator[Finding]:
    have = site.client.permissions(site.config.project, _NEEDED)
    lacking = [name for name, granted in have.items() if not granted]
    if lacking:
        yield _problem("permissions", f"the account lacks {', '.join(lacking)} in project {site.config.project}")
    else:
        yield _ok("permissions", ", ".join(_NEEDED))


def _screen(site: Site) -> Iterator[Finding]:
    types = site.client.issue_types(site.config.project)
    wanted = next((name for name in types if name.casefold() == site.config.issue_type.casefold()), None)
    if wanted is None:
        yield _problem("issue type", f"{site.config.issue_type!r} is not in the project; it has {_listed(types)}")
        return
    yield _ok("issue type", wanted)
    screen = {shown.id: shown for shown in site.client.create_screen(site.config.project, types[wanted])}
    yield from _required(site, screen)
    yield from _missing(site, screen)
    yield from _priorities(site, screen.get(NAMES[SEVERITY]))


def _required(site: Site, screen: dict[str, ScreenField]) -> Iterator[Finding]:
    ours = _FILLED | site.config.create_fields.keys() | {"reporter"}
    lacking = [s for s in screen.values() if s.required and not s.has_default and s.id not in ours]
    for shown in lacking:
        values = f", one of: {_listed(names(shown))}" if shown.allowed else ""
        yield _problem(
            "create screen", f"new tickets require {shown.name} ({shown.id}){values}; give it in create_fields"
        )
    if not lacking:
        yield _ok("create screen", "kibcase fills every required field")


def _missing(site: Site, screen: dict[str, ScreenField]) -> Iterator[Finding]:
    if NAMES[TAGS] not in screen:
        yield _problem("labels", "the field Labels is not on the create screen; kibcase marks its tickets with it")
    for field in sorted(site.fields - {TAGS, "status"}):
        if NAMES[field] not in screen:
            way = "; leave priorities empty or add the field" if field == SEVERITY else ""
            yield _problem(field, f"the field {NAMES[field]} is not on the create screen{way}")


def _priorities(site: Site, shown: ScreenField | None) -> Iterator[Finding]:
    if not site.config.priorities:
        return
    known = names(shown) if shown is not None and shown.allowed else site.client.priorities()
    folded = {name.casefold() for name in known}
    for severity, priority in site.config.priorities.items():
        if priority.casefold() not in folded:
            yield _problem("priorities", f"{severity}: there is no priority {priority!r}; there is {_listed(known)}")
    meant = {name.casefold() for name in (*site.config.priorities.values(), *site.config.severities)}
    for name in known:
        if name.casefold() not in meant:
            yield _note("priorities", f"{name} means no severity; name it in severities")


def _statuses(site: Site) -> Iterator[Finding]:
    by_type = site.client.statuses(site.config.project)
    wanted = site.config.issue_type.casefold()
    found = next((statuses for name, statuses in by_type.items() if name.casefold() == wanted), ())
    meanings = {status: site.meaning(status) for status in found}
    for status, meaning in meanings.items():
        text = f"{status.name} means {meaning}"
        yield _ok("statuses", text) if meaning else _problem(
            "statuses", f"{status.name} (category {status.category}) means nothing; name it in statuses"
        )
    for lacking in (status for status in STATUSES if found and status not in meanings.values()):
        yield _note("statuses", f"no status of the project means {lacking}; cases with it cannot be followed")
    yield from _names(site, {status.name.casefold() for status in found})


def _names(site: Site, known: set[str]) -> Iterator[Finding]:
    preferred = (name for group in site.config.targets.values() for name in group)
    for name in dict.fromkeys((*site.config.statuses, *preferred)):
        if name.casefold() not in known:
            yield _note("statuses", f"the configuration names {name!r}, which the project does not have")


def _listed(values: object) -> str:
    texts = [str(value) for value in values] if isinstance(values, (list, dict)) else []
    shown = ", ".join(texts[:20])
    return f"{shown}, ..." if len(texts) > 20 else shown or "none"


_LOOKS: tuple[tuple[str, Callable[[Site], Iterator[Finding]]], ...] = (
    ("server", _server), ("project", _project), ("permissions", _rights), ("issue type", _screen),
    ("statuses", _statuses),
)
