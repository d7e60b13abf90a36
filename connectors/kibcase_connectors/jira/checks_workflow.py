"""How tickets are closed and reopened here, as far as one ticket shows it: only an issue tells of its workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kibcase_connectors.jira import jql
from kibcase_connectors.jira.findings import listed, note, ok, problem
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import Issue, JiraStatus, Transition
from kibcase_connectors.jira.workflow import Fillings, Goal, choose, fill, names
from kibcase_connectors.model import STATUS, Finding

_CLOSED = "closed"


def check_workflow(site: Site) -> Iterator[Finding]:
    """Look at the newest ticket of the project: its transitions (GET issue/{key}/transitions) and edit screen."""
    page = site.client.search("looking for a ticket", jql.any_of(site.config.project), ("status", "issuetype"), most=1)
    for issue in page.issues[:1]:
        if site.context.wants(STATUS) and site.context.writes(STATUS):
            yield from _transitions(site, issue)
        yield from _reopening(site, issue)
    if not page.issues:
        yield note("workflow", "no ticket to look at yet; which transitions there are shows with the first one")


def _transitions(site: Site, issue: Issue) -> Iterator[Finding]:
    here = site.status(issue)
    options = site.client.transitions(issue.id)
    kind = f"{issue.type_name} {issue.key}".strip()
    if not options:
        yield note("workflow", f"from {here.name}: no transition that this account may take (seen at {kind})")
        return
    targets = listed([*dict.fromkeys(option.to.name for option in options)])
    yield ok("workflow", f"from {here.name}: {targets} (seen at {kind})")
    if site.meaning(here) != _CLOSED:
        yield from _closing(site, here, options)


def _closing(site: Site, here: JiraStatus, options: Sequence[Transition]) -> Iterator[Finding]:
    fillings = Fillings(resolution=site.config.resolution, values=site.config.transition_fields)
    taken = choose(
        options, Goal(status=_CLOSED, preferred=site.preferred(_CLOSED)), meaning=site.meaning,
        visited=frozenset({here.id}), learnt={}, fillings=fillings,
    )
    if taken is None:
        yield note("closing", f"no transition leads on from {here.name}, so such tickets cannot be closed")
        return
    step = f"{here.name} to {taken.to.name} by {taken.name!r}"
    values, lacking = fill(taken, fillings)
    for shown in lacking:
        choices = f", one of: {listed(names(shown))}" if shown.allowed else ""
        told = f"{step} requires {shown.name} ({shown.id}){choices}; give it in "
        yield problem("closing", told + ("resolution" if shown.id == "resolution" else "transition_fields"))
    if not lacking:
        further = "" if site.meaning(taken.to) == _CLOSED else ", and on from there"
        yield ok("closing", f"{step}, filling {', '.join(values) or 'nothing'}{further}")


def _reopening(site: Site, issue: Issue) -> Iterator[Finding]:
    shown = site.client.edit_screen(issue.id).get("resolution")
    if shown is None or "set" not in shown.operations:
        yield note(
            "resolution", "tickets cannot be edited to have no resolution; when kibcase reopens one, its workflow "
            "must clear the resolution, with a post function or on the transition's screen",
        )
