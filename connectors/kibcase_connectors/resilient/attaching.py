"""Files of an incident: fetching one, and attaching the copy of one."""

from __future__ import annotations

from typing import BinaryIO

from kibcase_connectors.actions import AddFile
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.model import FILES, File, Receipt
from kibcase_connectors.resilient.files import Form, name_problem
from kibcase_connectors.resilient.site import Site

_SHORTEN = "Attach it by hand, under another name."


def fetch(site: Site, key: str, file: File, into: BinaryIO) -> None:
    """Write the content of a file to ``into``; raises ``NotFound`` only if the account and the organisation are there.

    A page about a failed download, and any other number of bytes than ``file.size``, is ``Unavailable``.
    """
    try:
        site.client.download(key, file.key, file.size, into, page="html" in file.media_type)
    except NotFound as gone:
        site.confirm()
        raise gone


def add_file(site: Site, action: AddFile, announce: Announce) -> Receipt:
    """Attach a copy of a file.

    Raises ``Refused`` before anything is sent for names that would not be kept, and for more bytes than the
    platform says it takes; after it if the platform has altered the name, so that it is not attached again.
    """
    what = f"attaching {action.name[:80]!r} to incident {action.key}"
    problem = name_problem(action.name)
    if problem is not None:
        raise Refused(site.name, what, said=problem, field=FILES, advice=_SHORTEN)
    limit = site.client.attachment_limit()
    if limit is not None and action.size > limit:
        said = f"it has {action.size} bytes, and the platform takes {limit}"
        raise Refused(site.name, what, said=said, field=FILES, advice="Raise the limit there, or leave the file out.")
    form = _form(site, what, action)
    announce({})
    try:
        made = site.client.attach(action.key, form)
    except NotFound as gone:
        site.confirm()
        raise gone
    if (made.name, made.size) != (action.name, action.size):
        said = f"the platform made {made.name[:80]!r} with {made.size} bytes of it"
        raise Refused(site.name, what, said=said, field=FILES, advice="Remove it there, and attach it by hand.")
    return Receipt(key=action.key, file=site.file(made))


def _form(site: Site, what: str, action: AddFile) -> Form:
    if action.content is None:
        raise Refused(site.name, what, said="its content is not there", field=FILES)
    try:
        return Form(action.name, action.size, action.media_type, action.content)
    except ValueError as wrong:
        raise Refused(site.name, what, said=str(wrong), field=FILES) from wrong
