"""How a call to an external system fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibcase.server.external.http import Answer


class ServiceError(Exception):
    """A sub-action failed; the text is what Kibana gives as ``service_message``."""


class HttpFailure(Exception):
    """One HTTP call failed: no answer, an answer that is too large, or a status that is no success.

    The text is that of Kibana's HTTP client; ``answer`` is what came back, None if nothing did.
    """

    def __init__(self, message: str, answer: Answer | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class BadAnswer(Exception):
    """An answer of success that the connector cannot use."""
