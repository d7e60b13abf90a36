"""What a push sends: the incident in the words of the external system, and the comments since the last push; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases.connectors import mappings_of

Json = dict[str, Any]
Sources = Iterable[Mapping[str, Any]]
_SIR: Final = {
    "destIp": ("dest_ip", ("destination", "ip")),
    "sourceIp": ("source_ip", ("source", "ip")),
    "malwareHash": ("malware_hash", ("file", "hash", "sha256")),
    "malwareUrl": ("malware_url", ("url", "full")),
}
_HIVE_SEVERITY: Final = {"low": 1, "medium": 2, "high": 3, "critical": 4}
_APPS: Final = {
    "securitySolution": "/app/security/cases",
    "observability": "/app/observability/cases",
    "cases": "/app/management/insightsAndAlerting/cases",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Where Kibana shows cases: ``base`` is ``server.publicBaseUrl`` (None: no links), ``space`` the case's space."""

    base: str | None
    space: str

    def case(self, case_id: str, owner: str) -> str:
        """Give the URL of a case."""
        space = "" if self.space == "default" else f"/s/{self.space}"
        return f"{(self.base or '').removesuffix('/')}{space}{_APPS[owner]}/{case_id}"

    def alerts(self, case_id: str, owner: str) -> str:
        """Give the URL of the alerts of a case."""
        return f"{self.case(case_id, owner)}/?tabId=alerts"


def last_push(actions: Sequence[Json], connector_id: str) -> int | None:
    """Give the place of the newest push to a connector among user actions (oldest first), or None."""
    for place in range(len(actions) - 1, -1, -1):
        action = actions[place]
        if action["type"] == "pushed" and action["payload"]["externalService"]["connector_id"] == connector_id:
            return place
    return None


def reads_alerts(kind: str, fields: Mapping[str, Any] | None) -> bool:
    """Tell whether the incident holds values of the alerts' documents."""
    return kind == ".servicenow-sir" and any((fields or {}).get(name) for name in _SIR)


def incident(
    kind: str, case_id: str, case: Mapping[str, Any], external_id: str | None, *, alerts: Sources, pages: Pages,
    names: Mapping[str, str],
) -> Json:
    """Build the incident of ``pushToService`` for a connector of type ``kind``.

    The fields are those of the case's own connector, whatever connector is pushed to. ``alerts`` are documents'
    sources, ``names`` the people's names by ``profile_uid``.
    """
    texts = {"title": case["title"], "description": _described(case_id, case, pages, names)}
    targets = {mapping["source"]: mapping["target"] for mapping in mappings_of(kind)}
    mapped = {targets[source]: text for source, text in texts.items() if source in targets}
    fields = case["connector"]["fields"] or {}
    return mapped | _FORMATS[kind](case_id, case, fields, alerts) | {"externalId": external_id}


def comments(
    case_id: str, case: Mapping[str, Any], attachments: Sequence[tuple[str, Json]], actions: Sequence[Json], *,
    since: int | None, pages: Pages, names: Mapping[str, str], tells_actions: bool = False,
) -> list[Json]:
    """Build the comments of ``pushToService``: those touched since the push at place ``since``, and the alerts' total.

    ``attachments`` are (id, document), oldest first. Comments that were edited are sent again. ``tells_actions``
    sends the isolation and release of hosts too.
    """
    kinds = ("user", "actions") if tells_actions else ("user",)
    touched = {action["comment_id"] for action in actions[since or 0 :] if action["type"] == "comment"}
    chosen = [
        {"comment": f"{_content(doc)}\n\nAdded by {_author(doc, names)}.", "commentId": identifier}
        for identifier, doc in attachments
        if identifier in touched and doc["type"] in kinds
    ]
    return chosen + _alerts_total(case_id, case, [doc for _, doc in attachments], pages)


def _content(doc: Json) -> str:
    if doc["type"] == "user":
        return str(doc["comment"])
    done = {"isolate": "Isolated", "unisolate": "Released"}.get(doc["actions"]["type"])
    if done is None:
        return ""
    hosts = [target["hostname"] for target in doc["actions"]["targets"]]
    more = f"and {len(hosts) - 1} more " if len(hosts) > 1 else ""
    return f"{done} host {hosts[0] if hosts else 'unknown'} {more}with comment: {doc['comment']}"


