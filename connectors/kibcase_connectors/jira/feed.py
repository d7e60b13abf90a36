"""What has changed since a cursor: the walk through a project in the order of its issues' last updates."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from kibcase_connectors.errors import Unavailable
from kibcase_connectors.jira import jql
from kibcase_connectors.jira.config import JiraFilter
from kibcase_connectors.jira.cursor import Cursor, advanced, loads
from kibcase_connectors.jira.mapping import SEARCHED, marks_of, updated, version
from kibcase_connectors.jira.rest import JiraRest
from kibcase_connectors.jira.wire import Issue, Page
from kibcase_connectors.model import Changed, Changes

OVERLAP: Final = {"cloud": 5 * 60_000, "datacenter": 2 * 60_000}
"""By how many milliseconds one walk goes back before the last: what Jira's search index may lag behind."""

_WHAT: Final = "looking for changed tickets"
_CIRCLES: Final = "the search gives the same page again and again"
_log = logging.getLogger(__name__)


def changes(
    client: JiraRest, *, system: str, project: str, accepts: JiraFilter, text: str | None,
    clock: Callable[[], datetime], lag: float = 0.0,
) -> Changes:
    """List what was updated since the cursor ``text``; see ``Connector.changes``.

    The start of the walk is the ``Date`` of Jira's first answer, or ``clock``'s time if there is none. ``lag`` is how
    many seconds the search index is known to be late, where that is more than ``OVERLAP``.
    """
    last = _position(text)
    overlap = max(OVERLAP["cloud" if client.cloud else "datacenter"], int(lag * 1000))
    since = None if last is None else last.since(overlap)
    now = clock()
    first = client.search(_WHAT, jql.changed(project, since), SEARCHED)
    begun = _milliseconds(client.date or now)
    found: dict[str, Issue] = {}
    for page in _walk(client, system, project, since, first, settled=begun - overlap):
        found |= {issue.id: issue for issue in page}
    after = advanced(
        last, [updated(issue) for issue in found.values()], begun=begun, now=_milliseconds(now), overlap=overlap
    )
    return Changes(items=tuple(_changed(issue, accepts) for issue in found.values()), cursor=after.dumps())


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _position(text: str | None) -> Cursor | None:
    try:
        return None if text is None else loads(text)
    except ValueError:
        _log.warning("the cursor of the last search for changed tickets cannot be read; all tickets are listed")
        return None


def _changed(issue: Issue, accepts: JiraFilter) -> Changed:
    eligible = accepts.accepts(labels=issue.labels, issue_type=issue.type_name)
    return Changed(key=issue.id, version=version(issue), eligible=eligible, marked=bool(marks_of(issue.labels)))


def pages(
    client: JiraRest, system: str, what: str, query: str, fields: Sequence[str]
) -> Iterator[Sequence[Issue]]:
    """Walk all hits of a query that nothing is expected to move: by token (Cloud) or position (Data Center)."""
    start, token, used = 0, None, set[str]()
    while True:
        page = client.search(what, query, fields, start=start, token=token)
        yield page.issues
        start, token = start + len(page.issues), page.token
        if token is None and (not page.issues or start >= (page.total or 0)):
            return
        if token in used:
            raise Unavailable(system, what, said=_CIRCLES)
        used |= {token} if token is not None else set()


def _walk(
    client: JiraRest, system: str, project: str, since: int | None, page: Page, *, settled: int
) -> Iterator[Sequence[Issue]]:
    """Walk by time, not by position: an update during the walk would move the issues behind it up by one.

    ``page`` is the first. Only times up to ``settled`` (epoch ms) are where the index has them: an issue changed since
    then may show a later time than the one by which it was sorted, and would lead past the others. After that the walk
    goes on by position, where pages overlap by half (Data Center), or by token (Cloud); what is skipped there is not
    left behind, since the next walk goes back at least as far. Data Center's index has whole seconds.
    """
    grain, start, token, used = 1 if client.cloud else 1000, 0, page.token, set[str]()
    while True:
        yield page.issues
        if page.token is None and (not page.issues or start + len(page.issues) >= (page.total or 0)):
            return
        last = max((at for at in map(updated, page.issues) if at <= settled), default=-1) // grain * grain
        if last > (-1 if since is None else since):
            since, start, token = last, 0, None
            used.clear()
        else:
            start, token = start + max(1, len(page.issues) // 2), page.token
        if token in used:
            raise Unavailable(system, _WHAT, said=_CIRCLES)
        used |= {token} if token is not None else set()
        page = client.search(_WHAT, jql.changed(project, since), SEARCHED, start=start, token=token)
