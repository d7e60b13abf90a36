"""Fields as the columns to write for them: what has to be looked up is looked up here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kibcase_connectors.errors import Refused
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    OBSERVABLES,
    SEVERITY,
    TAGS,
    TITLE,
    Canonical,
    Json,
)
from kibcase_connectors.servicenow.columns import CustomColumn, Unusable, referred
from kibcase_connectors.servicenow.mapping import ASSIGNED, expected_priority, severity_columns
from kibcase_connectors.servicenow.observables import edited
from kibcase_connectors.servicenow.people import assignee
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.wire import Record

_TEXTS = {TITLE: "short_description", DESCRIPTION: "description"}
_FIELDS = {
    "short_description": TITLE, "description": DESCRIPTION, "impact": SEVERITY, "urgency": SEVERITY,
    "priority": SEVERITY, ASSIGNED: ASSIGNEE,
}


def written(site: Site, fields: Mapping[str, Canonical]) -> tuple[dict[str, Json], dict[str, str]]:
    """Give scalar fields in ServiceNow's own form, and the columns to write for them; sets are left out.

    Raises ``Refused`` for a field that cannot be written, or a value that has no counterpart.
    """
    shown: dict[str, Json] = {}
    columns: dict[str, str] = {}
    for name, value in fields.items():
        if name not in (TAGS, OBSERVABLES):
            shown[name], mine = _one(site, name, value)
            columns |= mine
    return shown, columns


def _one(site: Site, name: str, value: Canonical) -> tuple[Json, dict[str, str]]:
    if name in _TEXTS:
        stored = str(site.native(name, value))
        return stored, {_TEXTS[name]: stored}
    if name == SEVERITY:
        site.native(name, value)
        columns = severity_columns(str(value), site.config)
        return expected_priority(columns), columns
    if name == ASSIGNEE and name in site.fields:
        person = assignee(site, str(value))
        return person, {ASSIGNED: str(person["id"]) if isinstance(person, dict) else ""}
    if name in site.learnt.custom:
        return _custom(site, name, site.native(name, value))
    raise Refused(site.name, f"setting {name}", said="it cannot be written as a field", field=name)


def _custom(site: Site, name: str, native: Json) -> tuple[Json, dict[str, str]]:
    column, text = site.learnt.custom[name], "" if native is None else str(native)
    if isinstance(column, Unusable):
        raise _unfit(site, name, column.why)
    try:
        refers = text and column.info.refers_to
        stored = referred(site.client, column, text) if refers else column.stored(text)
    except ValueError as error:
        raise _unfit(site, name, str(error)) from error
    own = column.info.name
    return column.native(Record(values={own: stored, f"{own}.name": text})), {own: stored}


def _unfit(site: Site, name: str, said: str) -> Refused:
    return Refused(
        site.name, f"setting {name}", said=said, field=name,
        advice="Check the custom field in the configuration; kibcase check tells what its column takes.",
    )


def observables_column(
    site: Site, before: str, add: Iterable[str], remove: Iterable[str] = ()
) -> dict[str, str]:
    """Give the column to write for observables that are kept in one. Raises ``Refused`` if they do not fit."""
    column = site.config.observables_column
    if column is None:
        return {}
    return {column: site.fitting(column, edited(before, add, remove), OBSERVABLES)}


def field_of(site: Site, column: str) -> str | None:
    """Give the field that is kept in a column, None if it is none."""
    own = {site.config.tags_column: TAGS, site.config.observables_column: OBSERVABLES}
    custom = {
        one.info.name: name for name, one in site.learnt.custom.items() if isinstance(one, CustomColumn)
    }
    return _FIELDS.get(column) or own.get(column) or custom.get(column)
