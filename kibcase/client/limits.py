"""Kibana's limits, checked before anything is sent (constants of the Kibana Cases plugin). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from kibcase.client.batches import encoded
from kibcase.errors import InvalidValue, LimitError

TITLE = 160
DESCRIPTION = 30_000
COMMENT = 30_000
CATEGORY = 50
TAG = 256
TAGS = 200
ASSIGNEES = 10
CUSTOM_FIELDS = 10
CUSTOM_FIELD_KEY = 36
CUSTOM_FIELD_TEXT = 160
CUSTOM_FIELD_NUMBER = 2**53 - 1
"""The largest whole number that JSON keeps exactly everywhere; its negative is the smallest."""
ALERTS_PER_CASE = 1000
BULK_UPDATE = 100
BULK_GET = 1000
DELETE = 100
FILTER_VALUES = 100
BULK_CREATE_ATTACHMENTS = 100
BULK_GET_ATTACHMENTS = 100
DELETE_ATTACHMENTS = 100
ATTACHMENT_TYPES_FILTER = 20
FILE_NAME = 160
FILE_BYTES = 100 * 1024 * 1024
IMAGE_BYTES = 10 * 1024 * 1024
DELETE_FILES = 10
BODY_BYTES = 1024 * 1024
"""What Kibana's ``server.maxPayload`` is unless it is configured otherwise."""
ADDRESS_BYTES = 6000
"""How many ids may go into a query: Node takes 16 KiB of request line and headers together, proxies often 8."""
OBSERVABLES_PER_CASE = 50
OBSERVABLE_TYPES = 10
CUSTOM_FIELD_LABEL = 50
CONFIGURED_TEMPLATES = 10
TEMPLATE_NAME = 50
TEMPLATE_DESCRIPTION = 1000
TEMPLATE_TAGS = 10
TEMPLATE_TAG = 50
DEFINITION = 30_000
SUGGESTED_PROFILES = 10
EXTENDED_FIELD_BYTES = 30_000
USER_ACTION_AUTHORS = 100
USER_ACTION_SEARCH = 256
ALERTS_PER_REQUEST = 65_536
"""Elasticsearch's ``index.max_terms_count``."""
ALERTS_PER_SEARCH = 10_000
"""Elasticsearch's ``index.max_result_window``."""

_TEXTS = {"title": TITLE, "description": DESCRIPTION, "category": CATEGORY, "comment": COMMENT}
_COUNTS = {"tags": TAGS, "assignees": ASSIGNEES, "customFields": CUSTOM_FIELDS}
_WHITE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000\ufeff"
)


def trimmed(text: str) -> str:
    """Return ``text`` without the white space around it, as Kibana stores titles, tags and the like.

    What counts is JavaScript's white space: with the byte order mark, without the separators that Python takes.
    """
    return text.strip(_WHITE)


def text_of(name: str, value: object) -> str:
    """Return a text (also a ``StrEnum``) as a plain one; raises ``TypeError`` for what is none, None above all."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a text, not {type(value).__name__}")
    return str.__str__(value)


def check_text(name: str, text: str, maximum: int) -> None:
    """Raise ``LimitError`` if ``text``, without white space around it, is longer than ``maximum`` characters.

    An empty text raises ``InvalidValue``: Kibana refuses it too. Lengths are counted as Kibana does, in
    UTF-16 units, so a character beyond the basic plane counts twice.
    """
    stripped = trimmed(text)
    if not stripped:
        raise InvalidValue(f"the {name} cannot be empty")
    length = len(stripped.encode("utf-16-le", "surrogatepass")) // 2
    if length > maximum:
        raise LimitError(f"length of the {name}", maximum, length)


def check_count(name: str, items: Sized, maximum: int) -> None:
    """Raise ``LimitError`` if there are more than ``maximum`` items."""
    if len(items) > maximum:
        raise LimitError(f"number of {name}", maximum, len(items))


def check_ids(name: str, ids: Sized, maximum: int) -> None:
    """Raise ``InvalidValue`` if there are no ids, ``LimitError`` if there are too many."""
    if not len(ids):
        raise InvalidValue(f"no {name} given")
    check_count(name, ids, maximum)


def is_number(value: object) -> bool:
    """Whether a value is a number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_number(key: str, value: float | None) -> None:
    """Check the number of a custom field.

    Raises ``InvalidValue`` for one that is not whole, ``LimitError`` beyond 2^53 - 1 either way.
    """
    if value is None:
        return
    if isinstance(value, float) and not value.is_integer():
        raise InvalidValue(f"the custom field {key} is a whole number, not {value}")
    if abs(value) > CUSTOM_FIELD_NUMBER:
        limit = f"size of the number of the custom field {key}"
        raise LimitError(limit, CUSTOM_FIELD_NUMBER, abs(int(value)))


def check_body(body: Mapping[str, Any], advice: str = "Send less at once.") -> None:
    """Raise ``LimitError`` for a body that Kibana's ``server.maxPayload`` does not let in."""
    size = len(encoded(body))
    if size > BODY_BYTES:
        raise LimitError("bytes of a request's body", BODY_BYTES, size, advice=advice)


def check_fields(body: Mapping[str, Any]) -> None:
    """Check the fields of a case as they are sent, in Kibana's spelling; absent ones and nulls are fine."""
    for name, maximum in _TEXTS.items():
        if body.get(name) is not None:
            check_text(name, body[name], maximum)
    for name, maximum in _COUNTS.items():
        check_count(name, body.get(name) or (), maximum)
    for tag in body.get("tags") or ():
        check_text("tag", tag, TAG)
    for custom in body.get("customFields") or ():
        _check_custom_field(custom)
    for key, text in (body.get("extended_fields") or {}).items():
        _check_bytes(f"bytes of the extended field {key}", text, EXTENDED_FIELD_BYTES)


def _check_bytes(limit: str, text: str, maximum: int) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > maximum:
        raise LimitError(limit, maximum, size)


def _check_custom_field(custom: Mapping[str, Any]) -> None:
    if isinstance(custom.get("key"), str):
        check_text("custom field key", custom["key"], CUSTOM_FIELD_KEY)
    if isinstance(custom.get("value"), str):
        check_text("custom field value", custom["value"], CUSTOM_FIELD_TEXT)
    elif is_number(custom.get("value")):
        check_number(str(custom.get("key")), custom["value"])
