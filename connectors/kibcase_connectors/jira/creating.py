"""Making a ticket that is the copy of something else."""

from __future__ import annotations

from kibcase_connectors.actions import Create, LinkBack
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.jira.history import original
from kibcase_connectors.jira.mapping import written
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import Issue
from kibcase_connectors.model import STATUS, TAGS, Json, Receipt


def create(site: Site, action: Create, announce: Announce) -> Receipt:
    """Create the ticket with its mark as a label in the same request.

    Raises ``OutcomeUnknown`` if the ticket was made and cannot be read back; ``find`` finds it.
    """
    values = site.natives(action.fields)
    tags = values.get(TAGS)
    values[TAGS] = [action.mark, *(tags if isinstance(tags, list) else [])]
    announce(values)
    key, label = site.client.create(_request(site, values))
    try:
        issue = site.issue(key)
        stored = _as_created(site, issue)
    except ConnectorError as error:
        raise site.unknown(f"creating ticket {label}", error) from error
    return Receipt(key=issue.id, label=issue.key, url=site.browse(issue.key), stored=stored)


def _request(site: Site, values: dict[str, Json]) -> dict[str, Json]:
    config = site.config
    return {
        "project": {"key": config.project}, "issuetype": {"name": config.issue_type},
        **config.create_fields, **written(values),
    }


def link_back(site: Site, action: LinkBack, announce: Announce) -> Receipt:
    """Put a remote link on the ticket; its ``globalId`` is the mark, so a repeat replaces it."""
    announce({})
    site.client.link(action.key, action.mark, action.label, action.url)
    return Receipt(key=action.key)


def _as_created(site: Site, issue: Issue) -> dict[str, Json]:
    taking_part = site.fields
    return {
        field: _first_status(site, issue, value) if field == STATUS else original(field, issue.edits, value)
        for field, value in issue.natives.items() if field in taking_part
    }


def _first_status(site: Site, issue: Issue, shown: Json) -> Json:
    first = next((edit for edit in issue.edits if edit.field == STATUS), None)
    if first is None:
        return shown
    known = site.client.statuses(site.config.project).values()
    found = next((status for group in known for status in group if status.id == first.old), None)
    # A status that has left the workflow since then has no category any more.
    return found.native() if found else {"id": first.old, "name": first.old_text, "category": "undefined"}
