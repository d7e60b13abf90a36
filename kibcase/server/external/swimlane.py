"""What Kibana's Swimlane connector says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.http import Answer, check_json
from kibcase.server.external.service import Json, Setting, SubAction, base_of, iso, push, wrong_configuration

_T = TypeVar("_T")
# Key of a mapping in the connector's config: the incident's field.
_MAPPED = {
    "ruleNameConfig": "ruleName", "alertIdConfig": "alertId", "caseIdConfig": "caseId",
    "caseNameConfig": "caseName", "severityConfig": "severity", "descriptionConfig": "description",
}


class SwimlaneService:
    """One application; config ``{apiUrl, appId, connectorType, mappings}``, secrets ``{apiToken}``."""

    def __init__(self, setting: Setting) -> None:
        config = setting.config
        if not (config["apiUrl"] and config["appId"] and setting.secrets["apiToken"]):
            raise wrong_configuration("Swimlane")
        self._setting = setting
        self._app: str = config["appId"]
        self._mappings: Mapping[str, Json | None] = config["mappings"]
        self._base = base_of(config["apiUrl"])
        self._api = self._base if self._base.endswith("api") else f"{self._base}/api"

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a Swimlane connector."""
        return {
            "pushToService": lambda params: push(
                params, create=self.create, update=self.update, comment=self._comment
            )
        }

    def create(self, incident: Json) -> Json:
        """Create a record."""
        return self._try("create record", lambda: self._write("POST", incident, "createdDate"))

    def update(self, identifier: str, incident: Json) -> Json:
        """Overwrite the mapped fields of a record."""
        return self._try("update record", lambda: self._write("PATCH", incident, "modifiedDate", identifier))

    def _write(self, method: str, incident: Json, moment: str, identifier: str | None = None) -> Json:
        body: Json = {"applicationId": self._app, "values": self._values(incident)}
        if identifier is not None:
            body["id"] = identifier
        data = self._send(method, self._record(identifier), body, "id", "name", moment).data
        return {
            "id": data["id"], "title": data["name"], "pushedDate": iso(data[moment]),
            "url": f"{self._base}/record/{self._app}/{identifier or data['id']}",
        }

    def _values(self, incident: Json) -> Json:
        values: Json = {}
        for key, name in _MAPPED.items():
            field, value = self._mappings.get(key), incident.get(name)
            if field and value:
                values[field["id"]] = _number(value) if field["fieldType"] == "numeric" else value
        return values

    def _comment(self, result: Json, comment: Mapping[str, str]) -> str:
        return self._try("create comment", lambda: self._add_comment(result["id"], comment["comment"]))

    def _add_comment(self, identifier: str, text: str) -> str:
        field = self._mappings.get("commentsConfig")
        if not field:
            raise BadAnswer("No comment field mapped in Swimlane connector")
        now = self._setting.now()
        body = {"createdDate": now, "fieldId": field["id"], "isRichText": True, "message": text}
        url = f"{self._record(identifier)}/{quote(field['id'], safe='')}/comment"
        self._setting.http.send("POST", url, headers=self._headers(), body=body)
        return now

    def _record(self, identifier: str | None) -> str:
        base = f"{self._api}/app/{quote(self._app, safe='')}/record"
        return base if identifier is None else f"{base}/{quote(identifier, safe='')}"

    def _send(self, method: str, url: str, body: Json, *required: str) -> Answer:
        answer = self._setting.http.send(method, url, headers=self._headers(), body=body)
        check_json(answer, *required)
        return answer

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/json", "private-token": self._setting.secrets["apiToken"]}

    def _try(self, doing: str, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except (HttpFailure, BadAnswer) as error:
            answer = getattr(error, "answer", None)
            raise ServiceError(
                f"[Action][Swimlane]: Unable to {doing} in application with id {self._app}. "
                f"Status: {500 if answer is None else answer.status}. Error: {error}. Reason: {_reason(answer)}"
            ) from error


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0
    return int(number) if number.is_integer() else number


def _reason(answer: Answer | None) -> str:
    data = answer.data if answer is not None and isinstance(answer.data, dict) else {}
    if data.get("Argument") is None or data.get("ErrorCode") is None:
        return "unknown"
    return f"{data['Argument']} ({data['ErrorCode']})"
