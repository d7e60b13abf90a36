"""The media host of Cloud: a server of its own, to which downloads of attachments are redirected."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kibcase.server.threaded import ServerThread
from kibcase_connectors.standins.jira.state import JiraState


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRequest:
    """A download as the media host saw it; ``authorized`` if it was sent Jira's ``Authorization``, which is a leak."""

    path: str
    authorized: bool


class MediaHost:
    """Serves the bytes of attachments to whoever has their address, which holds a token.

    A request with ``Authorization`` is recorded and refused with 400, as hosts with signed addresses
    do. It listens from the first redirect on: ``stop`` ends it. Raises ``OSError`` there if the address
    cannot be bound.
    """

    def __init__(self, state: JiraState, host: str, port: int) -> None:
        self.requests: list[MediaRequest] = []
        self._state = state
        self._host, self._port = host, port
        self._tokens: dict[str, str] = {}
        self._server: ServerThread | None = None
        self._lock = threading.Lock()

    def address(self, attachment_id: str) -> str:
        """Give a fresh address of an attachment's bytes."""
        token = secrets.token_urlsafe(12)
        with self._lock:
            if self._server is None:
                app = Starlette(routes=[Route("/file/{token}/binary", self._serve)])
                self._server = ServerThread(app, host=self._host, port=self._port).start()
            self._tokens[token] = attachment_id
            return f"{self._server.url}/file/{token}/binary"

    def _serve(self, request: Request) -> Response:
        authorized = "authorization" in request.headers
        self.requests.append(MediaRequest(path=request.url.path, authorized=authorized))
        if authorized:
            text = "Only one auth mechanism allowed: the token of the address, or the Authorization header."
            return Response(text, 400, media_type="text/plain")
        attachment_id = self._tokens.get(str(request.path_params["token"]), "")
        content = self._state.storage.content(attachment_id)
        if content is None:
            return Response("Not found", 404, media_type="text/plain")
        file = next(each for issue in self._state.issues() for each in issue.attachments if each.id == attachment_id)
        return Response(content, media_type=file.mime_type, headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        })

    def stop(self) -> None:
        """End the server; calling it twice does no harm."""
        with self._lock:
            if self._server is not None:
                self._server.stop()
