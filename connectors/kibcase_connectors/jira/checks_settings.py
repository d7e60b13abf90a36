"""Settings that name things of Jira: whether these are there, and whether Jira will take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kibcase_connectors.jira.config import JiraFilter
from kibcase_connectors.jira.findings import listed, note, ok, problem
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import JiraStatus, ScreenField
from kibcase_connectors.jira.workflow import names
from kibcase_connectors.model import STATUS, Finding, Json

_NAMES: Final = ("id", "value", "name", "key")
"""What names one of the values that a field takes, in the REST API's form."""


def check_create_fields(given: Mapping[str, Json], screen: Mapping[str, ScreenField]) -> Iterator[Finding]:
    """Yield a problem for each field of ``create_fields`` that makes Jira refuse every new ticket."""
    for name, value in given.items():
        shown = screen.get(name)
        if shown is None:
            yield problem("create_fields", f"the field {name!r} is not on the create screen; Jira refuses every ticket")
            continue
        for one in value if isinstance(value, list) else [value]:
            wrong = _unknown(one, shown.allowed)
            if wrong is not None:
                yield problem("create_fields", f"{shown.name} ({name}) does not take {wrong!r}, but {_choices(shown)}")


def _unknown(value: Json, allowed: Sequence[Mapping[str, Any]]) -> str | None:
    """Give how a value is named that is none of those which a field takes; None if that cannot be told."""
    if not allowed or not isinstance(value, dict):
        return None
    for key in _NAMES:
        known = {str(one[key]).casefold() for one in allowed if key in one}
        if key in value and known:
            return None if str(value[key]).casefold() in known else str(value[key])
    return None


def _choices(shown: ScreenField) -> str:
    return listed(names(shown))


def check_values(site: Site, screen: Mapping[str, ScreenField]) -> Iterator[Finding]:
    """Yield a problem for each value of a custom field's table that the field does not take."""
    layout = site.layout()
    for name in layout.kinds:
        shown = screen.get(layout.names[name])
        known = {label.casefold() for label in names(shown)} if shown is not None else set()
        for value in site.config.custom[name].values if known else ():
            if shown is not None and value.casefold() not in known:
                yield problem(name, f"{shown.name} ({shown.id}) does not take {value!r}, but {_choices(shown)}")


def check_parent(site: Site, type_id: str) -> Iterator[Finding]:
    """Yield a problem if the configured parent's type is not one level above; only Cloud tells the levels."""
    parent = site.config.parent or ""
    kind, level = site.client.type_of(parent)
    own = site.client.levels(site.config.project).get(type_id)
    if own is not None and level is not None and level != own + 1:
        own_type = site.config.issue_type
        yield problem("parent", f"{kind} {parent} is not one level above {own_type}; no new ticket can belong to it")


def check_resolution(site: Site) -> Iterator[Finding]:
    """Yield which resolution is set; one that there is not is a problem if a person chose it, else a note."""
    known, wanted = site.client.resolutions(), site.config.resolution
    if not (site.context.wants(STATUS) and site.context.writes(STATUS)):
        return
    if "resolution" in site.config.transition_fields:
        yield ok("resolution", f"that of transition_fields; there is {listed(known)}")
        return
    if wanted.casefold() in {name.casefold() for name in known}:
        yield ok("resolution", f"{wanted} on closing; there is {listed(known)}")
        return
    text = f"there is no resolution {wanted!r}; there is {listed(known)}"
    if "resolution" in site.config.model_fields_set:
        yield problem("resolution", text)
    else:
        yield note("resolution", f"{text}; if closing asks for one, name it in resolution")


def check_transition_fields(site: Site) -> Iterator[Finding]:
    """Yield a problem for each field of ``transition_fields`` that this account does not see."""
    if not site.config.transition_fields or not site.context.writes(STATUS):
        return
    known = {str(one["id"]) for one in site.client.fields()}
    for name in sorted(site.config.transition_fields.keys() - known):
        yield problem("transition_fields", f"Jira shows this account no field {name!r}; fields are given by id")


def check_targets(site: Site, found: Iterable[JiraStatus]) -> Iterator[Finding]:
    """Yield a problem for each status in ``targets`` that the project lacks, or that means something else."""
    known = {status.name.casefold(): status for status in found}
    for goal, preferred in site.config.targets.items():
        for name in preferred:
            status = known.get(name.casefold())
            if status is None:
                yield problem("targets", f"{goal}: the project has no status {name!r}")
            elif site.meaning(status) != goal:
                told = f"{status.name} means {site.meaning(status) or 'nothing'}, not {goal}"
                yield problem("targets", f"{told}; it is never gone for. Say in statuses that it means {goal}")


def check_severities(site: Site, offered: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a problem for each priority that a person named in ``severities`` and that there is not."""
    if "severities" not in site.config.model_fields_set:
        return
    known = {**site.client.priorities(), **offered}
    folded = {name.casefold() for name in (*known, *known.values())}
    for name in site.config.severities:
        if name.casefold() not in folded:
            yield problem("severities", f"there is no priority {name!r}; there is {listed(known)}")


def check_filter(site: Site, accepts: JiraFilter) -> Iterator[Finding]:
    """Yield a problem for each issue type of the rule's filter that the project lacks."""
    if not accepts.issue_types:
        return
    known = list(site.client.statuses(site.config.project))
    folded = {name.casefold() for name in known}
    for name in accepts.issue_types:
        if name.casefold() not in folded:
            yield problem("tickets", f"the project has no issue type {name!r}; it has {listed(known)}")
