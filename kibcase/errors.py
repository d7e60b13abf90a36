"""Every error that kibcase raises, sorted by what the caller can do about it.

::

    KibcaseError
    |-- NoUsableAnswer              nothing to go by; .sent: may the request have arrived?
    |   |-- ConnectionFailed        refused, reset, name not found, TLS
    |   |   `-- CertificateRefused       the server's certificate is not trusted
    |   |-- RequestTimeout          no connection, or no answer, in time
    |   `-- InvalidAnswer           not what was asked for: a login page, broken JSON
    |       `-- AnswerTooLarge           more bytes than the client takes
    |-- ApiError                    the server answered and did not like it: .status .message .body
    |   |-- BadRequestError         400  correct the request
    |   |   `-- DuplicateObservable      the case has it already
    |   |-- AuthenticationError     401  correct the credentials
    |   |-- PermissionDenied        403  get the privilege
    |   |   `-- LicenseRequired          get the licence: .feature .tier
    |   |-- NotFoundError           404  the object is gone, or was never in this space
    |   |   `-- EndpointNotFound         the server has no such URL (older stack, wrong base path)
    |   |-- NotAcceptable           406
    |   |   `-- NothingToUpdate          it already is that way: often as good as success
    |   |-- ConflictError           409  read again, merge again, write again
    |   |   `-- LostRace                 a 200 that leaves out the case: somebody else was faster
    |   |-- PayloadTooLarge         413  send less at once
    |   |-- FailedDependency        424  the system behind a connector refused
    |   |-- TooManyRequests         429  wait: .retry_after
    |   `-- ServerError             5xx  try later; a write may have happened all the same
    |-- InvalidValue                seen to be wrong before sending; is a ValueError too
    |   `-- LimitError                   beyond a limit: .limit .maximum .given
    |-- UnsupportedByStack          the stack is too old, or too new: .feature .needs .version
    `-- MissingExtraError           an optional package is not installed; is an ImportError too

Text from a server is cut to 500 characters in messages; ``body`` holds what was received. No message
holds credentials or a query string. All errors can be pickled and copied.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

REMOTE_TEXT_LIMIT = 500

_LICENSE = re.compile(
    r"in order to (?P<feature>.+?),? you must be subscribed to an? elastic (?P<tier>\w+) license",
    re.IGNORECASE,
)


class KibcaseError(Exception):
    """The root of all errors of the kibcase library."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, dict(self.__dict__))


class NoUsableAnswer(KibcaseError):
    """No answer came, or none that can be used.

    ``sent`` is False only if no connection was established, so that the request certainly had no
    effect. If it is True, the outcome of a write is unknown: look before writing again.
    """

    failure: ClassVar[str] = "no usable answer"
    advice: ClassVar[str] = ""

    def __init__(self, reason: str, *, method: str = "", path: str = "", sent: bool = True) -> None:
        self.reason = bounded(reason)
        self.method = method
        self.path = path
        self.sent = sent
        super().__init__(_sentence(self.failure, method, path, self.reason, self._advice()))

    def _advice(self) -> str:
        if self.sent and self.method in _WRITES:
            return f"{self.advice} The request may have reached the server: read before you repeat it."
        return self.advice


class ConnectionFailed(NoUsableAnswer):
    """The connection could not be made, or broke."""

    failure = "connection failed"
    advice = "Check the address, the port, the proxy and the TLS settings."


class CertificateRefused(ConnectionFailed):
    """The server's TLS certificate could not be verified; nothing was sent."""

    failure = "certificate refused"
    advice = "Give the file of the authority that signed it with verify=PATH."


class RequestTimeout(NoUsableAnswer):
    """The time-out passed: connecting (``sent`` is False) or waiting for the answer (True)."""

    failure = "timed out"
    advice = "Try again later, or allow more time with timeout=(connect, read)."


