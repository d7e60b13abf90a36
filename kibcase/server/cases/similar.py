"""Cases that share observables (``POST /internal/cases/{id}/_similar``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases.authorization import readable
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.facts import OBSERVABLE, observable_value
from kibcase.server.cases.find import Sql, both, decode_page, having
from kibcase.server.cases.observables import bare, types_of
from kibcase.server.codec import Codec, decode, number_from_text, strict
from kibcase.server.errors import Forbidden

_PAGING: dict[str, Codec] = {"page": number_from_text, "perPage": number_from_text}
_REQUEST = strict({}, _PAGING)


@dataclass(frozen=True, slots=True)
class SimilarCases:
    """Finds cases of the same owner and space that have an observable of equal type and value."""

    context: Context

    def find(self, caller: Caller, case_id: str, body: Any) -> Json:
        """Give a page of similar cases, oldest first, each with what it shares.

        Observables of a type that is not configured any more do not count. Raises ``Forbidden`` below Platinum,
        ``BadRequest`` for paging beyond the limits, ``NotFound`` for an unknown case.
        """
        if not self.context.stack.is_platinum:
            raise Forbidden(
                "In order to use the similar cases feature, you must be subscribed to an Elastic Platinum license"
            )
        fields = decode(_REQUEST, body)
        page = decode_page(fields)
        store = self.context.store
        with store.transaction():
            record = self.context.case(caller, case_id)
            owner = record.doc["owner"]
            labels = types_of(self.context, caller.space, owner)
            wanted = _pairs(record.doc.get("observables", []), labels)
            if not wanted:
                return {"cases": [], "page": 1, "per_page": fields.get("perPage", 0), "total": 0}
            allowed = owner in readable(caller, "findCases")
            condition = _sharing(caller.space, owner, record.number, wanted) if allowed else ("0", [])
            total = int(store.select("count(*) AS n", *condition)[0]["n"])
            found = store.select_cases(*condition, "created_at, number", page.limit, page.offset)
            shown = [bare(self.context, each) for each in found]
        cases = [
            case | {"similarities": {"observables": similarities(wanted, case["observables"], labels)}}
            for case in shown
        ]
        return {"cases": cases, "page": page.number, "per_page": page.size, "total": total}


def similarities(wanted: Sequence[tuple[str, str]], other: Sequence[Json], labels: dict[str, str]) -> list[Json]:
    """Give what another case shares, in the order of ``wanted``; a value ends at its first comma, as Kibana's does."""
    present = {(item["typeKey"], item["value"]) for item in other}
    return [
        {"typeKey": kind, "typeLabel": labels[kind], "value": value.partition(",")[0]}
        for kind, value in wanted
        if (kind, value) in present
    ]


def _pairs(observables: Sequence[Json], labels: dict[str, str]) -> list[tuple[str, str]]:
    found = [(item["typeKey"], item["value"]) for item in observables if item["typeKey"] in labels]
    return list(dict.fromkeys(found))


def _sharing(space: str, owner: str, number: int, wanted: Sequence[tuple[str, str]]) -> Sql:
    alike: Sql = ("space = ? AND owner = ? AND number <> ?", [space, owner, number])
    return both(alike, having(OBSERVABLE, [observable_value(*pair) for pair in wanted]))
