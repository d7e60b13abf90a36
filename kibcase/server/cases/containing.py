"""Which cases have all of some alerts or events (``_find_containing_all``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.observables import detected
from kibcase.server.codec import UNDEFINED
from kibcase.server.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Containing:
    """Answers ``POST /internal/cases/case/attachments/_find_containing_all``."""

    context: Context

    def find(self, caller: Caller, body: Mapping[str, Any]) -> Json:
        """Give ``{casesWithAllAttachments}``: those of ``caseIds`` with every one of ``documentIds``.

        Below 9.2 the key is ``alertIds``, and both may be one string. Nothing is asked without either. Raises
        ``BadRequest`` for another shape, ``NotFound`` for an unknown case, ``Forbidden`` for one that is hidden.
        """
        newer = self.context.stack.finds_cases_by_documents
        name = "documentIds" if newer else "alertIds"
        for key in body:
            if key not in (name, "caseIds"):
                raise BadRequest(f"[request body.{key}]: definition for this key is missing")
        documents = _strings(body, name, single=not newer)
        cases = _strings(body, "caseIds", single=not newer)
        if cases is None and newer:
            raise BadRequest("[request body.caseIds]: expected value of type [array] but got [undefined]")
        if not documents or not cases:
            return {"casesWithAllAttachments": []}
        kinds = ("alert", "event") if newer else ("alert",)
        with self.context.store.transaction():
            found = [name for name in cases if set(documents) <= self._documents(caller, name, kinds)]
        return {"casesWithAllAttachments": found}

    def _documents(self, caller: Caller, case_id: str, kinds: Iterable[str]) -> set[str]:
        record = self.context.case(caller, case_id)
        authorize(caller, ["getCase", "getAlertsAttachedToCase"], [record.doc["owner"]])
        return {row["id"] for kind in kinds for row in self.context.store.documents(record.number, kind)}


def _strings(body: Mapping[str, Any], name: str, *, single: bool) -> list[str] | None:
    given = body.get(name, UNDEFINED)
    if given is UNDEFINED:
        return None
    if single and isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        raise BadRequest(f"[request body.{name}]: expected value of type [array] but got [{detected(given)}]")
    for place, item in enumerate(given):
        if not isinstance(item, str):
            found = detected(item)
            raise BadRequest(f"[request body.{name}.{place}]: expected value of type [string] but got [{found}]")
    return given
