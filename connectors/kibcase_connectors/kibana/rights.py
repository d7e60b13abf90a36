"""What the account may do with cases, as Kibana tells its own pages (``POST /api/core/capabilities``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kibcase import Request
from kibcase.errors import ApiError, AuthenticationError, InvalidAnswer
from kibcase_connectors.api import Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.model import ASSIGNEE, COMMENTS, FILES, STATUS, Finding

_STEMS: Final = {
    "cases": "generalCases", "observability": "observabilityCases", "securitySolution": "securitySolutionCases",
}
_MEANS: Final = {
    "create_cases": "create cases", "update_cases": "change cases", "create_comment": "comment",
    "case_reopen": "reopen cases", "cases_assign": "assign cases",
}
# The stacks before 8.18 count these among the changes of a case, and have no such capability.
_PARTS: Final = {"create_comment": (COMMENTS, FILES), "case_reopen": (STATUS,), "cases_assign": (ASSIGNEE,)}
_MINIMAL: Final = ("create_cases", "update_cases")


def check_rights(access: Access, context: Context, offers: Offers) -> Iterator[Finding]:
    """Yield one line about the rights to write; what a stack does not know as a right of its own is not asked for."""
    features = _features(access)
    if not features:
        text = "not told to this account; it needs the privilege Cases: All for this owner in this space"
        yield Finding(level="note", subject="rights", text=text)
        return
    lacking = [name for name in _needed(context, offers) if not _granted(name, features)]
    if not lacking:
        yield Finding(level="ok", subject="rights", text=_told(context, offers))
        return
    deeds, privileges = ", ".join(_MEANS[name] for name in lacking), _privileges(lacking)
    plural = "s" if "," in privileges else ""
    text = f"the account may not {deeds}; give it the privilege{plural} {privileges} of {max(features)}"
    yield Finding(level="problem", subject="rights", text=text)


def _needed(context: Context, offers: Offers) -> list[str]:
    def carried(part: str) -> bool:
        return context.wants(part) and part not in offers.lacking

    return [name for name in _MEANS if name in _MINIMAL or any(map(carried, _PARTS[name]))]


def _told(context: Context, offers: Offers) -> str:
    further = (_MEANS[name].partition(" ")[0] for name in _needed(context, offers) if name in _PARTS)
    return ", ".join(("create and change cases", *further))


def _privileges(lacking: list[str]) -> str:
    minimal = ["minimal_all"] if set(_MINIMAL) & set(lacking) else []
    return ", ".join([*minimal, *(name for name in lacking if name in _PARTS)])


def _granted(name: str, features: Mapping[str, Mapping[str, Any]]) -> bool:
    values = [feature[name] for feature in features.values() if name in feature]
    return True in values or (not values and name not in _MINIMAL)


def _features(access: Access) -> dict[str, Mapping[str, Any]]:
    """Give what is told of the owner's feature in each of its generations; empty if nothing is."""
    request = Request(
        method="POST", path="/api/core/capabilities", json={"applications": []}, internal=True, idempotent=True
    )
    try:
        body = access.transport.send(request).json()
    except AuthenticationError:
        raise
    except (ApiError, InvalidAnswer):
        return {}
    name = re.compile(rf"{_STEMS[access.config.owner]}(V\d+)?")
    given = body if isinstance(body, dict) else {}
    return {key: value for key, value in given.items() if name.fullmatch(key) and isinstance(value, dict)}
