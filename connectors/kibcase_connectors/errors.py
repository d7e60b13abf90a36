"""What a connector raises, by what the caller can do about it.

::

    ConnectorError
    ├── Refused          the system will not do this; a person must look; nothing was written
    ├── Conflict         the thing has changed since it was read; read again, decide again
    ├── NotFound         the thing is gone, or was never visible
    ├── Denied           credentials or rights of the whole connection; stop and tell a person
    ├── Unavailable      nothing was written; try later
    │   └── Throttled    likewise, and the system said when (``retry_after`` seconds)
    └── OutcomeUnknown   the request may have arrived; find out before doing it again
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from kibcase.errors import KibcaseError

_SAID_LIMIT = 400


class ConnectorError(KibcaseError):
    """A connector could not do what it was asked.

    ``system`` is the configured name of the system, ``what`` the failed deed and its object, ``said``
    what the remote side answered (bounded), ``advice`` what a person can do, ``field`` the field at fault
    if it is known.
    """

    def __init__(
        self, system: str, what: str, *, said: str = "", advice: str = "", field: str | None = None
    ) -> None:
        self.system = system
        self.what = what
        self.said = said if len(said) <= _SAID_LIMIT else said[: _SAID_LIMIT - 1] + "…"
        self.advice = advice
        self.field = field
        super().__init__(self._text())

    def _text(self) -> str:
        text = f"{self.system}: {self.what}"
        if self.said:
            text += f": {self.said}"
        return text if not self.advice else f"{text.rstrip('.')}. {self.advice}"

    def about(self, what: str) -> Self:
        """Give the same error with another deed in its text."""
        make: Callable[..., Self] = type(self)
        return make(self.system, what, **self._rest())

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.system, self.what, self._rest())

    def _rest(self) -> dict[str, object]:
        return {"said": self.said, "advice": self.advice, "field": self.field}


def _rebuild(kind: Callable[..., ConnectorError], system: str, what: str, rest: dict[str, object]) -> ConnectorError:
    return kind(system, what, **rest)


class Refused(ConnectorError):
    """The system will not store this as things are; nothing was written and repeating it is pointless."""


class Conflict(ConnectorError):
    """The thing is not as the action assumed; nothing was written."""


class NotFound(ConnectorError):
    """There is no such thing, or it is not visible to this account; never for a 404 that is not the system's own."""


class Denied(ConnectorError):
    """The account cannot log in or lacks a right without which nothing works."""


class Unavailable(ConnectorError):
    """The system gives no useful answer at present and has stored nothing."""


class Throttled(Unavailable):
    """The system wants fewer requests; ``retry_after`` is in seconds, None if it did not say.

    ``whole`` is False if the limit is about the one thing that was asked for, and others may go on.
    """

    def __init__(
        self, system: str, what: str, *, said: str = "", advice: str = "", field: str | None = None,
        retry_after: float | None = None, whole: bool = True,
    ) -> None:
        super().__init__(system, what, said=said, advice=advice, field=field)
        self.retry_after = retry_after
        self.whole = whole

    def _rest(self) -> dict[str, object]:
        return {**super()._rest(), "retry_after": self.retry_after, "whole": self.whole}


class OutcomeUnknown(ConnectorError):
    """The request may have been carried out: no answer came, or one that does not tell."""
