"""Bringing a ticket to a status, by as many transitions as its workflow needs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from kibcase_connectors.actions import SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Conflict, ConnectorError, NotFound, Refused
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import NAMES, Issue, JiraStatus, ScreenField, Transition
from kibcase_connectors.jira.workflow import STEPS, Fillings, Goal, choose, fill, names, repaired
from kibcase_connectors.model import STATUS, STATUSES, Json, Receipt

_log: Final = logging.getLogger(__name__)


def set_status(site: Site, action: SetStatus, announce: Announce) -> Receipt:
    """Take transitions until the ticket's status means ``action.status``.

    Raises ``Refused`` if the workflow offers no way; the message says where the ticket stands then.
    """
    if action.status not in STATUSES:
        raise Refused(site.name, f"setting the status {action.status!r}", said="no such status", field=STATUS)
    issue = site.unchanged(action.key, action.version)
    way = [site.status(issue)]
    while site.meaning(way[-1]) != action.status:
        try:
            way.append(_step(site, issue, way, action.status, announce))
        except ConnectorError as error:
            if len(way) > 1:
                raise _standing(error, " -> ".join(status.name for status in way)) from error
            raise
    _reopened(site, issue, way, action.status, announce)
    return Receipt(
        key=issue.id, label=issue.key, url=site.browse(issue.key), stored={STATUS: way[-1].native()}
    )


def _reopened(
    site: Site, issue: Issue, way: Sequence[JiraStatus], status: str, announce: Announce
) -> None:
    """Take the resolution off a ticket that was reopened, where its workflow left it on and an edit may.

    With a resolution it would count as resolved still, in every list and report.
    """
    if status == "closed" or not issue.resolved or len(way) == 1:
        return
    try:
        if not site.client.issue(issue.id, ("resolution",), history=False).resolved:
            return
        shown = site.client.edit_screen(issue.id).get("resolution")
        if shown is None or "set" not in shown.operations:
            _log.warning("%s: ticket %s was reopened, but its resolution stays on: no edit may change it",
                         site.name, issue.key)
            return
        announce({STATUS: way[-1].native()})
        site.client.edit(issue.id, {"resolution": None}, {})
    except ConnectorError as error:
        raise _standing(error, " -> ".join(status.name for status in way)) from error


def _standing(error: ConnectorError, moved: str) -> ConnectorError:
    return error.about(f"{error.what} (it was moved {moved} and stands there)")


def _step(
    site: Site, issue: Issue, way: Sequence[JiraStatus], status: str, announce: Announce
) -> JiraStatus:
    exits = site.exits.setdefault(issue.type_id, {})
    options = site.client.transitions(issue.id)
    exits[way[-1].id] = tuple(option.to for option in options)
    fillings = Fillings(resolution=site.config.resolution, values=site.config.transition_fields)
    taken = choose(
        options, Goal(status=status, preferred=site.preferred(status)), meaning=site.meaning,
        visited=frozenset(passed.id for passed in way), learnt=exits, fillings=fillings,
    )
    if taken is None or len(way) > STEPS:
        raise _no_way(site, issue, way[-1], status, options)
    values, lacking = fill(taken, fillings)
    if lacking:
        raise _unfilled(site, issue, taken, lacking)
    _take(site, issue, way[-1], taken, values, fillings, announce)
    return taken.to


def _take(
    site: Site, issue: Issue, here: JiraStatus, taken: Transition, values: dict[str, Json], fillings: Fillings,
    announce: Announce,
) -> None:
    announce({STATUS: taken.to.native()})
    try:
        site.client.move(issue.id, taken, values)
    except Refused as refused:
        field = NAMES.get(refused.field or "", refused.field)
        others = repaired(values, taken, fillings, field, refused.said)
        if others is None:
            _still_there(site, issue, here)
            raise
    else:
        return
    announce({STATUS: taken.to.native()})
    site.client.move(issue.id, taken, others)


def _still_there(site: Site, issue: Issue, here: JiraStatus) -> None:
    """Raise ``Conflict`` if somebody has moved the ticket meanwhile: then the refusal is about that."""
    now = site.status(site.client.issue(issue.id, ("status",), history=False))
    if now.id != here.id:
        said = f"somebody has moved it from {here.name} to {now.name} meanwhile"
        raise Conflict(site.name, f"moving ticket {issue.key}", said=said, advice="Read it again.")


def _no_way(
    site: Site, issue: Issue, here: JiraStatus, status: str, options: Sequence[Transition]
) -> Refused:
    listed = ", ".join(f"{o.name!r} to {o.to.name} ({site.meaning(o.to) or 'no meaning'})" for o in options)
    there = _there(site, issue, status)
    missing = f"; none of its statuses means {status}" if there == [] else ""
    if there:
        missing = f"; {status} is {', '.join(there[:10])}, and none of these transitions leads on to it"
    advice = (
        f"Say in statuses which of its statuses means {status}." if there == [] else
        "Let the account take the transitions that people take (conditions, permissions), add one to the workflow, or "
        f"say in statuses that another status means {status}."
    )
    offers = f"its workflow offers {listed}" if options else "its workflow offers this account no transition"
    return Refused(
        site.name, f"bringing ticket {issue.key} from {here.name} to {status}", field=STATUS,
        said=f"{offers}{missing}", advice=advice,
    )


def _there(site: Site, issue: Issue, status: str) -> list[str] | None:
    """Give the names of the statuses of the ticket's type that mean ``status``; None if Jira does not tell."""
    try:
        by_type = site.client.statuses(site.config.project)
    except (Refused, NotFound):
        return None
    found = by_type.get(issue.type_name)
    return None if found is None else [each.name for each in found if site.meaning(each) == status]


def _unfilled(site: Site, issue: Issue, taken: Transition, lacking: Sequence[ScreenField]) -> Refused:
    asked = "; ".join(
        f"{shown.name} ({shown.id})" + (f", one of: {', '.join(names(shown)[:20])}" if shown.allowed else "")
        for shown in lacking
    )
    return Refused(
        site.name, f"taking the transition {taken.name!r} of ticket {issue.key}", said=f"its screen requires {asked}",
        field=lacking[0].id, advice="Give values with resolution or transition_fields in the configuration.",
    )
