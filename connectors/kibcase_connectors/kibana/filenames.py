"""File names as Kibana keeps them: a stem and the usual ending of the media type; pure.

Kibana tells the type of an upload by its ending, takes a few types only, and keeps the type's usual ending in the
place of the given one: "a.jpg" becomes "a.jpeg" (Kibana Cases API, ``POST /api/cases/{id}/files``). A name with another
ending of a type is therefore kept whole as the stem, with the usual ending behind it: "a.jpg.jpeg". A file of another
type is kept as a text: "mail.eml.txt". Stems that end so are read as the name. Where even that would alter a name
there is no way to keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kibcase.client.limits import FILE_BYTES, IMAGE_BYTES
from kibcase_connectors.kibana.text import length

NAME_LIMIT: Final = 160
"""Length of a stem (Kibana's ``MAX_FILENAME_LENGTH``), in UTF-16 units."""

_ENDINGS: Final = {
    "text/plain": ("txt", "text", "conf", "log", "ini"),
    "text/csv": ("csv",),
    "application/json": ("json",),
    "application/zip": ("zip",),
    "application/gzip": ("gz",),
    "application/x-bzip": ("bz",),
    "application/x-bzip2": ("bz2",),
    "application/x-7z-compressed": ("7z",),
    "application/x-tar": ("tar",),
    "application/pdf": ("pdf",),
    "image/avif": ("avif",),
    "image/bmp": ("bmp",),
    "image/heic": ("heic",),
    "image/jpeg": ("jpeg", "jpg", "jpe"),
    "image/png": ("png",),
    "image/svg+xml": ("svg",),
    "image/tiff": ("tif", "tiff"),
    "image/webp": ("webp",),
}
_TYPES: Final = {ending: media for media, endings in _ENDINGS.items() for ending in endings}

KNOWN: Final = tuple(sorted(_TYPES))
"""The endings of the types that Kibana takes unless ``xpack.cases.files.allowedMimeTypes`` says otherwise."""

CARRIER: Final = "txt"
"""What is put behind the name of a file of a type that Kibana does not take."""

_GROUPS: Final = (
    "eml msg mbox ics vcf doc docx docm dot dotx xls xlsx xlsm xlsb ppt pptx pptm odt ods odp rtf",
    "pcap pcapng cap evtx evt etl har mem dmp vmem raw dd e01 ad1 img iso vhd vhdx vmdk ova plist sqlite db",
    "exe dll sys scr msi msix bat cmd ps1 psm1 psd1 vbs vbe js jse mjs ts wsf hta lnk reg inf jar war apk ipa dmg pkg",
    "deb rpm so dylib elf bin dat py pyc rb pl php sh bash zsh rs cpp cs java kt lua sql css",
    "md rst tex xml html htm xhtml mht mhtml yaml yml toml cfg cnf ndjson jsonl geojson xsd xsl eps ps tsv diff patch",
    "cer crt pem der p12 pfx p7b p7s p7m csr asc gpg pgp yar yara stix misp ioc sigma kql eql",
    "rar xz lzma zst tgz tbz tbz2 txz cab arj lz4 gif ico psd mp3 wav ogg flac m4a mp4 avi mov mkv webm mpeg wmv",
)

OTHERS: Final = frozenset(ending for group in _GROUPS for ending in group.split())
"""Endings by which a file that is kept as a text is known again."""


class UnkeepableError(ValueError):
    """Kibana does not take such a file, or not under this name; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """How a name is kept: its ``stem``, the usual ``ending`` of its media type, that type."""

    stem: str
    ending: str
    media_type: str


def stored_as(name: str, *, any_type: bool = True) -> Stored:
    """Give how Kibana keeps a file of this name; ``any_type``: as a text if it must be. Raises ``UnkeepableError``."""
    for kept in _ways(name, any_type=any_type):
        if shown_as(kept.stem, kept.ending) == name and _is_plain(kept.stem):
            if length(kept.stem) > NAME_LIMIT:
                said = f"Kibana takes {NAME_LIMIT} characters of a file's name, this has {length(kept.stem)}"
                raise UnkeepableError(said)
            return kept
    if _ending(name).casefold() in _TYPES or (any_type and _ending(name).casefold() in OTHERS):
        raise UnkeepableError("Kibana would alter the file's name")
    raise UnkeepableError(f"Kibana tells a file's type by its ending and takes only {', '.join(KNOWN)}")


def shown_as(stem: str, ending: str) -> str:
    """Give the name of a file that Kibana keeps under this stem and ending ("" if it has none)."""
    if not ending:
        return stem
    return stem if _is_name(stem.removesuffix(f".{ending}"), ending) else f"{stem}.{ending}"


def _is_name(stem: str, ending: str) -> bool:
    """Tell whether a stem is a whole name: its ending is another one of the type, or one that is kept as a text."""
    inner = _ending(stem)
    if inner != ending and _TYPES.get(inner.casefold()) == _TYPES.get(ending, ""):
        return True
    return ending == CARRIER and inner.casefold() in OTHERS


def _ways(name: str, *, any_type: bool) -> Iterator[Stored]:
    """Give the ways in which a name might be kept, the plainest first."""
    ending = _ending(name)
    media = _TYPES.get(ending.casefold())
    if media is not None:
        usual = _ENDINGS[media][0]
        yield Stored(stem=name.removesuffix(f".{usual}"), ending=usual, media_type=media)
        yield Stored(stem=name, ending=usual, media_type=media)
    elif any_type and ending:
        yield Stored(stem=name, ending=CARRIER, media_type=_TYPES[CARRIER])


def _ending(name: str) -> str:
    """Give what is behind the last dot, "" for names without ending and for those that begin with their only dot."""
    stem, dot, ending = name.rpartition(".")
    return ending if dot and stem else ""


def size_limit(media_type: str, configured: int | None) -> int:
    """Give the most bytes of a file: what is configured, else 100 MiB, for images 10 MiB (``MAX_FILE_SIZE``)."""
    if configured is not None:
        return configured
    return IMAGE_BYTES if media_type.startswith("image/") else FILE_BYTES


def _is_plain(stem: str) -> bool:
    """Tell whether a stem gets through a form and a folder-free name as it is."""
    odd = any(character in "/\\" or character < " " or "\ud800" <= character <= "\udfff" for character in stem)
    return stem == stem.strip() and not odd
