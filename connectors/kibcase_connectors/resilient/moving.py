"""Bringing an incident to a status: closing with all that the organisation requires, reopening, phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kibcase_connectors.actions import SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import Refused
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import STATUS, STATUSES, Json, Receipt
from kibcase_connectors.resilient import mapping as own
from kibcase_connectors.resilient.creating import configured
from kibcase_connectors.resilient.editing import stored
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.values import Edit, chosen, spelled
from kibcase_connectors.resilient.wire import FieldDef, Incident


def set_status(site: Site, action: SetStatus, announce: Announce) -> Receipt:
    """Change the status in one request.

    On closing, every field that the organisation requires then and that is empty gets its configured
    value; what a person has entered stays. Raises ``Refused``, with what is missing, before anything is sent.
    """
    if action.status not in STATUSES:
        raise Refused(site.name, f"setting the status {action.status!r}", said="no such status", field=STATUS)
    before = site.unchanged(action.key, action.version)
    shown = site.natives(before)[STATUS]
    receipt = Receipt(key=before.key, label=before.key, url=site.browse(before.key), stored={STATUS: shown})
    if site.mapping.same(STATUS, shown, action.status):
        return receipt
    wanted = _wanted(site, action.status)
    edits = _edits(site, before, wanted)
    announce({STATUS: wanted})
    site.client.patch(before.key, before.vers, edits)
    return Receipt(key=before.key, label=before.key, url=receipt.url, stored=stored(site, before, {STATUS: wanted}))


def _wanted(site: Site, status: str) -> str:
    """Give the status as it will be shown: with the label as the organisation spells it."""
    try:
        plan, slash, label = str(site.mapping.native(STATUS, status)).partition("/")
    except UnmappedError as unknown:
        raise site.refused("setting the status", STATUS, unknown) from unknown
    if not slash:
        return plan
    try:
        return f"{plan}/{spelled(site.field_def(site.config.status_field or ''), label)}"
    except ValueError as unknown:
        raise site.refused("setting the status", STATUS, unknown) from unknown


def _edits(site: Site, before: Incident, wanted: str) -> list[Edit]:
    plan, slash, label = wanted.partition("/")
    edits: list[Edit] = []
    if before.values.get("plan_status") != plan:
        edits.append(Edit(field=site.field_def("plan_status"), old=before.values.get("plan_status"), new=plan))
    if slash:
        found = site.field_def(site.config.status_field or "")
        new = chosen(found, label)
        if before.values.get(found.path) != new:
            edits.append(Edit(field=found, old=before.values.get(found.path), new={"id": new}))
    return edits + (_closing(site, before) if plan == own.CLOSED else [])


def _closing(site: Site, before: Incident) -> list[Edit]:
    # The requirements may be new: a refusal would park the link though the configuration has the value.
    known = site.client.fields(again=True)
    required = [found for found in known.values() if found.required == "close" and site.lacks(before, found)]
    given = closing_values(site)
    lacking = [found for found in required if found.name not in given]
    if lacking:
        raise _unfilled(site, before, lacking)
    wanted = configured(site, {found.name: given[found.name] for found in required}, f"closing incident {before.key}")
    return [Edit(field=found, old=before.values.get(found.path), new=new) for found, new in wanted.items()]


def closing_values(site: Site) -> Mapping[str, Json]:
    """Give the configured values for closing, by bare field name."""
    config = site.config
    return {
        **config.close_fields, "resolution_id": config.resolution, "resolution_summary": config.resolution_summary,
    }


def _unfilled(site: Site, before: Incident, lacking: Sequence[FieldDef]) -> Refused:
    asked = "; ".join(
        f"{found.text} ({found.name})" + (f", one of: {', '.join(found.labels[:20])}" if found.labels else "")
        for found in lacking
    )
    return Refused(
        site.name, f"closing incident {before.key}", said=f"the organisation requires {asked}", field=lacking[0].name,
        advice="Give values in close_fields in the configuration.",
    )
