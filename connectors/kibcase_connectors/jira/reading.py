"""Reading one ticket with all its comments, and finding tickets by their mark."""

from __future__ import annotations

from kibcase_connectors.jira import jql
from kibcase_connectors.jira.feed import pages
from kibcase_connectors.jira.history import touches
from kibcase_connectors.jira.mapping import marks_of, version
from kibcase_connectors.jira.site import Site, comment_of
from kibcase_connectors.model import Snapshot, Touch

_WHAT = "looking for a ticket by its mark"


def read(site: Site, key: str) -> Snapshot:
    """Read a ticket. The issue comes first: a comment added meanwhile makes its version out of date."""
    issue = site.issue(key)
    offset = site.client.offset
    comments = site.client.comments(issue.id)
    taking_part = site.fields
    touched = touches(issue.edits, offset, site.client.own_id)
    return Snapshot(
        key=issue.id, label=issue.key, version=version(issue), mark=site.mark(issue.id),
        fields={field: value for field, value in issue.natives.items() if field in taking_part},
        url=site.browse(issue.key),
        touched={field: touch for field, touch in touched.items() if field in taking_part},
        created=Touch(at=issue.created + offset, by=issue.creator),
        comments=tuple(map(comment_of, comments)), marks=marks_of(issue.labels),
    )


def find(site: Site, mark: str) -> tuple[str, ...]:
    """Give the ids of the project's tickets that carry ``mark`` as a label, first created first."""
    query = jql.labelled(site.config.project, mark)
    # JQL compares labels without regard to case; a mark is exact.
    hits = {issue.id for page in pages(site.client, site.name, _WHAT, query, ("labels",))
            for issue in page if mark in issue.labels}
    return tuple(sorted(hits, key=int))
