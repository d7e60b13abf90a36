"""Media types of case files: which are allowed, how large they may be, how they go with file extensions; pure."""

from __future__ import annotations

import mimetypes
import posixpath
from typing import Final

from kibcase.server import limits

# The registered image types that Kibana's cases accept by default (image/gif is not among them).
IMAGE_TYPES: Final = frozenset(
    f"image/{name}"
    for name in (
        "aces", "apng", "avci", "avcs", "avif", "bmp", "cgm", "dicom-rle", "dpx", "emf", "example", "fits", "g3fax",
        "heic", "heic-sequence", "heif", "heif-sequence", "hej2k", "hsj2", "jls", "jp2", "jpeg", "jph", "jphc", "jpm",
        "jpx", "jxr", "jxrA", "jxrS", "jxs", "jxsc", "jxsi", "jxss", "ktx", "ktx2", "naplps", "png", "prs.btif",
        "prs.pti", "pwg-raster", "svg+xml", "t38", "tiff", "tiff-fx", "vnd.adobe.photoshop",
        "vnd.airzip.accelerator.azv", "vnd.cns.inf2", "vnd.dece.graphic", "vnd.djvu", "vnd.dwg", "vnd.dxf",
        "vnd.dvb.subtitle", "vnd.fastbidsheet", "vnd.fpx", "vnd.fst", "vnd.fujixerox.edmics-mmr",
        "vnd.fujixerox.edmics-rlc", "vnd.globalgraphics.pgb", "vnd.microsoft.icon", "vnd.mix", "vnd.ms-modi",
        "vnd.mozilla.apng", "vnd.net-fpx", "vnd.pco.b16", "vnd.radiance", "vnd.sealed.png",
        "vnd.sealedmedia.softseal.gif", "vnd.sealedmedia.softseal.jpg", "vnd.svf", "vnd.tencent.tap",
        "vnd.valve.source.texture", "vnd.wap.wbmp", "vnd.xiff", "vnd.zbrush.pcx", "webp", "wmf",
    )
)
ALLOWED_TYPES: Final = IMAGE_TYPES | {
    "text/plain", "text/csv", "text/json", "application/json",
    "application/zip", "application/gzip", "application/x-bzip", "application/x-bzip2",
    "application/x-7z-compressed", "application/x-tar", "application/x-zip-compressed",
    "application/pdf",
}

# Extensions by media type, the preferred one first, as the mime database has them for types that are allowed.
_EXTENSIONS: Final = {
    "text/plain": ("txt", "text", "conf", "def", "list", "log", "in", "ini"),
    "text/csv": ("csv",),
    "application/json": ("json", "map"),
    "application/zip": ("zip",),
    "application/gzip": ("gz",),
    "application/x-bzip": ("bz",),
    "application/x-bzip2": ("bz2", "boz"),
    "application/x-7z-compressed": ("7z",),
    "application/x-tar": ("tar",),
    "application/pdf": ("pdf",),
    "image/apng": ("apng",),
    "image/avif": ("avif",),
    "image/bmp": ("bmp",),
    "image/cgm": ("cgm",),
    "image/heic": ("heic",),
    "image/heif": ("heif",),
    "image/jp2": ("jp2", "jpg2"),
    "image/jpeg": ("jpeg", "jpg", "jpe"),
    "image/ktx": ("ktx",),
    "image/png": ("png",),
    "image/svg+xml": ("svg", "svgz"),
    "image/tiff": ("tif", "tiff"),
    "image/vnd.adobe.photoshop": ("psd",),
    "image/vnd.djvu": ("djvu", "djv"),
    "image/vnd.dwg": ("dwg",),
    "image/vnd.dxf": ("dxf",),
    "image/vnd.microsoft.icon": ("ico",),
    "image/webp": ("webp",),
    "image/wmf": ("wmf",),
}
_TYPES: Final = {extension: media for media, names in _EXTENSIONS.items() for extension in names}
# The standard library's own table, without the files of the machine it runs on.
_OTHERS: Final = mimetypes.MimeTypes().types_map[True]


def split_name(filename: str) -> tuple[str, str]:
    """Split a file name into its stem and its extension without the dot; folders are dropped."""
    stem, extension = posixpath.splitext(posixpath.basename(filename))
    return stem, extension[1:]


def media_of(extension: str) -> str | None:
    """Give the media type of a file extension, None if it is not known."""
    name = extension.lower()
    return _TYPES.get(name) or _OTHERS.get(f".{name}")


def extension_of(media: str) -> str | None:
    """Give the usual extension of a media type, None if there is none."""
    known = _EXTENSIONS.get(media)
    if known is not None:
        return known[0]
    return next((name[1:] for name, found in _OTHERS.items() if found == media), None)


def fits(filename: str, media: str) -> bool:
    """Tell whether a file name has an extension of the media type, or none, or the type has none."""
    extension = split_name(filename)[1].lower()
    known = _EXTENSIONS.get(media)
    return not extension or known is None or extension in known


def size_limit(media: str | None) -> int:
    """Give the largest size in bytes of a file of a media type: images have a limit of their own."""
    return limits.IMAGE_BYTES if media in IMAGE_TYPES else limits.FILE_BYTES
