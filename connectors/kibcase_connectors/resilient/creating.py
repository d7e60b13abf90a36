"""Making an incident that is the copy of something else."""

from __future__ import annotations

from collections.abc import Mapping

from kibcase_connectors.actions import Create
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, Refused
from kibcase_connectors.model import OBSERVABLES, SEVERITY, TITLE, Json, Receipt
from kibcase_connectors.observables import parts
from kibcase_connectors.resilient import artifacts
from kibcase_connectors.resilient import mapping as own
from kibcase_connectors.resilient.editing import definition, wired
from kibcase_connectors.resilient.observing import type_of
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.values import value_of
from kibcase_connectors.resilient.wire import CUSTOM, FieldDef


def create(site: Site, action: Create, announce: Announce) -> Receipt:
    """Create the incident with its mark in the same request; the answer is the incident as stored.

    Raises ``Refused`` before anything is sent if the organisation lacks the field for marks: without it a
    lost answer would end in a second incident.
    """
    wanted = {name: value for name, value in action.fields.items() if name in site.fields or value}
    values = {name: site.wanted(name, value) for name, value in wanted.items()}
    body, names = _body(site, action.mark, values)
    announce(values)
    made = site.client.create(body, names)
    try:
        shown = site.natives(made)
        if OBSERVABLES in site.fields:
            held = site.client.artifacts(made.key) if values.get(OBSERVABLES) else ()
            shown[OBSERVABLES] = artifacts.elements(site.shown(held))
    except ConnectorError as error:
        raise site.unknown(f"creating incident {made.key}", error) from error
    stored = {name: value for name, value in shown.items() if name in site.fields}
    return Receipt(key=made.key, label=made.key, url=site.browse(made.key), stored=stored)


def _body(site: Site, mark: str, values: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, str]]:
    """Give the body, and what people call the fields in it."""
    config, names = site.config, dict[str, str]()
    given = {**_configured(site, config.create_fields)}
    if config.incident_types:
        given |= _configured(site, {"incident_type_ids": list(config.incident_types)})
    for name, value in values.items():
        if name == OBSERVABLES and isinstance(value, list):
            given["artifacts"] = [_artifact(site, str(item)) for item in value]
        elif name != TITLE and (value or name == SEVERITY):
            found = definition(site, name)
            given[found.path], names[found.name] = wired(site, found, name, value), found.text
    title = str(values.get(TITLE, ""))
    if config.mark_field is None:
        if not own.fits_in_name(mark):
            raise Refused(site.name, "creating an incident", said="the mark is too long for a name", field=TITLE)
        title = own.with_marks(title, (mark,))
    else:
        given[site.mark_def().path] = mark
    given |= {"name": title, "discovered_date": int((site.clock() - site.client.offset).timestamp() * 1000)}
    return _nested(given), names


def _artifact(site: Site, item: str) -> Json:
    return {
        "type": {"id": type_of(site, item).id}, "value": parts(item)[1],
        "description": {"format": "text", "content": artifacts.DESCRIPTION},
    }


def _configured(site: Site, fields: Mapping[str, Json]) -> dict[str, Json]:
    return {found.path: value for found, value in configured(site, fields, "creating an incident").items()}


def configured(site: Site, fields: Mapping[str, Json], what: str) -> dict[FieldDef, Json]:
    """Give configured values by field, as a creation takes them. Raises ``Refused`` for what is not offered."""
    given: dict[FieldDef, Json] = {}
    for name, value in fields.items():
        found = site.field_def(name, why="named in the configuration")
        try:
            given[found] = value_of(found, value)
        except ValueError as unknown:
            raise site.refused(what, name, unknown) from unknown
    return given


def _nested(given: Mapping[str, Json]) -> dict[str, Json]:
    prefix = f"{CUSTOM}."
    custom: dict[str, Json] = {
        path.removeprefix(prefix): value for path, value in given.items() if path.startswith(prefix)
    }
    return {**{path: value for path, value in given.items() if not path.startswith(prefix)}, CUSTOM: custom}
