"""What Kibana answers when it refuses a request; knows status codes, not HTTP libraries."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

_NAMES = {413: "Request Entity Too Large", 424: "Failed Dependency"}


class KibanaError(Exception):
    """A refusal with Kibana's envelope ``{"statusCode", "error", "message"}``, newer ones with ``attributes``."""

    status: int = 500

    def __init__(
        self, message: str, *, status: int | None = None, attributes: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.attributes = attributes
        if status is not None:
            self.status = status

    @property
    def body(self) -> dict[str, object]:
        """The envelope, as JSON values."""
        name = _NAMES.get(self.status) or HTTPStatus(self.status).phrase
        envelope: dict[str, object] = {"statusCode": self.status, "error": name, "message": self.message}
        return envelope if self.attributes is None else envelope | {"attributes": dict(self.attributes)}


class BadRequest(KibanaError):
    """400: the request breaks a rule."""

    status = 400


class Unauthorized(KibanaError):
    """401: no credentials, or wrong ones."""

    status = 401


class Forbidden(KibanaError):
    """403: licence or privilege."""

    status = 403


class NotFound(KibanaError):
    """404: no such thing, or no such route."""

    status = 404


class NotAcceptable(KibanaError):
    """406: a PATCH that changes nothing."""

    status = 406


class Conflict(KibanaError):
    """409: the version is stale, or the identifier is taken."""

    status = 409


class PayloadTooLarge(KibanaError):
    """413: the body is above ``server.maxPayload``."""

    status = 413


class UnsupportedMediaType(KibanaError):
    """415: the body is not JSON."""

    status = 415


def saved_object_missing(kind: str, identifier: str) -> NotFound:
    """Build the 404 of the saved-objects client for ``kind`` (``cases``, ``cases-comments``, ...)."""
    return NotFound(f"Saved object [{kind}/{identifier}] not found")
