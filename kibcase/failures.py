"""What requests and urllib3 raise, as the errors of this library."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Any

import requests
import urllib3.exceptions as urllib3_errors

from kibcase.errors import CertificateRefused, ConnectionFailed, InvalidAnswer, KibcaseError, RequestTimeout


def translate(failure: Exception, method: str, path: str, host: str) -> KibcaseError:
    """Return the error that says what happened to a request to ``host``, and whether it may have been sent."""
    chain = _chain(failure)

    def holds(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in chain)

    reason = f"{host}: {_innermost(chain)}"
    if holds(requests.exceptions.ContentDecodingError):
        return InvalidAnswer(f"{host}: the body cannot be decompressed", method=method, path=path)
    if holds(ssl.SSLCertVerificationError):
        return CertificateRefused(reason, method=method, path=path, sent=False)
    if holds(requests.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        # urllib3 derives "could not connect" from its connect time-out; only the latter took too long.
        if not holds(urllib3_errors.NewConnectionError):
            return RequestTimeout(f"{host}: no connection in time", method=method, path=path, sent=False)
    elif holds(requests.ReadTimeout, urllib3_errors.ReadTimeoutError):
        return RequestTimeout(f"{host}: no answer in time", method=method, path=path)
    sent = not holds(urllib3_errors.NewConnectionError, urllib3_errors.ProxyError)
    return ConnectionFailed(reason, method=method, path=path, sent=sent)


def _chain(failure: BaseException) -> list[BaseException]:
    # requests and urllib3 nest in four ways: arguments, .reason, causes and contexts.
    found: list[BaseException] = []
    queue: list[Any] = [failure]
    while queue:
        link = queue.pop(0)
        if isinstance(link, BaseException) and not any(link is known for known in found):
            found.append(link)
            queue += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
    return found


def _innermost(chain: Sequence[BaseException]) -> str:
    # Only the system's own words: the texts of the layers above hold the URL with its query.
    for link in reversed(chain):
        if isinstance(link, OSError) and not isinstance(link, requests.RequestException):
            return str(link.strerror or link) or type(link).__name__
    return type(chain[-1]).__name__
