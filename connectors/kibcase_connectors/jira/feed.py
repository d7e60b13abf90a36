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
from kibcase_connectors.jira.wire import Issue
from kibcase_connectors.model import Changed, Changes

OVERLAP: Final = {"cloud": 5 * 60_000, "datacenter": 2 * 60_000}
"""By how many milliseconds one walk goes back before the last: what Jira's search index may lag behind."""

_WHAT: Final = "looking for changed tickets"
_log = logging.getLogger(__name__)


def changes(
    client: JiraRest, *, system: str, project: str, accepts: JiraFilter, text: str | None,
    clock: Callable[[], datetime],
) -> Changes:
    """List what was updated since the cursor ``text``; see ``Connector.changes``.

    The start of the walk is the ``Date`` of Jira's first answer, or ``clock``'s time if there is none.
    """
    last = _position(text)
    overlap = OVERLAP["cloud" if client.cloud else "datacenter"]
    since = None if last is None else last.since(overlap)
    if client.cloud:
        walk = pages(client, system, _WHAT, jql.changed(project, since), SEARCHED)
    else:
        walk = _datacenter(client, project, since)
    now = clock()
    found: dict[str, Issue] = {}
    begun: datetime | None = None
    for page in walk:
        begun = begun or client.date or now
        found |= {issue.id: issue for issue in page}
    after = advanced(
        last, [updated(issue) for issue in found.values()], begun=_milliseconds(begun or now),
        now=_milliseconds(now), overlap=overlap,
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
            raise Unavailable(system, what, said="the search gives the same page again and again")
        used |= {token} if token is not None else set()


def _datacenter(client: JiraRest, project: str, since: int | None) -> Iterator[Sequence[Issue]]:
    """Walk by time, not by position: an update during the walk would move the issues behind it up by one.

    Only within one second, the grain of Data Center's index, the position counts; there pages overlap by
    half, so that what moves up is still seen.
    """
    start = 0
    while True:
        page = client.search(_WHAT, jql.changed(project, since), SEARCHED, start=start)
        yield page.issues
        if not page.issues or start + len(page.issues) >= (page.total or 0):
            return
        last = updated(page.issues[-1]) // 1000 * 1000
        if since is None or last > since:
            since, start = last, 0
        else:
            start += max(1, len(page.issues) // 2)
