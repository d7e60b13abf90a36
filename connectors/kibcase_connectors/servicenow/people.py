"""Who is meant: people as ``assigned_to`` holds them, and as the directory (``sys_user``) has them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kibcase_connectors.errors import Refused
from kibcase_connectors.model import ASSIGNEE, Json
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.mapping import person_native
from kibcase_connectors.servicenow.rest import PERSON
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.wire import Record

_SYS_ID = re.compile(r"[0-9a-f]{32}")


def is_sys_id(text: str) -> bool:
    """Tell whether a text is an id of ServiceNow's."""
    return bool(_SYS_ID.fullmatch(text))


def assignee(site: Site, person: str) -> Json:
    """Find the active account of a person in the common form; None for nobody ("").

    By the table of people first, else by e-mail address. Raises ``Refused`` unless there is exactly one.
    """
    if not person:
        return None
    account = site.context.people.account(site.name, person)
    if account is None and "@" not in person:
        raise _refused(site, person, "there is neither an account nor an e-mail address for this person")
    column = "email" if account is None else "sys_id" if is_sys_id(account) else "user_name"
    wanted = person if account is None else account
    return _found(site, person, column, wanted)


def _found(site: Site, person: str, column: str, wanted: str) -> Json:
    known = site.learnt.assignees
    if (column, wanted) not in known:
        try:
            asked = query.both(query.equal(column, wanted), "active=true")
        except ValueError as error:
            raise _refused(site, person, str(error)) from error
        rows = site.client.few("looking an assignee up", "sys_user", asked, (*PERSON, "active"), limit=10)
        # A condition that is not understood is left out, and then anybody is a hit.
        hits = [row for row in rows if _fits(row, column, wanted)]
        if len(hits) != 1:
            said = f"{len(hits)} active users have" if hits else "no active user has"
            raise _refused(site, person, f"{said} the {column} {wanted!r}")
        known[column, wanted] = hits[0]
    row = known[column, wanted]
    return person_native(*(wire.text(row, name) for name in ("sys_id", "user_name", "name", "email")))


def _fits(row: Mapping[str, object], column: str, wanted: str) -> bool:
    return wire.text(row, column).casefold() == wanted.casefold() and wire.text(row, "active") == "true"


def _refused(site: Site, person: str, said: str) -> Refused:
    return Refused(
        site.name, f"assigning to {person[:80]!r}", said=said, field=ASSIGNEE,
        advice=f"Give the person's account in {site.name} in the table of people.",
    )


def group_hint(record: Record) -> str:
    """Give what to do about an assignee whom ServiceNow did not keep."""
    group = record["assignment_group.name"]
    where = f"Put the person into the group {group!r}" if group else "Give the record a group that the person is in"
    return f"{where}: many instances empty assigned_to when the person is not in the assignment group."
