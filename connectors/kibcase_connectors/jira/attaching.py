"""Attaching copies of files to a ticket."""

from __future__ import annotations

from kibcase_connectors.actions import AddFile
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, NotFound, Refused
from kibcase_connectors.jira.form import unfit
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import JiraFile
from kibcase_connectors.model import Receipt


def add_file(site: Site, action: AddFile, announce: Announce) -> Receipt:
    """Attach a file in one request, under its own name.

    Raises ``Refused`` if attachments are off, the file is too large, or Jira could not keep its name. Should
    Jira have stored something else all the same, that attachment is deleted again.
    """
    if action.content is None:
        raise ValueError("a file without content cannot be attached")
    _acceptable(site, action)
    announce({})
    try:
        made = site.client.upload(action.key, action.name, action.size, action.media_type, action.content)
    except NotFound as gone:
        site.confirm()
        raise gone
    if (made.name, made.size) != (action.name, action.size):
        _take_back(site, action, made, announce)
    return Receipt(key=action.key, file=site.file(made))


def _acceptable(site: Site, action: AddFile) -> None:
    what = f"attaching {action.name[:100]!r} to ticket {action.key}"
    why = unfit(action.name)
    if why is not None:
        raise Refused(site.name, what, said=why, field="files", advice="Give the file another name.")
    enabled, limit = site.client.attachment_settings()
    if not enabled:
        advice = "Let an administrator allow attachments in Jira's settings, or leave files out of the link rule."
        raise Refused(site.name, what, said="attachments are switched off in this Jira", field="files", advice=advice)
    if limit and action.size > limit:
        said = f"it has {action.size:,} bytes, and this Jira takes no more than {limit:,}"
        raise Refused(site.name, what, said=said, field="files", advice="Raise the limit in Jira's settings.")


def _take_back(site: Site, action: AddFile, made: JiraFile, announce: Announce) -> None:
    what = f"attaching {action.name!r} to ticket {action.key}"
    announce({})
    try:
        site.client.detach(made.id)
    except ConnectorError as error:
        raise site.unknown(what, error) from error
    said = f"Jira stored it as {made.name[:100]!r} with {made.size:,} bytes; that attachment was deleted again"
    raise Refused(site.name, what, said=said, field="files", advice="Give the file another name.")
