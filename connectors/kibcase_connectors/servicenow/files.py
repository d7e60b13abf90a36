"""Attachments of a record: which there are, what is in them, adding one (Attachment API)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from kibcase_connectors.actions import AddFile
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, Denied, NotFound, Refused
from kibcase_connectors.markup.characters import units
from kibcase_connectors.model import FILES, File, Receipt
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.rest import ATTACHMENT
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.wire import Attached, Record

MAX_SIZE = "com.glide.attachment.max_size"
"""The system property with the largest size, in megabytes."""

EXTENSIONS = "glide.attachment.extensions"
"""The system property with the extensions that are allowed; empty: all."""

_FIELDS = ("sys_id", "table_sys_id", "file_name", "size_bytes", "content_type", "sys_created_on", "sys_created_by")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_PLAIN = "application/octet-stream"
_MEGABYTE = 1024 * 1024


def attachments(site: Site, key: str) -> tuple[Attached, ...]:
    """Read the list of a record's attachments, oldest first. Raises ``Denied`` if it is hidden from us."""
    what = "reading attachments"
    base = query.both(query.equal("table_name", site.table), query.equal("table_sys_id", key))
    walk = site.walk(what, ATTACHMENT, base, "sys_created_on", _FIELDS)
    try:
        rows = list(walk.rows())
        found = {one.sys_id: one for one in map(wire.attached, rows)}
    except (Refused, NotFound) as refused:
        raise hidden(site, what, refused.said) from refused
    except (KeyError, TypeError, ValueError) as error:
        raise site.client.hopeless(what, "the attachments are not in ServiceNow's form") from error
    if any(wire.text(row, "table_sys_id") != key for row in rows):
        raise hidden(site, what, "ServiceNow takes no notice of the condition on table_sys_id")
    if not found and walk.total:
        raise hidden(site, what, f"{walk.total} of them are hidden from the account")
    return tuple(sorted(found.values(), key=lambda one: one.created))


def hidden(site: Site, what: str, said: str) -> Denied:
    """Give the error for attachments that the account cannot list."""
    advice = f"Let the account read {ATTACHMENT}, or leave files out of the link rule."
    return Denied(site.name, what, said=said, advice=advice)


def files(site: Site, found: Iterable[Attached]) -> Iterator[File]:
    """Give attachments in the common form, on the daemon's clock."""
    listed = list(found)
    names = site.names(one.author for one in listed)
    for one in listed:
        yield File(
            key=one.sys_id, name=one.name, size=one.size, media_type=one.media_type,
            author=names.get(one.author, one.author), created=wire.stamp(one.created) + site.client.offset,
        )


def fetch(site: Site, file: File, into: BinaryIO) -> None:
    """Write the content of an attachment to ``into``. Raises ``NotFound`` only if records are visible to us at all."""
    try:
        site.client.fetch(file.key, into, file.size)
    except NotFound as gone:
        site.confirm()
        raise gone


def add_file(site: Site, action: AddFile, announce: Announce) -> Receipt:
    """Attach a file, streaming it; ``Refused`` if ServiceNow would not take it as it is.

    A copy that ServiceNow has given another name or size is taken away again.
    """
    if action.content is None:
        raise ValueError("the content of the file is not there")
    record = site.record(action.key)
    _check(site, record, action)
    announce({})
    media_type = action.media_type if _MEDIA_TYPE.fullmatch(action.media_type) else _PLAIN
    made = site.client.attach(
        site.table, record, action.name, action.content, size=action.size,
        media_type=_PLAIN if media_type.lower().startswith("multipart/") else media_type,
    )
    if (made.name, made.size) != (action.name, action.size):
        raise _altered(site, record, action, made)
    return Receipt(key=record.sys_id, label=record.number, file=next(files(site, [made])))


def _check(site: Site, record: Record, action: AddFile) -> None:
    what, room = f"attaching a file to {record.number}", site.lengths["file_name"]
    if not action.name.strip() or not action.name.isprintable() or action.name != action.name.strip():
        said = "a name with control characters, or blanks at its ends, is not kept as it is"
        raise Refused(site.name, what, said=said, field=FILES, advice="Give the file another name.")
    if units(action.name) > room:
        said = f"the name has {units(action.name)} characters and ServiceNow keeps {room}"
        raise Refused(site.name, what, said=said, field=FILES, advice="Give the file a shorter name.")
    limit, extensions = limits(site)
    if limit is not None and action.size > limit:
        said = f"it has {action.size:,} bytes and the instance takes {limit:,} ({MAX_SIZE})"
        raise Refused(site.name, what, said=said, field=FILES, advice="Raise the limit, or leave the file out.")
    ending = action.name.rpartition(".")[2].lower() if "." in action.name else ""
    if extensions and ending not in extensions:
        said = f"the instance takes only {', '.join(sorted(extensions))[:200]} ({EXTENSIONS})"
        raise Refused(site.name, what, said=said, field=FILES, advice="Allow the extension, or leave the file out.")


def limits(site: Site) -> tuple[int | None, frozenset[str]]:
    """Give the largest size in bytes (None: not to be found out) and the extensions allowed (empty: all); asks once.

    Most accounts may not read ``sys_properties``; then the instance's refusal tells.
    """
    known = site.learnt.properties
    if known is None:
        try:
            known = site.learnt.properties = site.client.properties((MAX_SIZE, EXTENSIONS))
        except (Refused, NotFound):
            known = site.learnt.properties = {}
    megabytes = known.get(MAX_SIZE, "").strip()
    limit = int(megabytes) * _MEGABYTE if megabytes.isdecimal() and int(megabytes) else None
    endings = (ending.strip().lstrip(".").lower() for ending in known.get(EXTENSIONS, "").split(","))
    return limit, frozenset(ending for ending in endings if ending)


def _altered(site: Site, record: Record, action: AddFile, made: Attached) -> Refused:
    said = f"it was stored as {made.name!r} with {made.size:,} bytes instead of {action.size:,}"
    try:
        site.client.remove(f"removing an attachment of {record.number}", ATTACHMENT, made.sys_id)
        said += ", and was taken away again"
    except ConnectorError as error:
        said += f", and could not be taken away again ({error.said or error.what}); please delete it"
    return Refused(
        site.name, f"attaching a file to {record.number}", said=said, field=FILES,
        advice="Give the file a name that ServiceNow keeps.",
    )