class InvalidAnswer(NoUsableAnswer):
    """An answer came that is not of the kind asked for: a login page, broken JSON.

    ``status`` is its HTTP status and ``content_type`` what it claims to be ("" if it says nothing).
    """

    failure = "invalid answer"
    advice = "Check that the URL is Kibana's own, with its base path, and not that of a login page or proxy."

    def __init__(
        self, reason: str, *, method: str = "", path: str = "", status: int = 0, content_type: str = ""
    ) -> None:
        self.status = status
        self.content_type = content_type
        super().__init__(reason, method=method, path=path, sent=True)


class AnswerTooLarge(InvalidAnswer):
    """The answer has more bytes than the client takes at once."""

    failure = "answer too large"
    advice = "Ask for less at once, or allow more with max_answer_bytes."


class ApiError(KibcaseError):
    """The server answered with an error.

    ``status`` is the HTTP status, ``message`` what the server said, ``method`` and ``path`` (without
    query string) what was asked, ``body`` the decoded answer (dict, list, str or None),
    ``retry_after`` the seconds the server asked to wait, if it did. ``server`` names who answered.
    """

    failure: ClassVar[str] = "request failed"
    advice: ClassVar[str] = ""

    def __init__(
        self, status: int, message: str, method: str = "", path: str = "", body: Any = None, *,
        retry_after: float | None = None, server: str = "Kibana",
    ) -> None:
        self.status = status
        self.message = message
        self.method = method
        self.path = path
        self.body = body
        self.retry_after = retry_after
        self.server = server
        said = bounded(message) or "nothing"
        failure = f"{self.failure} ({status})"
        super().__init__(_sentence(failure, method, path, f"{server} said: {said}", self.advice))


class BadRequestError(ApiError):
    """400: the server refused the request's content."""

    failure = "refused"
    advice = "Correct the request; repeating it will not help."


class DuplicateObservable(BadRequestError):
    """400: the case has an observable of this type and value already, or the request names it twice."""

    failure = "already there"
    advice = "Nothing has to be done if it is the same case."


class AuthenticationError(ApiError):
    """401: the credentials are missing, wrong or expired."""

    failure = "not authenticated"
    advice = "Check the user name and password, or the API key."


class PermissionDenied(ApiError):
    """403: the user may not do this; also an owner that the space does not offer."""

    failure = "not allowed"
    advice = "Give the user Kibana's Cases privilege for this owner and space."


class LicenseRequired(PermissionDenied):
    """403: the feature needs a higher licence tier than the stack has.

    ``feature`` is what was attempted, ``tier`` the licence it needs, in lower case ("platinum").
    """

    failure = "licence too low"
    advice = "Leave the feature out, or raise the licence."

    def __init__(
        self, feature: str, tier: str, *, status: int = 403, message: str = "", method: str = "",
        path: str = "", body: Any = None, retry_after: float | None = None, server: str = "Kibana",
    ) -> None:
        self.feature = feature
        self.tier = tier
        said = message or f"{feature} needs a {tier} licence"
        super().__init__(status, said, method, path, body, retry_after=retry_after, server=server)


class NotFoundError(ApiError):
    """404: there is no such object in this space."""

    failure = "not found"
    advice = "Check the id and the space."


class EndpointNotFound(NotFoundError):
    """404: the server has no such URL."""

    failure = "no such endpoint"
    advice = "The stack may be too old for it, or the URL lacks Kibana's base path."


class NotAcceptable(ApiError):
    """406: the server cannot do what was asked in the present state."""

    failure = "not acceptable"


class NothingToUpdate(NotAcceptable):
    """406: every field already has the value that was sent."""

    failure = "nothing to update"
    advice = "The case already is in the state asked for."


class ConflictError(ApiError):
    """409: the object has changed since it was read."""

    failure = "conflict"
    advice = "Read it again and apply the change to the new version."


class LostRace(ConflictError):
    """The update was accepted but its answer leaves out the case.

    Kibana checks versions before it writes and leaves a case that changed in between out of its
    answer of 200 (PATCH /api/cases). Whether the change was stored is unknown until read again.
    """

    failure = "lost a race"
    advice = "Read the case again; if the change is not there, apply it to the new version."


