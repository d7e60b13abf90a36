"""What requests and urllib3 raise, read for one question: whether the request may have arrived."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from requests.exceptions import ConnectTimeout, InvalidHeader, InvalidSchema, InvalidURL, ProxyError, ReadTimeout
from urllib3.exceptions import HTTPError, NewConnectionError

from kibcase.errors import bounded

_NEVER_SENT = (ConnectTimeout, ProxyError, InvalidURL, InvalidSchema, InvalidHeader)
_PROOFS = (NewConnectionError, ssl.SSLCertVerificationError, ConnectionRefusedError)


def never_sent(error: BaseException) -> bool:
    """Tell whether no byte of the request can have reached the system."""
    return isinstance(error, _NEVER_SENT) or any(isinstance(cause, _PROOFS) for cause in _chain(error))


def cause_of(error: BaseException) -> str:
    """Say in few words why no answer came; the exceptions' own texts may hold URLs and are not used."""
    if isinstance(error, ReadTimeout):
        return "no answer in time"
    if isinstance(error, ConnectTimeout):
        return "no connection in time"
    system = next((cause for cause in _chain(error) if isinstance(cause, OSError) and cause.strerror), None)
    kind = type(error).__name__
    return f"{kind}: {bounded(str(system.strerror), 120)}" if system is not None else kind


def _chain(error: BaseException) -> Iterator[BaseException]:
    # requests puts urllib3's exception into its arguments, and that one's cause is in an attribute.
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [*found.args, found.__cause__]
        waiting.append(getattr(found, "reason", None) if isinstance(found, HTTPError) else None)
