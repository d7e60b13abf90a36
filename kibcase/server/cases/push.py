"""Pushing a case to an external system: format, send, and note on the case what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases import activity, push_format
from kibcase.server.cases.actions import Connectors
from kibcase.server.cases.actions_store import ConnectorRecord
from kibcase.server.cases.authorization import authorize, authorize_connectors
from kibcase.server.cases.cases import remember, shown_comments
from kibcase.server.cases.changes import status_fields
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.patching import ALERT_STATUS, alert_targets
from kibcase.server.cases.push_format import Pages
from kibcase.server.cases.push_status import connectors_of
from kibcase.server.cases.store import CaseRecord
from kibcase.server.datemath import stamp
from kibcase.server.errors import Conflict, KibanaError

_PUSHES = "type IN ('pushed', 'comment')"
_CONNECTED = "type IN ('create_case', 'connector', 'pushed')"
_NEWS = "type IN ('comment', 'description', 'tags', 'title', 'severity', 'status')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """Pushes cases; ``public_base_url`` is Kibana's ``server.publicBaseUrl``, for links in what is pushed.

    A push is not one act: the external system is written to first, outside any transaction, and the case after that.
    If the case changes at the wrong moment, the answer is a conflict and the case does not know its incident.
    """

    context: Context
    connectors: Connectors
    public_base_url: str | None = None

    def push(self, caller: Caller, case_id: str, connector_id: str) -> Json:
        """Push a case (``POST connector/{connector_id}/_push``); gives the case with all comments.

        Raises ``NotFound`` (case or connector), ``Forbidden``, ``KibanaError`` with status 424 if the external
        system fails, ``Conflict`` if the case changed while it was to be written.
        """
        connector, params = self._prepared(caller, case_id, connector_id)
        result = self.connectors.run(
            caller, connector.id, {"subAction": "pushToService", "subActionParams": params}
        )
        if result["status"] == "error":
            text = result.get("service_message") or result.get("message") or "Error pushing to service"
            raise KibanaError(text, status=424)
        return self._noted(caller, case_id, connector, result["data"])

    def connectors_of(self, caller: Caller, case_id: str) -> Json:
        """Tell which connectors a case has had and whether it needs to be pushed (``GET _connectors``)."""
        context = self.context
        with context.store.transaction():
            record = context.store.case(caller.space, case_id)
            if record is None:
                return {}
            authorize(caller, "getConnectors", [record.doc["owner"]])
            actions = [action.doc for action in context.store.user_actions(record.number, f"{_CONNECTED} OR {_NEWS}")]
            known = self.connectors.store.names(caller.space, _connector_ids(actions))
        return connectors_of(actions, {found.id: (found.type, found.name) for found in known.values()})

    def _prepared(self, caller: Caller, case_id: str, connector_id: str) -> tuple[ConnectorRecord, Json]:
        context = self.context
        with context.store.transaction():
            record = context.case(caller, case_id)
            authorize(caller, "getCase", [record.doc["owner"]])
            authorize_connectors(caller, "get")
            connector = self.connectors.existing(caller, connector_id)
            authorize(caller, "pushCase", [record.doc["owner"]])
            actions = [action.doc for action in context.store.user_actions(record.number, _PUSHES)]
            attachments = [(found.id, found.doc) for found in context.store.attachments(record.number)]
            alerts = self._alerts(connector, record)
        if connector.type not in push_format.PUSHABLE:
            return connector, {}
        since = push_format.last_push(actions, connector.id)
        external = None if since is None else actions[since]["payload"]["externalService"]["external_id"]
        shared: Any = {"pages": Pages(base=self.public_base_url, space=caller.space), "names": self._names()}
        incident = push_format.incident(
            connector.type, record.id, record.doc, external, alerts=alerts, **shared
        )
        comments = push_format.comments(
            record.id, record.doc, attachments, actions, since=since,
            tells_actions=self.context.stack.pushes_host_actions, **shared,
        )
        return connector, {"incident": incident, "comments": comments}

    def _alerts(self, connector: ConnectorRecord, record: CaseRecord) -> list[Json]:
        if not push_format.reads_alerts(connector.type, record.doc["connector"]["fields"]):
            return []
        return [found.source for _, found in self.context.alerts.read(alert_targets(self.context, record))]

    def _names(self) -> dict[str, str]:
        people = {profile["uid"]: profile["user"] for profile in self.context.profiles()}
        return {uid: user.get("full_name") or user.get("username") or "" for uid, user in people.items()}

    def _noted(self, caller: Caller, case_id: str, connector: ConnectorRecord, incident: Json) -> Json:
        context = self.context
        read = context.case(caller, case_id)
        now = context.clock()
        external = {
            "connector_id": connector.id, "connector_name": connector.name, "external_id": incident["id"],
            "external_title": incident["title"], "external_url": incident["url"], "pushed_at": stamp(now),
            "pushed_by": caller.user,
        }
        with context.store.transaction():
            record = context.case(caller, case_id)
            if record.version != read.version:
                raise Conflict(f"Saved object [cases/{case_id}] conflict")
            closes = self._closes(caller, record)
            moved: Json = {}
            if closes:
                timings = context.stack.has_timings
                moved = {"status": "closed"} | status_fields(record.doc, "closed", now, caller.user, timings=timings)
            moved |= {"external_service": external, "updated_at": stamp(now), "updated_by": caller.user}
            self._mark(record, {"pushed_at": stamp(now), "pushed_by": caller.user})
            context.store.put_case(record.number, record.doc | moved, reserved=record.reserved)
            if closes:
                self._close(caller, record)
            remember(context, caller, record, [activity.pushed(external)])
            updated = context.case(caller, case_id)
            shown = context.show_whole(updated, shown_comments(context, updated))
            # Kibana does not count the alerts and events of a case that it has just pushed.
            return shown | {name: 0 for name in ("totalAlerts", "totalEvents") if name in shown}

    def _closes(self, caller: Caller, record: CaseRecord) -> bool:
        found = self.context.store.configurations(caller.space)
        return any(
            each.doc["closure_type"] == "close-by-pushing" for each in found if each.doc["owner"] == record.doc["owner"]
        )

    def _close(self, caller: Caller, record: CaseRecord) -> None:
        context = self.context
        remember(context, caller, record, activity.changed(record.doc, {"status": "closed"}, {}))
        if record.doc["settings"]["syncAlerts"]:
            targets = alert_targets(context, record)
            context.alerts.set_workflow_status(targets, ALERT_STATUS["closed"], stamp=context.stack.has_timings)

    def _mark(self, record: CaseRecord, pushed: Json) -> None:
        store = self.context.store
        with store.transaction() as db:
            for found in store.attachments(record.number):
                if found.doc.get("pushed_at") is None:
                    doc = json.dumps(found.doc | pushed, separators=(",", ":"), ensure_ascii=False)
                    values = (doc, store.next("seq"), found.number)
                    db.execute("UPDATE attachments SET doc = ?, seq = ? WHERE number = ?", values)


def _connector_ids(actions: list[Json]) -> list[str]:
    named = [(action["payload"] or {}).get("connector") for action in actions]
    return list(dict.fromkeys(connector["id"] for connector in named if connector))