def _alerts_total(case_id: str, case: Mapping[str, Any], docs: Sequence[Json], pages: Pages) -> list[Json]:
    alerts = [doc for doc in docs if doc["type"] == "alert"]
    if all(doc.get("pushed_at") is not None for doc in alerts):
        return []
    total = sum(len(_listed(doc["alertId"])) for doc in alerts)
    text = f"Elastic Alerts attached to the case: {total}"
    if pages.base:
        url = pages.alerts(case_id, case["owner"])
        text += f"\n\nFor more details, view the alerts in Kibana\nAlerts URL: {url}"
    return [{"comment": text, "commentId": f"{case_id}-total-alerts"}]


def _described(case_id: str, case: Mapping[str, Any], pages: Pages, names: Mapping[str, str]) -> str:
    text = f"{case['description']}\n\nAdded by {_author(case, names)}."
    if not pages.base:
        return text
    url = pages.case(case_id, case["owner"])
    return f"{text}\nFor more details, view this case in Kibana.\nCase URL: {url}"


def _author(doc: Mapping[str, Any], names: Mapping[str, str]) -> str:
    user = doc.get("updated_by") or doc.get("created_by")
    if user is None:
        return "Unknown"
    known = names.get(user.get("profile_uid") or "")
    return known or user.get("full_name") or user.get("username") or "Unknown"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _jira(_case_id: str, case: Mapping[str, Any], fields: Mapping[str, Any], _alerts: Sources) -> Json:
    return {name: fields.get(name) for name in ("priority", "issueType", "parent", "otherFields")} | {
        # Jira's labels have no spaces.
        "labels": [re.sub(r"\s+", "-", tag) for tag in case["tags"]]
    }


def _correlation(case_id: str) -> Json:
    return {"correlation_id": case_id, "correlation_display": "Elastic Case"}


def _itsm(case_id: str, _case: Mapping[str, Any], fields: Mapping[str, Any], _alerts: Sources) -> Json:
    names = ("severity", "urgency", "impact", "category", "subcategory")
    given = {name: fields.get(name) for name in names} | {"additional_fields": fields.get("additionalFields")}
    return given | _correlation(case_id)


def _sir(case_id: str, _case: Mapping[str, Any], fields: Mapping[str, Any], alerts: Sources) -> Json:
    values: Json = {target: [] for target, _ in _SIR.values()}
    wanted = [_SIR[name] for name in _SIR if fields.get(name)]
    for source in alerts:
        for target, path in wanted:
            value = _at(source, path)
            if value and value not in values[target]:
                values[target].append(value)
    given = {name: fields.get(name) for name in ("category", "subcategory", "priority")}
    return values | given | {"additional_fields": fields.get("additionalFields")} | _correlation(case_id)


def _resilient(_case_id: str, _case: Mapping[str, Any], fields: Mapping[str, Any], _alerts: Sources) -> Json:
    return {name: fields.get(name) for name in ("incidentTypes", "severityCode", "additionalFields")}


def _swimlane(case_id: str, _case: Mapping[str, Any], fields: Mapping[str, Any], _alerts: Sources) -> Json:
    return {"caseId": fields.get("caseId", case_id)}


def _thehive(_case_id: str, case: Mapping[str, Any], fields: Mapping[str, Any], _alerts: Sources) -> Json:
    return {"tags": case["tags"], "tlp": fields.get("tlp"), "severity": _HIVE_SEVERITY[case["severity"]]}


def _webhook(case_id: str, case: Mapping[str, Any], _fields: Mapping[str, Any], _alerts: Sources) -> Json:
    return {"id": case_id} | {name: case[name] for name in ("title", "description", "severity", "status", "tags")}


_FORMATS: Final[Mapping[str, Callable[[str, Mapping[str, Any], Mapping[str, Any], Sources], Json]]] = {
    ".jira": _jira, ".servicenow": _itsm, ".servicenow-sir": _sir, ".resilient": _resilient, ".swimlane": _swimlane,
    ".thehive": _thehive, ".cases-webhook": _webhook,
}
PUSHABLE: Final = frozenset(_FORMATS)


def _at(source: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = source
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
