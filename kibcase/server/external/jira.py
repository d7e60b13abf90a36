"""What Kibana's Jira connector says to Jira (REST API v2), on Cloud and Data Center alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.http import Answer, check_json
from kibcase.server.external.service import Json, Setting, SubAction, base_of, iso, push, wrong_configuration

_T = TypeVar("_T")
_RESERVED = re.compile(r'[+\-&|!(){}\[\]^~*?:\\/"]')


class JiraService:
    """One Jira project; config ``{apiUrl, projectKey}``, secrets ``{email, apiToken}``."""

    def __init__(self, setting: Setting) -> None:
        config, secrets = setting.config, setting.secrets
        if not (config["apiUrl"] and config["projectKey"] and secrets["email"] and secrets["apiToken"]):
            raise wrong_configuration("Jira")
        self._http = setting.http
        self._auth = (secrets["email"], secrets["apiToken"])
        self._project: str = config["projectKey"]
        self._base = base_of(config["apiUrl"])
        self._api = f"{self._base}/rest/api/2"

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a Jira connector."""
        return {
            "getFields": lambda _params: self.fields(),
            "getIncident": lambda params: self.incident(params["externalId"]),
            "pushToService": lambda params: push(
                params, create=self.create, update=self.update, comment=self._comment
            ),
            "issueTypes": lambda _params: self.issue_types(),
            "fieldsByIssueType": lambda params: self.fields_by_issue_type(params["id"]),
            "issues": lambda params: self.issues(params["title"]),
            "issue": lambda params: self.issue(params["id"]),
        }

    def incident(self, identifier: str) -> Json:
        """Read an issue: ``id``, ``key`` and its fields, flat."""
        return self._try(f"Unable to get incident with id {identifier}", lambda: self._incident(identifier))

    def create(self, incident: Json) -> Json:
        """Create an issue, of the project's first type if none is named."""
        kind = incident.get("issueType") or next((each["id"] for each in self.issue_types()), "")
        return self._try("Unable to create incident", lambda: self._create(incident | {"issueType": kind}))

    def update(self, identifier: str, incident: Json) -> Json:
        """Overwrite an issue; null fields are left as they are."""
        return self._try(
            f"Unable to update incident with id {identifier}", lambda: self._update(identifier, incident)
        )

    def issue_types(self) -> list[Json]:
        """List the project's issue types: ``[{id, name}]``."""
        return self._try("Unable to get issue types", self._issue_types)

    def fields_by_issue_type(self, identifier: str) -> Json:
        """Describe the fields of an issue type, by field id."""
        return self._try("Unable to get fields", lambda: self._fields(identifier))

    def fields(self) -> Json:
        """Describe the fields that all issue types of the project have."""
        common: Json = {}
        for kind in self.issue_types():
            found = self.fields_by_issue_type(kind["id"])
            common = {name: field for name, field in common.items() if name in found} if common else found
        return common

    def issues(self, title: str) -> list[Json]:
        """Find issues of the project by title: ``[{id, key, title}]``."""
        return self._try("Unable to get issues", lambda: self._issues(title))

    def issue(self, identifier: str) -> Json:
        """Read ``{id, key, title}`` of an issue."""
        return self._try(f"Unable to get issue with id {identifier}", lambda: _short(self._read(identifier).data))

    def _incident(self, identifier: str) -> Json:
        data = self._read(identifier, "id", "key").data
        fields = data.get("fields") or {}
        head = {"id": data["id"], "key": data["key"], "created": fields.get("created"),
                "updated": fields.get("updated")}
        return head | fields

    def _read(self, identifier: str, *required: str) -> Answer:
        return self._send("GET", f"/issue/{quote(identifier, safe='')}", *required)

    def _create(self, incident: Json) -> Json:
        made = self._send("POST", "/issue", "id", body={"fields": _issue_fields(self._project, incident)})
        return self._result(self.incident(made.data["id"]), "created")

    def _update(self, identifier: str, incident: Json) -> Json:
        given = {name: value for name, value in incident.items() if value is not None}
        fields = _issue_fields(self._project, given)
        self._send("PUT", f"/issue/{quote(identifier, safe='')}", body={"fields": fields})
        return self._result(self.incident(identifier), "updated")

    def _result(self, issue: Json, moment: str) -> Json:
        return {
            "title": issue["key"], "id": issue["id"], "pushedDate": iso(issue[moment]),
            "url": f"{self._base}/browse/{issue['key']}",
        }

    def _comment(self, result: Json, comment: Mapping[str, str]) -> str:
        def add() -> str:
            path = f"/issue/{quote(result['id'], safe='')}/comment"
            made = self._send("POST", path, "id", "created", body={"body": comment["comment"]})
            return iso(made.data["created"])

        return self._try(f"Unable to create comment at incident with id {result['id']}", add)

    def _issue_types(self) -> list[Json]:
        data = self._send("GET", f"/issue/createmeta/{quote(self._project, safe='')}/issuetypes").data
        # Cloud says issueTypes, Data Center values.
        return [{"id": each["id"], "name": each["name"]} for each in _listed(data, "issueTypes")]

    def _fields(self, identifier: str) -> Json:
        path = f"/issue/createmeta/{quote(self._project, safe='')}/issuetypes/{quote(identifier, safe='')}"
        data = self._send("GET", path).data
        return {each["fieldId"]: _field(each) for each in _listed(data, "fields")}

    def _issues(self, title: str) -> list[Json]:
        jql = f'project="{_quoted(self._project)}" and summary ~"{_quoted(_RESERVED.sub(_escape, title))}"'
        data = self._send("GET", "/search/jql", params={"jql": jql, "fields": "summary,key"}).data
        return [_short(each) for each in data.get("issues") or []]

    def _send(
        self, method: str, path: str, *required: str, body: Json | None = None, params: Json | None = None
    ) -> Answer:
        answer = self._http.send(method, self._api + path, auth=self._auth, body=body, params=params)
        check_json(answer, *required)
        return answer

    def _try(self, doing: str, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except HttpFailure as error:
            raise self._failed(doing, str(error), error.answer) from error
        except (BadAnswer, ServiceError) as error:
            raise self._failed(doing, str(error), None) from error

    def _failed(self, doing: str, message: str, answer: Answer | None) -> ServiceError:
        return ServiceError(f"[Action][Jira]: {doing}. Error: {message}. Reason: {_reason(answer)}")


def _issue_fields(project: str, incident: Json) -> Json:
    fields: Json = {"summary": _one_line(incident["summary"]), "project": {"key": project}}
    shapes: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "issueType": ("issuetype", lambda value: {"id": value}),
        "description": ("description", lambda value: value),
        "labels": ("labels", lambda value: value),
        "priority": ("priority", lambda value: {"name": value}),
        "parent": ("parent", lambda value: {"key": value}),
    }
    for name, (target, shape) in shapes.items():
        value = incident.get(name)
        # An empty list is a value to Kibana, an empty text is none.
        if value or value == []:
            fields[target] = shape(value)
    return fields | (incident.get("otherFields") or {})