class PayloadTooLarge(ApiError):
    """413: the body is larger than the server's ``server.maxPayload`` (1 MiB unless configured)."""

    failure = "too large"
    advice = "Send fewer or smaller items at once."


class FailedDependency(ApiError):
    """424: the external system behind a connector refused or failed."""

    failure = "connector failed"
    advice = "Check the connector and the system behind it."


class TooManyRequests(ApiError):
    """429: slow down; ``retry_after`` is in seconds, or None if the server did not say."""

    failure = "throttled"
    advice = "Wait, then send fewer requests."


class ServerError(ApiError):
    """5xx: the server, or a proxy before it, failed. ``sent`` is True: a write may have happened."""

    sent: ClassVar[bool] = True
    failure = "server error"
    advice = "Try again later; after a write, read first."


class InvalidValue(KibcaseError, ValueError):
    """A value that cannot be sent, or that the server would refuse; found before it was sent."""


class LimitError(InvalidValue):
    """A value is beyond a limit of the server; found before anything was sent.

    ``limit`` names it, ``maximum`` is its value, ``given`` what was to be sent.
    """

    def __init__(self, limit: str, maximum: int, given: int, *, advice: str = "") -> None:
        self.limit = limit
        self.maximum = maximum
        self.given = given
        super().__init__(f"limit exceeded: {limit} is at most {maximum}, given {given}. {advice}".rstrip())


class UnsupportedByStack(KibcaseError):
    """The stack does not have the feature; ``needs`` and ``version`` are like "9.2.0".

    ``needs`` is "before 9.0.0" for what newer stacks have no more; ``advice`` says what to do.
    """

    def __init__(
        self, feature: str, needs: str, version: str, *, advice: str = "Leave it out or upgrade."
    ) -> None:
        self.feature = feature
        self.needs = needs
        self.version = version
        super().__init__(f"{feature} needs stack {needs}; this Kibana is {version}. {advice}")


class MissingExtraError(KibcaseError, ImportError):
    """A package of an optional extra is not installed; the message holds the command that installs it."""

    def __init__(self, extra: str, package: str) -> None:
        self.extra = extra
        self.package = package
        command = f"pip install 'kibcase[{extra}]'"
        super().__init__(f"the package {package!r} is not installed. Install it with: {command}")


def api_error(
    status: int, message: str, *, method: str = "", path: str = "", body: Any = None,
    retry_after: float | None = None, server: str = "Kibana",
) -> ApiError:
    """Build the error that fits an HTTP status and the server's text.

    >>> api_error(413, "too large")
    PayloadTooLarge('too large (413): Kibana said: too large. Send fewer or smaller items at once.')
    """
    found = _LICENSE.search(message) if status == 403 else None
    if found:
        return LicenseRequired(
            found["feature"], found["tier"].lower(), message=message, method=method, path=path, body=body,
            retry_after=retry_after, server=server,
        )
    kind = _kind(status, message)
    return kind(status, message, method, path, body, retry_after=retry_after, server=server)


def bounded(text: str, limit: int = REMOTE_TEXT_LIMIT) -> str:
    """Return ``text`` on one line, without control characters, cut to ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KINDS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFoundError,
    406: NotAcceptable,
    409: ConflictError,
    413: PayloadTooLarge,
    424: FailedDependency,
    429: TooManyRequests,
}


def _kind(status: int, message: str) -> type[ApiError]:
    if status == 404 and message.strip().casefold() == "not found":
        return EndpointNotFound
    if status == 406 and "identical to current version" in message.casefold():
        return NothingToUpdate
    if status >= 500:
        return ServerError
    return _KINDS.get(status, ApiError)


def _sentence(failure: str, method: str, path: str, detail: str, advice: str) -> str:
    where = f" on {method} {bounded(path, 200)}" if method or path else ""
    end = "" if detail.endswith((".", "!", "?")) else "."
    return f"{failure}{where}: {detail}{end} {advice}".rstrip()


def _revive(kind: type[KibcaseError], args: tuple[Any, ...], state: dict[str, Any]) -> KibcaseError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
