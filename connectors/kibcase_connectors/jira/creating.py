"""Making a ticket that is the copy of something else."""

from __future__ import annotations

from collections.abc import Mapping

from kibcase_connectors.actions import Create, LinkBack
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.drafting import draft
from kibcase_connectors.jira.history import original
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import Issue
from kibcase_connectors.model import STATUS, TAGS, Json, Receipt


def create(site: Site, action: Create, announce: Announce) -> Receipt:
    """Create the ticket with its mark as a label in the same request.

    Raises ``OutcomeUnknown`` if the ticket was made and cannot be read back; ``find`` finds it.
    """
    found = draft(site, action.fields, project=site.config.project)
    values, tags = dict(found.values), found.values.get(TAGS)
    values[TAGS] = [action.mark, *(tags if isinstance(tags, list) else [])]
    announce(values)
    with site.naming():
        key, label = site.client.create({**_given(site.config), **found.fields, "labels": values[TAGS]}, _links(site))
    try:
        issue = site.issue(key)
        stored = _as_created(site, issue, values)
    except ConnectorError as error:
        raise site.unknown(f"creating ticket {label}", error) from error
    return Receipt(key=issue.id, label=issue.key, url=site.browse(issue.key), stored=stored)


def _given(config: JiraConfig) -> dict[str, Json]:
    kind = config.issue_type
    fields: dict[str, Json] = {
        "project": {"key": config.project}, "issuetype": {"id" if kind.isdecimal() else "name": kind},
    }
    if config.parent is not None:
        fields["parent"] = {"key": config.parent}
    return {**fields, **config.create_fields}


def _links(site: Site) -> dict[str, Json]:
    """Give the operations that add the configured links; in the same request, so that they are made once."""
    steps: list[Json] = [
        {"add": {"type": {"name": link.type}, f"{link.direction}Issue": {"key": link.issue}}}
        for link in site.config.issue_links
    ]
    return {"issuelinks": steps} if steps else {}


def link_back(site: Site, action: LinkBack, announce: Announce) -> Receipt:
    """Put a remote link on the ticket; its ``globalId`` is the mark, so a repeat replaces it."""
    announce({})
    site.client.link(action.key, action.mark, action.label, action.url)
    return Receipt(key=action.key)


def _as_created(site: Site, issue: Issue, sent: Mapping[str, Json]) -> dict[str, Json]:
    taking_part = site.fields
    return {
        field: _first_status(site, issue, value) if field == STATUS
        else original(field, issue.edits, value, layout=site.client.layout, sent=sent)
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