def _one_line(text: str) -> str:
    return ", ".join(part.strip() for part in re.split(r"[\n\r]", text) if part.strip())


def _field(given: Json) -> Json:
    return {
        "required": given.get("required"),
        "allowedValues": given.get("allowedValues") or [],
        "defaultValue": given.get("defaultValue") or {},
        "schema": given.get("schema"),
        "name": given.get("name"),
    }


def _short(issue: Json) -> Json:
    return {"id": issue.get("id"), "key": issue.get("key"), "title": (issue.get("fields") or {}).get("summary")}


def _listed(data: Json, name: str) -> list[Json]:
    found = data.get(name) or data.get("values")
    if not isinstance(found, list):
        raise BadAnswer("Response is not a valid JSON")
    return found


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _quoted(text: str) -> str:
    # Two layers: the search syntax of a text, and the string of the query that holds it.
    return re.sub(r"\s", " ", text).replace("\\", "\\\\").replace('"', '\\"')


def _reason(answer: Answer | None) -> str:
    if answer is None or not isinstance(answer.data, dict):
        return "unknown: errorResponse was null"
    messages, errors = answer.data.get("errorMessages"), answer.data.get("errors")
    if isinstance(messages, list) and messages:
        return ", ".join(str(message) for message in messages)
    if not isinstance(errors, dict):
        return "unknown: errorResponse.errors was null"
    return " ".join(str(text) for text in errors.values())
