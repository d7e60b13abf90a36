"""What Kibana's IBM Resilient (QRadar SOAR) connector says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.http import Answer
from kibcase.server.external.service import Json, Setting, SubAction, base_of, iso_of_millis, push

_T = TypeVar("_T")
_FORMAT = {"text_content_output_format": "objects_convert"}
_NAMES = {"incidentTypes": "incident_type_ids", "severityCode": "severity_code"}
_FIELD_KEYS = ("name", "input_type", "read_only", "required", "text", "prefix", "values")


class ResilientService:
    """One organisation; config ``{apiUrl, orgId}``, secrets ``{apiKeyId, apiKeySecret}``."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._base = base_of(setting.config["apiUrl"])
        self._org = f"{self._base}/rest/orgs/{quote(setting.config['orgId'], safe='')}"
        self._auth = (setting.secrets["apiKeyId"], setting.secrets["apiKeySecret"])

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a Resilient connector."""
        return {
            "pushToService": lambda params: push(
                params, create=self.create, update=self.update, comment=self._comment
            ),
            "incidentTypes": lambda _params: self._choices("Unable to get incident types", "incident_type_ids"),
            "severity": lambda _params: self._choices("Unable to get severity", "severity_code"),
            "getFields": lambda _params: self.fields(),
        }

    def create(self, incident: Json) -> Json:
        """Create an incident, discovered now."""
        return self._try("Unable to create incident", lambda: self._create(incident))

    def update(self, identifier: str, incident: Json) -> Json:
        """Change an incident in one PATCH with old and new values; null fields are left as they are."""
        return self._try(
            f"Unable to update incident with id {identifier}", lambda: self._update(identifier, incident)
        )

    def incident(self, identifier: str) -> Json:
        """Read an incident."""
        def read() -> Json:
            data = self._send("GET", f"{self._org}/incidents/{quote(identifier, safe='')}", params=_FORMAT).data
            return _checked(data, "id", "inc_last_modified_date")

        return self._try(f"Unable to get incident with id {identifier}", read)

    def fields(self) -> list[Json]:
        """Describe the fields of incidents."""
        def read() -> list[Json]:
            data = self._send("GET", f"{self._org}/types/incident/fields").data
            return [{name: field.get(name) for name in _FIELD_KEYS} for field in data]

        return self._try("Unable to get fields", read)

    def _create(self, incident: Json) -> Json:
        data: Json = {"name": incident["name"], "discovered_date": int(self._setting.clock().timestamp() * 1000)}
        if incident.get("description"):
            data["description"] = {"format": "html", "content": incident["description"]}
        if incident.get("incidentTypes") is not None:
            data["incident_type_ids"] = [{"id": number} for number in incident["incidentTypes"]]
        if incident.get("severityCode"):
            data["severity_code"] = {"id": incident["severityCode"]}
        if incident.get("additionalFields"):
            data |= self._additional(incident["additionalFields"])
        made = _checked(
            self._send("POST", f"{self._org}/incidents", body=data, params=_FORMAT).data, "id", "create_date"
        )
        return self._result(made["id"], made["create_date"])

    def _additional(self, given: Json) -> Json:
        custom = {field["name"] for field in self.fields() if field["prefix"] == "properties"}
        properties = {name: value for name, value in given.items() if name in custom}
        rest = {name: value for name, value in given.items() if name not in custom}
        return rest | ({"properties": properties} if properties else {})

    def _update(self, identifier: str, incident: Json) -> Json:
        old = self.incident(identifier)
        changes = _changes(old, {name: value for name, value in incident.items() if value is not None})
        url = f"{self._org}/incidents/{quote(identifier, safe='')}"
        done = _checked(self._send("PATCH", url, body={"changes": changes}).data, "success")
        if not done["success"]:
            raise BadAnswer(f"Error while updating incident: {done.get('message')}")
        new = self.incident(identifier)
        return self._result(new["id"], new["inc_last_modified_date"])

    def _result(self, number: int, millis: float) -> Json:
        return {
            "title": f"{number}", "id": f"{number}", "pushedDate": iso_of_millis(millis),
            "url": f"{self._base}/#incidents/{number}",
        }

    def _comment(self, result: Json, comment: Mapping[str, str]) -> str:
        url = f"{self._org}/incidents/{quote(result['id'], safe='')}/comments"
        body = {"text": {"format": "text", "content": comment["comment"]}}
        self._try(
            f"Unable to create comment at incident with id {result['id']}",
            lambda: self._send("POST", url, body=body),
        )
        pushed: str = result["pushedDate"]
        return pushed

    def _choices(self, doing: str, field: str) -> list[Json]:
        def read() -> list[Json]:
            values = self._send("GET", f"{self._org}/types/incident/fields/{field}").data.get("values") or []
            return [{"id": str(each["value"]), "name": each["label"]} for each in values]

        return self._try(doing, read)

    def _send(self, method: str, url: str, *, body: Any = None, params: Mapping[str, str] | None = None) -> Answer:
        return self._setting.http.send(method, url, auth=self._auth, body=body, params=params)

    def _try(self, doing: str, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except HttpFailure as error:
            message = _explained(error)
        except (BadAnswer, ServiceError) as error:
            message = str(error)
        raise ServiceError(f"[Action][IBM Resilient]: {doing}. Error: {message}.")


def _explained(error: HttpFailure) -> str:
    answer = error.answer
    if answer is None:
        return "Status code: undefined. Message: Unknown API Error"
    if answer.status == 401:
        text = "Unauthorized API Error"
    elif isinstance(answer.data, dict) and "message" in answer.data:
        text = f"API Error: {answer.data['message']}"
    else:
        text = f"API Error: {answer.reason}"
    return f"Status code: {answer.status}. Message: {text}"


def _checked(data: Any, *required: str) -> Json:
    for name in required:
        if not isinstance(data, dict) or name not in data:
            raise BadAnswer(f"Response validation failed (Error: [{name}]: expected a value but got [undefined])")
    checked: Json = data
    return checked


def _changes(old: Json, new: Json) -> list[Json]:
    properties = old.get("properties") or {}
    additional = [
        {"field": {"name": name}, "old_value": _additional_value(properties.get(name, old.get(name))),
         "new_value": _additional_value(value)}
        for name, value in (new.get("additionalFields") or {}).items()
        if value
    ]
    plain = []
    for name, value in new.items():
        if name == "additionalFields":
            continue
        target = _NAMES.get(name, name)
        before = old.get(target)
        if name == "description":
            before = before.get("content") if isinstance(before, dict) else before
        plain.append({"field": {"name": target}, "old_value": _value(name, before), "new_value": _value(name, value)})
    return [*additional, *plain]


def _value(name: str, value: Any) -> Json:
    if value is None:
        return {"text": ""}
    if name == "description":
        return {"textarea": {"format": "html", "content": str(value)}}
    if name == "incidentTypes":
        numbers = value if isinstance(value, list) else [value]
        return {"ids": [int(each["id"] if isinstance(each, dict) else each) for each in numbers]}
    if name == "severityCode":
        return {"id": int(value["id"] if isinstance(value, dict) else value)}
    return {"text": str(value)}


def _additional_value(value: Any) -> Any:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolean": value}
    if isinstance(value, (int, float)):
        return {"integer": value}
    if isinstance(value, list):
        return {"ids": value}
    return {"text": value} if isinstance(value, str) else {"object": value}
