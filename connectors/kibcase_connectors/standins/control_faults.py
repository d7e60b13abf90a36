"""Faults of a stand-in as users write them in the body of a call; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from http.client import responses
from typing import Any, Final, Protocol

from kibcase.server.admin_faults import BadFault, Text, from_body
from kibcase.server.faults import Fault

_ALSO: Final = ("headers", "body")
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,1000}")
_MOST_HEADERS: Final = 50
_EMPTY: Final = (204, 304)


class Worded(Protocol):
    """A refusal in the words of a system."""

    def body(self) -> dict[str, Any]:
        """Give the JSON body of the answer."""
        ...


def worded(problem: Callable[[int, str], Worded]) -> Text:
    """Give the function that writes the error of a status as a system does; its own message is the reason phrase."""
    return lambda _seen, _asked, status, message: json.dumps(
        problem(status, message or responses.get(status, "Unknown")).body()
    ).encode()


def decoded(raw: bytes) -> Any:
    """Read a body as JSON, None if it is empty. Raises ``BadFault``."""
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadFault("the body is not JSON") from error


def read_fault(body: Any, envelope: Text) -> Fault:
    """Read the body of ``POST /_kibcase/faults``.

    As the embedded Kibana has it, with ``headers`` (an object of texts) and ``body`` (a text is sent as it is, anything
    else as JSON) of the answer besides, and with any status from 200. Raises ``BadFault``.
    """
    fault = from_body(body, envelope, lowest_status=200, also=_ALSO)
    headers, content = _headers(body.get("headers")), _content(body.get("body"))
    if fault.status is None:
        if headers or content is not None:
            raise BadFault("headers and body are those of an answer: they need a status")
        return fault
    if content is not None and body.get("message") is not None:
        raise BadFault("a fault has a message or a body, not both")
    if fault.status < 400 and body.get("message") is not None:
        raise BadFault("a message is that of an error; a status below 400 takes a body")
    if fault.status in _EMPTY and content:
        raise BadFault(f"an answer with status {fault.status} has no body")
    given = {name for name, _ in headers}
    kept = tuple(each for each in fault.headers if each[0] not in given)
    if content is not None or fault.status < 400:
        fault = replace(fault, text=None, body=content or b"")
    return replace(fault, headers=(*kept, *headers))


def _headers(given: Any) -> tuple[tuple[str, str], ...]:
    if given is None:
        return ()
    if not isinstance(given, dict) or len(given) > _MOST_HEADERS:
        raise BadFault(f"headers is an object of at most {_MOST_HEADERS} texts")
    for name, value in given.items():
        if not _NAME.fullmatch(name) or name.lower() in _FRAMING:
            raise BadFault(f"headers: {name[:64]!r} is no name that an answer may have")
        if not isinstance(value, str) or not _VALUE.fullmatch(value) or value != value.strip():
            raise BadFault(f"headers: the value of {name} is a text of printable ASCII, without blanks around it")
    return tuple((name.lower(), value) for name, value in given.items())


def _content(given: Any) -> bytes | None:
    if given is None:
        return None
    return given.encode("utf-8", "replace") if isinstance(given, str) else json.dumps(given).encode()
