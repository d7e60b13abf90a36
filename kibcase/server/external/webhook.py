"""What Kibana's case management webhook says: templates of the connector, filled from the case."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.http import Answer
from kibcase.server.external.mustache import render
from kibcase.server.external.service import Json, Setting, SubAction, push, wrong_configuration

_T = TypeVar("_T")
_NAME = "Webhook - Case Management"
_URLS = ("createIncidentUrl", "getIncidentUrl", "updateIncidentUrl", "viewIncidentUrl")


class WebhookService:
    """URLs and JSON templates; secrets ``{user, password}`` if ``hasAuth``. Templates hold variables only."""

    def __init__(self, setting: Setting) -> None:
        config = setting.config
        if not all(config[name] for name in _URLS):
            raise wrong_configuration(_NAME)
        self._setting = setting
        self._config = config

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a case management webhook."""
        return {
            "pushToService": lambda params: push(
                params, create=self.create, update=self.update, comment=self._comment
            )
        }

    def create(self, incident: Json) -> Json:
        """Create a ticket, then read its title."""
        return self._try("Unable to create case", lambda: self._create(incident))

    def update(self, identifier: str, incident: Json) -> Json:
        """Overwrite a ticket, then read its title."""
        return self._try(f"Unable to update case with id {identifier}", lambda: self._update(identifier, incident))

    def _create(self, incident: Json) -> Json:
        key = self._config["createIncidentResponseKey"]
        body = render(self._config["createIncidentJson"], {"case": _quoted(incident)})
        url = self._config["createIncidentUrl"].removesuffix("/")
        answer = self._send(self._config["createIncidentMethod"], url, body, "Create case", key)
        identifier = _text(_get(answer.data, key))
        return self._result(identifier, self._title(identifier))

    def _update(self, identifier: str, incident: Json) -> Json:
        values = {"case": _quoted(incident)} | _system(id=json.dumps(identifier))
        body = render(self._config["updateIncidentJson"], values)
        url = render(self._config["updateIncidentUrl"], _system(id=_encoded(identifier)))
        self._send(self._config["updateIncidentMethod"], url, body, "Update case")
        return self._result(identifier, self._title(identifier))

    def _title(self, identifier: str) -> str:
        return self._try(f"Unable to get case with id {identifier}", lambda: self._read_title(identifier))

    def _read_title(self, identifier: str) -> str:
        config, key = self._config, self._config["getIncidentResponseExternalTitleKey"]
        url = render(config["getIncidentUrl"], _system(id=_encoded(identifier)))
        method, body = config["getIncidentMethod"], None
        if method == "post" and config["getIncidentJson"]:
            body = render(config["getIncidentJson"], _system(id=json.dumps(identifier)))
        return _text(_get(self._send(method, url, body, "Get case", key).data, key))

    def _result(self, identifier: str, title: str) -> Json:
        seen = _system(id=_encoded(identifier), title=_encoded(title))
        url = _checked_url(render(self._config["viewIncidentUrl"], seen), "View case URL")
        return {"id": identifier, "title": title, "url": url, "pushedDate": self._setting.now()}

    def _comment(self, result: Json, comment: Mapping[str, str]) -> str:
        config, identifier = self._config, result["id"]
        pushed: str = result["pushedDate"]
        if not (config["createCommentUrl"] and config["createCommentJson"] and config["createCommentMethod"]):
            return pushed
        values = {"case": _quoted({"comment": comment["comment"]})} | _system(id=json.dumps(identifier))
        url = render(config["createCommentUrl"], _system(id=_encoded(identifier)))
        body = render(config["createCommentJson"], values)
        self._try(
            f"Unable to create comment at case with id {identifier}",
            lambda: self._send(config["createCommentMethod"], url, body, "Create comment"),
        )
        return pushed

    def _send(self, method: str, url: str, body: str | None, noun: str, *required: str) -> Answer:
        secrets = self._setting.secrets
        auth = (secrets["user"], secrets["password"]) if self._config["hasAuth"] else None
        if body is not None:
            _check_body(body, f"{noun} JSON body")
        answer = self._setting.http.send(
            method.upper(), _checked_url(url, f"{noun} URL"), auth=auth, body=body,
            headers={"content-type": "application/json"} | (self._config["headers"] or {}),
            verify=self._config["verificationMode"] != "none",
        )
        _check_answer(answer, required)
        return answer

    def _try(self, doing: str, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except (HttpFailure, BadAnswer, ServiceError) as error:
            answer = getattr(error, "answer", None)
            said = "" if answer is None or not answer.data else _json(answer.data)
            reason = "" if answer is None else f"Reason: {answer.reason}"
            raise ServiceError(f"[Action][{_NAME}]: {doing}. Error: {error}. {said} {reason}") from error


def _quoted(values: Mapping[str, Any]) -> Json:
    names = ("description", "id", "severity", "status", "tags", "title", "comment")
    blank: dict[str, Any] = {"tags": []}
    return {
        name: _json(blank.get(name, "") if values.get(name) is None else values[name])
        for name in names
        if name != "comment" or name in values
    }


def _system(**values: str) -> Json:
    return {"external": {"system": values}}


def _encoded(text: str) -> str:
    return quote(text, safe="!'()*~")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _checked_url(url: str, noun: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadAnswer(f"Invalid {noun}: Error: Invalid URL: {url}" if not parts.scheme else
                        f"Invalid {noun}: Error: Invalid protocol.")
    return url


def _check_body(text: str, noun: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadAnswer(f"JSON Error: {noun} must be valid JSON. {error}") from error


def _check_answer(answer: Answer, required: tuple[str, ...]) -> None:
    if answer.status == 204 and not answer.data and not required:
        return
    where = f"in {answer.method} {answer.url}. Supported content types: application/json"
    if answer.content_type is None:
        raise BadAnswer(f"Missing content type header {where}")
    if "application/json" not in answer.content_type:
        raise BadAnswer(f"Unsupported content type: {answer.content_type} {where}")
    if answer.data and not isinstance(answer.data, (dict, list)):
        raise BadAnswer("Response is not a valid JSON")
    missing = [name for name in required if _get(answer.data, name) is _MISSING]
    if missing:
        raise BadAnswer(
            f"Response is missing the expected {'fields' if len(missing) > 1 else 'field'}: {', '.join(missing)}"
        )


_MISSING = object()


def _get(data: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        elif isinstance(data, dict) and name in data:
            data = data[name]
        else:
            return _MISSING
    return data


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)
