"""What Kibana's TheHive connector says (API v1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.service import Json, Setting, SubAction, base_of, iso_of_millis, push


class TheHiveService:
    """One organisation of TheHive; config ``{url, organisation}``, secrets ``{apiKey}``."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._base = base_of(setting.config["url"])
        self._cases = f"{self._base}/api/v1/case"

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a TheHive connector."""
        return {
            "pushToService": lambda params: push(
                params, create=self.create, update=self.update, comment=self._comment
            ),
            "getIncident": lambda params: self._send("GET", self._url(params["externalId"])),
        }

    def create(self, incident: Json) -> Json:
        """Create a case."""
        made = self._send("POST", self._cases, incident)
        try:
            return self._result(made["_id"], made["title"], iso_of_millis(made["_createdAt"]))
        except (KeyError, TypeError, BadAnswer) as error:
            raise ServiceError(f"Response validation failed ({error})") from error

    def update(self, identifier: str, incident: Json) -> Json:
        """Overwrite fields of a case."""
        self._send("PATCH", self._url(identifier), incident)
        return self._result(identifier, incident["title"], self._setting.now())

    def _result(self, identifier: str, title: str, pushed: str) -> Json:
        url = f"{self._base}/cases/{identifier}/details"
        return {"id": identifier, "title": title, "url": url, "pushedDate": pushed}

    def _comment(self, result: Json, comment: Mapping[str, str]) -> str:
        self._send("POST", f"{self._url(result['id'])}/comment", {"message": comment["comment"]})
        pushed: str = result["pushedDate"]
        return pushed

    def _url(self, identifier: str) -> str:
        return f"{self._cases}/{quote(identifier, safe='')}"

    def _send(self, method: str, url: str, body: Json | None = None) -> Any:
        headers = {"authorization": f"Bearer {self._setting.secrets['apiKey']}"}
        if self._setting.config["organisation"] is not None:
            headers["x-organisation"] = self._setting.config["organisation"]
        try:
            return self._setting.http.send(method, url, headers=headers, body=body).data
        except HttpFailure as error:
            raise ServiceError(_explained(error)) from error


def _explained(error: HttpFailure) -> str:
    answer = error.answer
    if answer is None:
        return "Status code: undefined. Message: Unknown API Error"
    data = answer.data if isinstance(answer.data, dict) else {}
    kind, message = data.get("type", "undefined"), data.get("message", "undefined")
    return f"Status code: {answer.status}. Message: API Error: {kind} - {message}"
