"""Handlers of search: one API on Data Center, another on Cloud."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.jira.call import Call, answer, split_names, whole
from kibcase_connectors.standins.jira.problem import JiraProblem

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_PAGE = 50
_CLASSIC_CAP = 1000
_IDS_CAP = 5000
_FIELDS_CAP = 100
_RECONCILE_CAP = 50
_TOKEN_KEYS = ("jql", "fields", "expand", "properties", "reconcileIssues", "nextPageToken", "maxResults",
               "fieldsByKeys", "failFast")
_CLASSIC_KEYS = ("jql", "fields", "expand", "startAt", "maxResults", "validateQuery", "fieldsByKeys")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    jql: str
    fields: list[str]
    expand: list[str]
    properties: list[str]
    given: Mapping[str, Any]

    def render(self, call: Call, issue: Any) -> dict[str, Any]:
        return call.show.issue(
            issue, fields=self.fields, changelog="changelog" in self.expand, properties=self.properties,
            rendered="renderedFields" in self.expand,
        )


def _asked(call: Call, allowed: tuple[str, ...]) -> _Asked:
    if call.request.method == "POST":
        given: Mapping[str, Any] = call.document(*allowed)
    else:
        lists = ("fields", "expand", "properties", "reconcileIssues")
        given = {k: call.names(k) if k in lists else v for k, v in call.request.query_params.items()}
    text = given.get("jql") or ""
    if not isinstance(text, str):
        raise JiraProblem(400, "The value of 'jql' must be text.")
    return _Asked(
        jql=text, fields=split_names(given.get("fields")), expand=split_names(given.get("expand")),
        properties=split_names(given.get("properties")), given=given,
    )


def classic(call: Call) -> Response:
    """GET and POST /search: Data Center; removed from Cloud."""
    if call.cloud:
        raise JiraProblem(410, REMOVED)
    asked = _asked(call, _CLASSIC_KEYS)
    lenient = str(asked.given.get("validateQuery", "strict")).lower() in ("false", "none", "warn")
    found = call.state.search(call.actor, asked.jql, lenient=lenient)
    start = max(0, whole(asked.given.get("startAt"), "startAt", 0))
    cap = call.switches.page_cap or _CLASSIC_CAP
    size = whole(asked.given.get("maxResults"), "maxResults", _PAGE)
    size = cap if size < 0 else min(size, cap)
    shown = asked if asked.fields else _Asked(
        jql=asked.jql, fields=["*navigable"], expand=asked.expand, properties=asked.properties, given=asked.given
    )
    return answer({
        "expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found),
        "issues": [shown.render(call, issue) for issue in found[start : start + size]],
    })


def by_token(call: Call) -> Response:
    """GET and POST /search/jql: Cloud; Data Center does not have it."""
    if not call.cloud:
        raise JiraProblem(404, f"null for uri: {call.request.url.path}")
    asked = _asked(call, _TOKEN_KEYS)
    fresh = [whole(each, "reconcileIssues", 0) for each in split_names(asked.given.get("reconcileIssues"))]
    if len(fresh) > _RECONCILE_CAP:
        raise JiraProblem(400, f"The number of issues to reconcile must not exceed {_RECONCILE_CAP}.")
    found = call.state.search(call.actor, asked.jql, fresh=fresh)
    start = _read_token(asked.given.get("nextPageToken"), asked.jql)
    size = _token_page_size(call, asked)
    page = found[start : start + size]
    body: dict[str, Any] = {"issues": [_sparse(call, asked, issue) for issue in page]}
    if start + size < len(found):
        body["nextPageToken"] = _write_token(start + size, asked.jql)
    return answer({**body, "isLast": "nextPageToken" not in body})


def _token_page_size(call: Call, asked: _Asked) -> int:
    cap = _IDS_CAP if set(asked.fields) <= {"id", "key"} else _FIELDS_CAP
    size = whole(asked.given.get("maxResults"), "maxResults", _PAGE)
    return min(size if size > 0 else _PAGE, call.switches.page_cap or cap)


def _sparse(call: Call, asked: _Asked, issue: Any) -> dict[str, Any]:
    if not asked.fields:
        bare: dict[str, Any] = {"id": str(issue.id)}
        if asked.properties:
            bare["properties"] = {k: v for k, v in issue.properties.items() if k in asked.properties}
        return bare
    body = asked.render(call, issue)
    if set(asked.fields) <= {"id", "key"}:
        del body["fields"]
    return body


def _fingerprint(jql: str) -> str:
    return hashlib.sha256(jql.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _write_token(offset: int, jql: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([offset, _fingerprint(jql)]).encode()).decode()


def _read_token(token: object, jql: str) -> int:
    if token in (None, ""):
        return 0
    try:
        offset, fingerprint = json.loads(base64.urlsafe_b64decode(str(token)))
    except (binascii.Error, ValueError, TypeError):
        offset, fingerprint = -1, ""
    if not isinstance(offset, int) or offset < 0 or fingerprint != _fingerprint(jql):
        raise JiraProblem(400, "The provided next page token is invalid or expired.")
    return offset


def count(call: Call) -> Response:
    """POST /search/approximate-count: Cloud only."""
    if not call.cloud:
        raise JiraProblem(404, f"null for uri: {call.request.url.path}")
    return answer({"count": len(call.state.search(call.actor, str(call.document("jql").get("jql") or "")))})


def nothing(call: Call) -> Response:
    """Answer the search of an anonymous caller, who may see no issue."""
    if call.cloud != call.request.url.path.endswith("/jql"):
        return classic(call) if call.cloud else by_token(call)
    if call.cloud:
        return answer({"issues": [], "isLast": True})
    return answer({"expand": "schema,names", "startAt": 0, "maxResults": _PAGE, "total": 0, "issues": []})
