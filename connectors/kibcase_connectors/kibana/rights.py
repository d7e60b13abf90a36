"""What the account may do with cases, as Kibana tells its own pages (``POST /api/core/capabilities``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from kibcase import Request
from kibcase.errors import ApiError, AuthenticationError, InvalidAnswer
from kibcase_connectors.api import Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FILES, STATUS, Finding

_STEMS: Final = {
    "cases": "generalCases", "observability": "observabilityCases", "securitySolution": "securitySolutionCases",
}
_MEANS: Final = {
    "create_cases": "create cases", "update_cases": "change cases", "create_comment": "comment",
    "case_reopen": "reopen cases", "cases_assign": "assign cases",
}
# Older stacks count these among the changes of a case, and have no such capability (assigning: before 8.18).
_PARTS: Final = {"create_comment": (COMMENTS, FILES), "case_reopen": (STATUS,), "cases_assign": (ASSIGNEE,)}
_MINIMAL: Final = ("create_cases", "update_cases")


def check_rights(access: Access, context: Context, offers: Offers) -> Iterator[Finding]:
    """Yield one line about the rights for what the link rule writes here, divided as this stack divides them."""
    features = _features(access)
    needed = _needed(features, context, offers)
    if not needed:
        yield Finding(level="ok", subject="rights", text="nothing is written here, so reading is enough")
        return
    if not features:
        text = "not told to this account; it needs the privilege Cases: All for this owner in this space"
        yield Finding(level="note", subject="rights", text=text)
        return
    lacking = [name for name in needed if not _granted(name, features)]
    if not lacking:
        yield Finding(level="ok", subject="rights", text=_told(needed))
        return
    deeds, privileges = ", ".join(_MEANS[name] for name in lacking), _privileges(lacking)
    plural = "s" if "," in privileges else ""
    text = f"the account may not {deeds}; give it the privilege{plural} {privileges} of {max(features)}"
    yield Finding(level="problem", subject="rights", text=text)


def _needed(features: Mapping[str, Mapping[str, Any]], context: Context, offers: Offers) -> list[str]:
    fields = (*offers.fields, COMMENTS, FILES)
    written = {part for part in fields if context.wants(part) and context.writes(part)}
    known = {name for feature in features.values() for name in feature}
    # Everything else counts as a change of the case, the edit of a comment and the closing of a case among them.
    apart = {part for name, part in (("create_comment", FILES), ("cases_assign", ASSIGNEE)) if name in known}
    needed = {name for name, parts in _PARTS.items() if written.intersection(parts)}
    needed |= {"create_cases"} if context.writes(CREATE) else set()
    needed |= {"update_cases"} if written - apart else set()
    return [name for name in _MEANS if name in needed]


def _told(needed: Collection[str]) -> str:
    minimal = " and ".join(_MEANS[name].partition(" ")[0] for name in _MINIMAL if name in needed)
    further = (_MEANS[name].partition(" ")[0] for name in needed if name in _PARTS)
    return ", ".join((*([f"{minimal} cases"] if minimal else []), *further))


def _privileges(lacking: Collection[str]) -> str:
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
