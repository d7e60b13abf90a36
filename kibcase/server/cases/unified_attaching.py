"""The attachments of cases through the unified attachments API (``/api/cases/{id}/attachments``, 9.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.attaching import Attachments
from kibcase.server.cases.attachments import decode_replacement, decode_unified, documents_of
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.find import decode_page, page_codec
from kibcase.server.cases.unified import Attaching
from kibcase.server.cases.unified_store import UnifiedStore
from kibcase.server.codec import array, decode, limited, union

_TYPE = limited("type", 1, limits.ATTACHMENT_TYPE)
_QUERY = page_codec({"type": union(array(_TYPE, "type", 1, limits.ATTACHMENT_TYPES_PER_QUERY), _TYPE)})


@dataclass(frozen=True, slots=True)
class UnifiedAttachments:
    """The attachments of every case, in the unified shapes; they are the same ones as the comments endpoints have.

    Every method raises ``KibanaError`` with the status and text of Kibana's attachments API.
    """

    context: Context
    attachments: Attachments

    def create(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Add one attachment and give it; an alert or event that is there already gives the attachment that has it."""
        attaching = decode_unified(body)
        written = self.attachments.add(caller, case_id, [attaching])
        return self.get(caller, case_id, (written or self._holders(caller, case_id, attaching))[0])

    def _holders(self, caller: Caller, case_id: str, attaching: Attaching) -> list[str]:
        record = self.context.case(caller, case_id)
        asked = [identifier for identifier, _ in documents_of(attaching.payload)]
        return UnifiedStore(self.context.store).holders(record.number, attaching.payload["type"], asked)

    def get(self, caller: Caller, case_id: str, identifier: str) -> Json:
        """Read one attachment."""
        with self.context.store.transaction():
            found = self.attachments.read(caller, case_id, identifier)
            return self.attachments.shown([found], unified=True)[0]

    def find(self, caller: Caller, case_id: str, query: Mapping[str, Any]) -> Json:
        """Read a page of attachments of all or of some ``type``, by time of creation; no case has none."""
        fields = decode(_QUERY, dict(query))
        page = decode_page(fields)
        wanted = fields.get("type", [])
        store = self.context.store
        with store.transaction():
            number = self.attachments.visible(caller, case_id)
            total, identifiers = UnifiedStore(store).page(
                number, [wanted] if isinstance(wanted, str) else wanted, page
            )
            found = [record for name in identifiers if (record := store.attachment(caller.space, name)) is not None]
            shown = self.attachments.shown(found, unified=True)
        return {"data": shown, "page": page.number, "per_page": page.size, "total": total}

    def replace(self, caller: Caller, case_id: str, identifier: str, body: Any) -> Json:
        """Replace an attachment by its version, keeping type and owner, and give it."""
        version, attaching = decode_replacement(body)
        with self.context.store.transaction():
            self.attachments.replace(caller, case_id, identifier, version, attaching)
            return self.get(caller, case_id, identifier)
