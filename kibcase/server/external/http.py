"""One HTTP call to an external system: bounded in time and size, TLS verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from kibcase.server.external.failures import BadAnswer, HttpFailure

RESPONSE_TIMEOUT: Final = 60.0
MAX_ANSWER_BYTES: Final = 1_000_000
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a system answered; ``data`` is the decoded JSON, or the text if it is none."""

    method: str
    url: str
    status: int
    reason: str
    content_type: str | None
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalHttp:
    """Sends requests as Kibana's connectors do (``xpack.actions.responseTimeout``, ``maxResponseContentLength``).

    ``timeout`` in seconds bounds the whole call; an answer above ``limit`` bytes is a failure. Proxies and
    credentials of the environment are not used. ``verify`` False accepts any certificate.
    """

    timeout: float = RESPONSE_TIMEOUT
    limit: int = MAX_ANSWER_BYTES

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        verify: bool = True,
    ) -> Answer:
        """Send one request; ``body`` is JSON values, or a string that is JSON already.

        Raises ``HttpFailure`` unless the answer has a status of success.
        """
        content = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        given = {"accept": "application/json, text/plain, */*", "user-agent": "kibcase"} | dict(headers or {})
        if content is not None and not any(name.lower() == "content-type" for name in given):
            given["content-type"] = "application/json"
        with requests.Session() as session:
            session.trust_env = False
            try:
                return self._exchange(session, method, url, given, auth, content, params, verify)
            except requests.RequestException as error:
                raise HttpFailure(self._explained(error, url)) from error

    def _exchange(
        self, session: requests.Session, method: str, url: str, headers: dict[str, str],
        auth: tuple[str, str] | None, content: str | None, params: Mapping[str, str] | None, verify: bool,  # noqa: FBT001
    ) -> Answer:
        end = monotonic() + self.timeout
        response = session.request(
            method, url, headers=headers, auth=_encoded(auth), data=None if content is None else content.encode(),
            params=params, timeout=self.timeout, verify=verify, stream=True,
        )
        with closing(response):
            raw = self._read(response, end)
        answer = Answer(
            method=method.lower(), url=url, status=response.status_code, reason=response.reason or "",
            content_type=response.headers.get("content-type"), data=_decoded(raw),
        )
        if not 200 <= answer.status < 300:
            raise HttpFailure(f"Request failed with status code {answer.status}", answer)
        return answer

    def _read(self, response: requests.Response, end: float) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > self.limit:
                raise HttpFailure(f"maxContentLength size of {self.limit} exceeded")
            if monotonic() > end:
                raise requests.Timeout
            chunks.append(chunk)
        return b"".join(chunks)

    def _explained(self, error: requests.RequestException, url: str) -> str:
        if isinstance(error, requests.Timeout):
            return f"timeout of {round(self.timeout * 1000)}ms exceeded"
        if isinstance(error, requests.exceptions.SSLError):
            return "unable to verify the first certificate"
        if isinstance(error, requests.ConnectionError):
            refused = "Connection refused" in str(error)
            parts = urlsplit(url)
            where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
            return f"connect ECONNREFUSED {where}" if refused else "socket hang up"
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema)):
            return "Invalid URL"
        return type(error).__name__


def check_json(answer: Answer, *required: str) -> None:
    """Raise ``BadAnswer`` unless the answer is JSON with all ``required`` keys; 204 passes."""
    if answer.status == 204:
        return
    kind = answer.content_type or "undefined"
    if "application/json" not in kind:
        raise BadAnswer(
            f"Unsupported content type: {kind} in {answer.method} {answer.url}. "
            "Supported content types: application/json"
        )
    if answer.data and not isinstance(answer.data, (dict, list)):
        raise BadAnswer("Response is not a valid JSON")
    data = answer.data if isinstance(answer.data, dict) else {}
    if any(name not in data for name in required):
        raise BadAnswer(f"Response is missing at least one of the expected fields: {','.join(required)}")


def _encoded(auth: tuple[str, str] | None) -> Any:
    # As bytes, or requests would take them for Latin-1.
    return None if auth is None else tuple(part.encode() for part in auth)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")
