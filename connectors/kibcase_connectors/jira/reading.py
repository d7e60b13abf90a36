"""Reading one ticket with all its comments and files, and finding tickets by their mark."""

from __future__ import annotations

from typing import BinaryIO

from kibcase_connectors.errors import NotFound
from kibcase_connectors.jira import jql
from kibcase_connectors.jira.feed import pages
from kibcase_connectors.jira.history import touches
from kibcase_connectors.jira.mapping import marks_of, version
from kibcase_connectors.jira.site import Site
from kibcase_connectors.model import COMMENTS, File, Snapshot, Touch

_WHAT = "looking for a ticket by its mark"


def read(site: Site, key: str) -> Snapshot:
    """Read a ticket. The issue comes first: a comment added meanwhile makes its version out of date."""
    issue = site.issue(key)
    offset = site.client.offset
    comments = site.client.comments(issue.id) if site.context.wants(COMMENTS) else ()
    taking_part = site.fields
    touched = touches(issue.edits, offset, site.client.own_id, layout=site.client.layout, name=site.name_of)
    return Snapshot(
        key=issue.id, label=issue.key, version=version(issue), mark=site.mark(issue.id),
        fields={field: value for field, value in issue.natives.items() if field in taking_part},
        url=site.browse(issue.key),
        touched={field: touch for field, touch in touched.items() if field in taking_part},
        created=Touch(at=issue.created + offset, by=site.name_of(issue.creator)),
        comments=tuple(map(site.comment, comments)), files=tuple(map(site.file, issue.files)),
        marks=marks_of(issue.labels),
    )


def fetch(site: Site, key: str, file: File, into: BinaryIO) -> None:
    """Write the content of an attachment to ``into``; see ``Connector.fetch``."""
    try:
        site.client.download(file.key, file.name, file.size, into)
    except NotFound as gone:
        # Jira answers so to callers that it does not know, too.
        site.issue(key)
        raise gone


def find(site: Site, mark: str) -> tuple[str, ...]:
    """Give the ids of the project's tickets that carry ``mark`` as a label, first created first."""
    query = jql.labelled(site.config.project, mark)
    # A mark is exact, however JQL compares labels.
    hits = {issue.id for page in pages(site.client, site.name, _WHAT, query, ("labels",))
            for issue in page if mark in issue.labels}
    return tuple(sorted(hits, key=int))
