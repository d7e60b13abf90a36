"""Reading a ``multipart/form-data`` body."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from kibcase.server.errors import BadRequest, UnsupportedMediaType

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


_EXTENDED = re.compile(rb"filename\*=utf-8'[^']*'([^;\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form; ``filename`` is None for a plain field."""

    name: str
    filename: str | None
    content: bytes = field(repr=False)


def parse_form(raw: bytes, headers: Mapping[str, str]) -> dict[str, Part]:
    """Decode a form; of parts with the same name the last one counts.

    Raises ``UnsupportedMediaType`` for any other body, ``BadRequest`` for a broken one.
    """
    media, options = parse_options_header(headers.get("content-type"))
    if media != b"multipart/form-data":
        raise UnsupportedMediaType("Unsupported Media Type")
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequest("Invalid content-type header: multipart missing boundary")
    collected = _Collector()
    parser = MultipartParser(boundary, collected.callbacks)
    try:
        parser.write(raw)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest("Invalid multipart payload format") from error
    if not collected.ended:
        raise BadRequest("Invalid multipart payload format")
    return {part.name: part for part in collected.parts}


class _Collector:
    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._chunks: list[bytes] = []

    @property
    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._text,
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._headers, self._chunks = {}, []

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._chunks.append(data[start:end])

    def _end(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        options = parse_options_header(disposition)[1]
        self.parts.append(
            Part(
                name=options.get(b"name", b"").decode("utf-8", "replace"),
                filename=_filename(options, disposition),
                content=b"".join(self._chunks),
            )
        )

    def _finish(self) -> None:
        self.ended = True


def _filename(options: Mapping[bytes, bytes], disposition: bytes) -> str | None:
    plain = options.get(b"filename")
    if plain is not None:
        return plain.decode("utf-8", "replace")
    # Forms should not use the extended parameter (RFC 7578), but some clients do and Kibana reads it.
    extended = _EXTENDED.search(disposition)
    return None if extended is None else unquote(extended[1].decode("latin-1"))
