"""Kibana's status, version and licence."""

from __future__ import annotations

import threading

from pydantic import TypeAdapter

from kibcase.client.answers import decode
from kibcase.errors import InvalidAnswer, NotFoundError, PermissionDenied
from kibcase.models.status import LicenseInfo, ServerStatus, Version
from kibcase.transport import Request, Transport

_STATUS = TypeAdapter(ServerStatus)
_LICENSE = TypeAdapter(LicenseInfo)


class KnownVersion:
    """The version of a stack once it is known; shared by the clients of all its spaces."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.status: ServerStatus | None = None


class StatusApi:
    """``kibana.status``: what Kibana says about itself."""

    def __init__(self, transport: Transport, known: KnownVersion) -> None:
        self._transport = transport
        self._known = known

    def get(self) -> ServerStatus:
        """Ask how Kibana is (GET /api/status). A Kibana that answers 503 with its status is an answer too."""
        response = self._transport.send(Request(method="GET", path="/api/status", accept=frozenset({503})))
        if response.status == 503 and not response.content.lstrip().startswith(b"{"):
            raise response.invalid("Kibana is not ready yet")
        return decode(response, _STATUS)

    @property
    def version(self) -> Version:
        """The version of the stack, asked for once.

        Raises ``InvalidAnswer`` if Kibana does not tell it to this user.
        """
        status = self._once()
        if status.version is None:
            raise InvalidAnswer("the version is not told to this user", method="GET", path="/api/status", status=200)
        return Version.parse(status.version.number)

    def license(self) -> LicenseInfo:
        """Ask which licence the stack has (GET /api/licensing/info)."""
        response = self._transport.send(Request(method="GET", path="/api/licensing/info", internal=True))
        return decode(response, _LICENSE)

    def comparable_version(self) -> Version | None:
        """Return the version to compare features with; None if it always is the newest or is not told.

        The newest is what serverless is. Asked for once. Only a refusal counts as "not told"; a failure
        to answer is raised.
        """
        try:
            status = self._once()
        except (PermissionDenied, NotFoundError):
            return None
        if status.version is None or status.serverless:
            return None
        return Version.parse(status.version.number)

    def _once(self) -> ServerStatus:
        with self._known.lock:
            if self._known.status is None:
                self._known.status = self.get()
            return self._known.status
