"""What the writing of cases asks of templates and the field library; no privileges are looked at here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.extended_fields_pairing import Links
from kibcase.server.cases.field_definitions_links import blocked_text, link_of, links_of, new_definition
from kibcase.server.cases.field_definitions_schema import is_display_only, parse_field, parse_fields
from kibcase.server.cases.templates_definition import labels, parse_definition, resolve_fields
from kibcase.server.cases.templates_store import TemplateStore
from kibcase.server.errors import BadRequest

Json = dict[str, Any]


def no_connector(space: str, identifier: str) -> str | None:  # noqa: ARG001
    """Know of no connector."""
    return None


@dataclass(frozen=True, slots=True)
class Library:
    """The templates and field definitions of every space. Where there are none, nothing happens.

    ``connector_name`` gives the name of the connector with an id in a space, or None if there is none.
    """

    store: TemplateStore
    connector_name: Callable[[str, str], str | None] = no_connector

    def global_fields(self, space: str, owner: str) -> list[Json]:
        """Give the inline fields that every case of an owner has."""
        return parse_fields(entry for entry in self.store.fields(space, [owner]) if entry.get("isGlobal"))

    def required_global_fields(self, space: str, owner: str, configured: Iterable[Json]) -> list[Json]:
        """Give the global fields for a new case.

        A definition that was made for a custom field which is configured no more requires nothing: nobody could
        fulfil it.
        """
        keys = {field["key"] for field in configured}
        found = []
        for entry in self.store.fields(space, [owner]):
            field = parse_field(entry["definition"]) if entry.get("isGlobal") else None
            if field is None:
                continue
            if "legacyKey" in entry and entry["legacyKey"] not in keys:
                rules = {name: rule for name, rule in field.get("validation", {}).items() if name != "required"}
                field = field | {"validation": rules}
            found.append(field)
        return found

    def template(self, space: str, identifier: str, version: int | None = None) -> Json | None:
        """Read a template, deleted or not; the latest version if ``version`` is None."""
        return self.store.template(space, identifier, version)

    def resolved(self, space: str, template: Json) -> list[Json]:
        """Give the inline fields of a template, references looked up."""
        definition = parse_definition(template["definition"])
        return resolve_fields(definition["fields"], self.store.fields(space, [template["owner"]]))

    def connector(self, space: str, given: Json, template: Json) -> Json:
        """Give the connector of a new case: the template's, if the caller named none and it exists."""
        wanted = parse_definition(template["definition"]).get("connector")
        if wanted is None or given["type"] != ".none" or wanted["type"] == ".none":
            return given
        name = self.connector_name(space, wanted["id"])
        return given if name is None else wanted | {"name": name}

    def fields_of(self, space: str, identifier: str | None) -> list[Json] | None:
        """Give the fields of the latest version of a template, None for no template.

        Raises ``BadRequest`` if there is no such template.
        """
        if identifier is None:
            return None
        template = self.store.template(space, identifier)
        if template is None:
            raise BadRequest(f"Template {identifier} not found")
        return self.resolved(space, template)

    def fields_on_close(self, space: str, template: Json | None) -> list[Json]:
        """Give the fields of the version a case is pinned to, ``{id, version}``; none if it is gone."""
        found = None if template is None else self.store.template(space, template["id"], template["version"])
        return [] if found is None else self.resolved(space, found)

    def links(self, space: str, owner: str, configured: Sequence[Json]) -> Links:
        """Give the links between an owner's custom fields and the field library."""
        return links_of(configured, self.store.fields(space, [owner]))

    def ensure_linked(self, space: str, owner: str, configured: Sequence[Json]) -> None:
        """Make a field definition for every custom field that is linked to none.

        Raises ``BadRequest``, with nothing written, if a custom field cannot be linked.
        """
        library = self.store.fields(space, [owner])
        changed, blocked = [], []
        for custom in configured:
            entry, reason = link_of(custom, library)
            if entry is None and reason == "no_match" and len(library) < limits.FIELD_DEFINITIONS_PER_OWNER:
                entry = new_definition(custom, space, owner, library)
                library.append(entry)
            elif entry is None:
                blocked.append((custom["key"], "capacity" if reason == "no_match" else str(reason)))
                continue
            if entry.get("legacyKey") != custom["key"]:
                entry["legacyKey"] = custom["key"]
            changed.append(entry)
        if blocked:
            raise BadRequest(blocked_text(blocked))
        for entry in changed:
            self.store.put_field(space, entry)

    def count_use(self, space: str, template: Json, at: str) -> None:
        """Count that a case was made from a template."""
        found = self.store.template(space, template["id"])
        if found is not None:
            used = {"usageCount": found.get("usageCount", 0) + 1, "lastUsedAt": at}
            self.store.put_template(space, found | used)

    def labelled(self, space: str, cases: Iterable[Json]) -> list[Json]:
        """Add ``extended_fields_labels`` to cases that have extended fields, as reading cases answers them."""
        shared: dict[str, dict[str, str]] = {}
        shown = []
        for case in cases:
            if case.get("extended_fields") is None:
                shown.append(case)
                continue
            owner = case["owner"]
            if owner not in shared:
                shared[owner] = labels(self.global_fields(space, owner))
            found = shared[owner] | self._template_labels(space, case.get("template"))
            shown.append(case | {"extended_fields_labels": found} if found else case)
        return shown

    def _template_labels(self, space: str, template: Json | None) -> dict[str, str]:
        return labels(field for field in self.fields_on_close(space, template) if not is_display_only(field))
