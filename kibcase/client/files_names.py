"""Names and types of files: what Kibana makes of them, and what a local disk may. Pure."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from kibcase.address import well_formed
from kibcase.client.limits import FILE_BYTES, FILE_NAME, IMAGE_BYTES, check_text
from kibcase.errors import InvalidValue, LimitError

# The types other than images that Kibana takes, and the endings that it knows them by.
_ENDINGS = {
    "txt": "text/plain", "log": "text/plain", "csv": "text/csv", "json": "application/json", "pdf": "application/pdf",
    "zip": "application/zip", "gz": "application/gzip", "bz": "application/x-bzip", "bz2": "application/x-bzip2",
    "7z": "application/x-7z-compressed", "tar": "application/x-tar", "png": "image/png", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "svg": "image/svg+xml", "tif": "image/tiff", "tiff": "image/tiff", "bmp": "image/bmp",
    "webp": "image/webp", "avif": "image/avif", "heic": "image/heic",
}
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069\ud800-\udfff]')


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadName:
    """How a file is announced: its name without ending, the ending Kibana tells the type by, and the type."""

    stem: str
    ending: str
    mime_type: str


def upload_name(name: str, mime_type: str | None = None) -> UploadName:
    """Return how a file of that name is announced.

    Kibana tells the type by the ending alone. With a ``mime_type`` that is not the ending's, the whole name
    becomes the stem and the type's own ending is announced: "dump.pcap" as "text/plain" is "dump.pcap.txt".

    Raises ``InvalidValue`` for a name without ending if no type is given, and for a type without a known ending;
    ``LimitError`` for a stem of more than 160 characters.
    """
    path = PurePosixPath(well_formed(name).replace("\\", "/"))
    ending = path.suffix.removeprefix(".").lower()
    if mime_type is None or (ending and guess_type(ending) == mime_type):
        if not re.fullmatch(r"[a-z0-9]+", ending):
            raise InvalidValue(f"Kibana tells a file's type by its ending, and {name!r} has none: give a mime_type")
        announced = UploadName(stem=path.stem, ending=ending, mime_type=mime_type or guess_type(ending))
    else:
        announced = UploadName(stem=path.name, ending=_ending_of(mime_type), mime_type=mime_type)
    check_text("file name", announced.stem, FILE_NAME)
    return announced


def guess_type(ending: str) -> str:
    """Return the MIME type of an ending without dot, "application/octet-stream" if it is not known."""
    return _ENDINGS.get(ending) or mimetypes.guess_type(f"x.{ending}")[0] or "application/octet-stream"


def check_size(size: int, mime_type: str, maximum: int | None) -> None:
    """Raise ``LimitError`` above ``maximum`` bytes; None is Kibana's default: 100 MiB, for images 10 MiB."""
    image = mime_type.startswith("image/")
    allowed = maximum if maximum is not None else IMAGE_BYTES if image else FILE_BYTES
    if size > allowed:
        advice = "If this Kibana is configured to take more (xpack.cases.files.maxSize), say so with max_bytes."
        raise LimitError("bytes of an image" if image else "bytes of a file", allowed, size, advice=advice)


def local_name(name: str, fallback: str) -> str:
    """Return a name that others chose as one that is safe for a local file: no folders, no tricks."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _UNSAFE.sub("_", last).strip(" .")
    if not cleaned or _RESERVED.match(cleaned):
        cleaned = f"{fallback}_{cleaned}" if cleaned else fallback
    stem, dot, ending = cleaned.rpartition(".")
    # 255 bytes is what common file systems take.
    while len(cleaned.encode()) > 240:
        stem, cleaned = (stem[:-1], f"{stem[:-1]}{dot}{ending}") if len(stem) > 1 else ("", cleaned[:-1])
    return cleaned


def _ending_of(mime_type: str) -> str:
    for ending, known in _ENDINGS.items():
        if known == mime_type:
            return ending
    found = mimetypes.guess_extension(mime_type)
    if found is None:
        raise InvalidValue(f"no file ending is known for {mime_type!r}; give a name with the right one")
    return found.removeprefix(".")
