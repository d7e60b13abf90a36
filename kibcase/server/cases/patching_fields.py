"""Template, extended fields and custom fields of one entry of a PATCH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.activity import changed_values
from kibcase.server.cases.extended_fields import check_on_close, check_values
from kibcase.server.cases.extended_fields_pairing import pair_updated
from kibcase.server.cases.store import CaseRecord
from kibcase.server.cases.templates_library import Library

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FieldChanges:
    """What one entry changes in the fields of a case; ``changes`` is what differs from the stored case."""

    library: Library
    space: str
    record: CaseRecord
    changes: Json

    def check(self) -> None:
        """Raise ``BadRequest`` if extended fields are sent that the case cannot have, or with values they cannot."""
        if "extended_fields" in self.changes:
            self._check(self.changes["extended_fields"])

    def _check(self, values: dict[str, str]) -> None:
        template = self._template()
        fields = self.library.fields_of(self.space, None if template is None else template["id"])
        check_values(values, fields, self._shared(), partial=True)

    def _template(self) -> Json | None:
        found: Json | None = self.changes.get("template", self.record.doc.get("template"))
        return found

    def _shared(self) -> list[Json]:
        return self.library.global_fields(self.space, self.record.doc["owner"])

    def settle(self, final: Json, configured: Sequence[Json]) -> frozenset[str]:
        """Complete ``final``, the fields to store: extended fields are merged, linked custom fields follow.

        Gives the keys of the custom fields whose change the extended fields record. Raises ``BadRequest``.
        """
        stored = self.record.doc
        before = stored.get("extended_fields") or {}
        if "extended_fields" in final:
            final["extended_fields"] = before | final["extended_fields"]
        if not configured or not {"customFields", "extended_fields"} & set(self.changes):
            return frozenset()
        links = self.library.links(self.space, stored["owner"], configured)
        custom: list[Json] = (stored | final)["customFields"]
        extended: dict[str, str] = ({"extended_fields": before} | final)["extended_fields"]
        paired = pair_updated(
            self.changes.get("customFields", ()), self.changes.get("extended_fields", {}), custom, extended, links
        )
        if paired.extended != extended:
            self._check(paired.extended)
            final["extended_fields"] = paired.extended
        if paired.custom != custom:
            final["customFields"] = paired.custom
        moved = changed_values(before, paired.extended)
        return frozenset(link.key for link in paired.touched if link.storage in moved)

    def check_closing(self, final: Json) -> None:
        """Raise ``BadRequest`` if the case is to be closed without a field that closing takes."""
        stored = self.record.doc
        if final.get("status") != "closed" or stored["status"] == "closed":
            return
        values = final.get("extended_fields", stored.get("extended_fields")) or {}
        own = self.library.fields_on_close(self.space, self._template())
        check_on_close(self.record.id, values, own, self._shared())
