"""Bringing a ticket to a status, by as many transitions as its workflow needs."""

from __future__ import annotations

from collections.abc import Sequence

from kibcase_connectors.actions import SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, Refused, Throttled
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import NAMES, Issue, JiraStatus, ScreenField, Transition
from kibcase_connectors.jira.workflow import STEPS, Fillings, Goal, choose, fill, names, repaired
from kibcase_connectors.model import STATUS, STATUSES, Json, Receipt


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
    return Receipt(
        key=issue.id, label=issue.key, url=site.browse(issue.key), stored={STATUS: way[-1].native()}
    )


def _standing(error: ConnectorError, moved: str) -> ConnectorError:
    what = f"{error.what} (it was moved {moved} and stands there)"
    told = type(error)(error.system, what, said=error.said, advice=error.advice, field=error.field)
    if isinstance(error, Throttled) and isinstance(told, Throttled):
        told.retry_after = error.retry_after
    return told


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
    _take(site, issue, taken, values, fillings, announce)
    return taken.to


def _take(
    site: Site, issue: Issue, taken: Transition, values: dict[str, Json], fillings: Fillings, announce: Announce
) -> None:
    announce({STATUS: taken.to.native()})
    try:
        site.client.move(issue.id, taken, values)
    except Refused as refused:
        field = NAMES.get(refused.field or "", refused.field)
        others = repaired(values, taken, fillings, field, refused.said)
        if others is None:
            raise
    else:
        return
    announce({STATUS: taken.to.native()})
    site.client.move(issue.id, taken, others)


def _no_way(
    site: Site, issue: Issue, here: JiraStatus, status: str, options: Sequence[Transition]
) -> Refused:
    listed = ", ".join(f"{o.name!r} to {o.to.name} ({site.meaning(o.to) or 'no meaning'})" for o in options)
    return Refused(
        site.name, f"bringing ticket {issue.key} from {here.name} to {status}", field=STATUS,
        said=f"its workflow offers {listed}" if options else "its workflow offers this account no transition",
        advice="Say in statuses what the project's statuses mean, or let the account take the transitions needed.",
    )


def _unfilled(site: Site, issue: Issue, taken: Transition, lacking: Sequence[ScreenField]) -> Refused:
    asked = "; ".join(
        f"{shown.name} ({shown.id})" + (f", one of: {', '.join(names(shown)[:20])}" if shown.allowed else "")
        for shown in lacking
    )
    return Refused(
        site.name, f"taking the transition {taken.name!r} of ticket {issue.key}", said=f"its screen requires {asked}",
        field=lacking[0].id, advice="Give values with resolution or transition_fields in the configuration.",
    )
