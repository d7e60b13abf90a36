"""Reading ``multipart/form-data`` bodies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form: the name of its field, the name of its file (None if it has none)."""

    name: str
    filename: str | None
    media_type: str
    content: bytes


def parse(content_type: str, body: bytes) -> list[Part]:
    """Split a body; raises ``ValueError`` if it is not well-formed multipart form data."""
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary")
    if head.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise ValueError("the body is not multipart/form-data with a boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the multipart body has no end")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, split, content = piece.partition(b"\r\n\r\n")
    if not split:
        raise ValueError("a part of the multipart body has no headers")
    headers = dict(_header(line) for line in head.decode("utf-8", "replace").split("\r\n") if ":" in line)
    disposition = headers.get("content-disposition", "")
    name = _parameter(disposition, "name")
    if name is None:
        raise ValueError("a part of the multipart body has no name")
    return Part(
        name=name, filename=_parameter(disposition, "filename"),
        media_type=headers.get("content-type", "application/octet-stream"), content=content,
    )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _parameter(disposition: str, name: str) -> str | None:
    if extended := re.search(rf";\s*{name}\*=utf-8''([^;]+)", disposition, re.IGNORECASE):
        return unquote(extended[1])
    if quoted := re.search(rf';\s*{name}="((?:[^"\\]|\\.)*)"', disposition, re.IGNORECASE):
        return re.sub(r"\\(.)", r"\1", quoted[1]).replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
    plain = re.search(rf";\s*{name}=([^;\s]+)", disposition, re.IGNORECASE)
    return plain[1] if plain else None
