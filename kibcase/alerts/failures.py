"""Turn the elasticsearch package's exceptions into kibcase's."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kibcase.errors import (
    ApiError,
    CertificateRefused,
    ConnectionFailed,
    InvalidAnswer,
    KibcaseError,
    RequestTimeout,
    api_error,
)

SERVER = "Elasticsearch"
_NEVER_CONNECTED = frozenset({"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"})


@contextmanager
def translated(method: str, path: str) -> Iterator[None]:
    """Raise as kibcase what the elasticsearch client raises inside; the cause stays attached."""
    library = importlib.import_module("elasticsearch")
    transport = importlib.import_module("elastic_transport")
    try:
        yield
    except library.UnsupportedProductError as error:
        raise InvalidAnswer(str(error.message), method=method, path=path, status=error.meta.status) from error
    except transport.ApiError as error:
        raise item_error(error.meta.status, error.body, method, path, fallback=error.message) from error
    except transport.TransportError as error:
        raise _unanswered(error, transport, method, path) from error


def item_error(status: int, body: Any, method: str, path: str, *, fallback: str = "") -> ApiError:
    """Build the error for an answer, or for one item of a bulk answer, with Elasticsearch's reason."""
    return api_error(
        status, reason_of(body) or fallback, method=method, path=path, body=body, server=SERVER,
    )


def reason_of(body: Any) -> str:
    """Find Elasticsearch's sentence in an error body, empty if it says nothing."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    causes = error.get("root_cause") or [{}]
    found = causes[0].get("reason") or error.get("reason") or ""
    return f"{error['type']}: {found}" if "type" in error else str(found)


def _unanswered(error: Any, transport: Any, method: str, path: str) -> KibcaseError:
    said = str(error.message)
    # The package tells "never connected" from "no answer" only by the exception of urllib3 that it wraps.
    sent = type(error.__cause__).__name__ not in _NEVER_CONNECTED
    if isinstance(error, transport.ConnectionTimeout):
        return RequestTimeout(said, method=method, path=path, sent=sent)
    if isinstance(error, transport.TlsError):
        refused = "CERTIFICATE_VERIFY_FAILED" in said
        kind = CertificateRefused if refused else ConnectionFailed
        return kind(said, method=method, path=path, sent=not refused)
    if isinstance(error, transport.SerializationError):
        return InvalidAnswer(said, method=method, path=path)
    return ConnectionFailed(said, method=method, path=path, sent=sent)
