"""Files of the three cases file kinds, as Kibana's files API has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context, Json
from kibcase.server.cases.files_media import ALLOWED_TYPES, extension_of, fits, size_limit
from kibcase.server.cases.files_store import FileFilter, FileRecord, FileStore
from kibcase.server.cases.unified_checks import (
    Check,
    either,
    findings_of,
    listing,
    mapping,
    shape,
    text,
)
from kibcase.server.codec import decode, whole_number
from kibcase.server.errors import BadRequest, Forbidden, NotFound, PayloadTooLarge, UnsupportedMediaType

_SUFFIX: Final = "FilesCases"
OWNERS: Final = {f"{owner}{_SUFFIX}": owner for owner in ("cases", "observability", "securitySolution")}
_NAME: Final = text(1, 256)
_TERMS: Final = either(text(1, 64), listing(text(1, 64)))
_NAMES: Final = either(_NAME, listing(_NAME))
_CREATE: Final = shape({"name": _NAME}, {"alt": _NAME, "meta": mapping, "mimeType": text()})
_FILTERS: Final[dict[str, Check]] = {
    "status": _TERMS, "extension": _TERMS, "mimeType": _TERMS, "name": _NAMES, "meta": mapping,
}
_LIST: Final = shape({}, _FILTERS)
_FIND: Final = shape({}, {**_FILTERS, "kind": _TERMS, "kindToExclude": _TERMS})
_DELETE: Final = shape({"ids": listing(text(1), 1, 100)})
_PER_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Files:
    """The files of every space. A file is created first and gets its content, once, by an upload of its own.

    File values are those of Kibana's files API: ``id``, ``name`` (without extension), ``extension``, ``mimeType``,
    ``size`` in bytes, ``status`` (``AWAITING_UPLOAD``, ``READY``), ``created``, ``updated``, ``meta``, ``fileKind``,
    ``hash`` (``md5``, ``sha1``, ``sha256``), ``user``. Every method raises ``KibanaError``.
    """

    context: Context

    @property
    def _store(self) -> FileStore:
        return FileStore(self.context.store)

    def create(self, caller: Caller, kind: str, body: Any) -> Json:
        """Create a file without content (``POST /api/files/files/{kind}``)."""
        self._allow(caller, kind, "createComment", "Create", f"POST /api/files/files/{kind}")
        _check(_CREATE, body)
        media = body.get("mimeType")
        if media and media not in ALLOWED_TYPES:
            raise BadRequest("File type is not supported")
        return {"file": self.add(caller, kind, body).doc}

    def add(self, caller: Caller, kind: str, fields: Mapping[str, Any]) -> FileRecord:
        """Store a new file with ``name`` and perhaps ``alt``, ``meta``, ``mimeType``; nothing is checked."""
        now, media = self.context.now(), fields.get("mimeType")
        person = {"name": caller.user["username"], "id": caller.user.get("profile_uid")}
        identifier = self.context.new_id()
        doc = {
            "id": identifier,
            "user": _known(person),
            **{name: fields.get(name) for name in ("name", "mimeType", "alt", "meta")},
            "created": now,
            "updated": now,
            "extension": extension_of(media) if media else None,
            "status": "AWAITING_UPLOAD",
            "fileKind": kind,
        }
        return self._store.add(caller.space, identifier, kind, _known(doc))

    def upload(self, caller: Caller, kind: str, identifier: str, media: str, content: bytes) -> Json:
        """Give a file its content (``PUT .../{id}/blob``); ``media`` is the content type of the request."""
        self._allow(caller, kind, "createComment", "Create", f"PUT /api/files/files/{kind}/{identifier}/blob")
        if media not in ALLOWED_TYPES:
            raise UnsupportedMediaType("Unsupported Media Type")
        filled = prepared(self._existing(caller, kind, identifier).doc, content, self.context.now())
        with self.context.store.transaction():
            record = self._existing(caller, kind, identifier)
            if record.doc["status"] == "READY":
                raise BadRequest("Already uploaded file content.")
            self._store.fill(record, filled, content)
        return {"ok": True, "size": len(content)}

    def get(self, caller: Caller, kind: str, identifier: str) -> Json:
        """Read what is known of a file (``GET .../{id}``)."""
        self._allow(caller, kind, "getComment", "Read", f"GET /api/files/files/{kind}/{identifier}")
        return {"file": self._existing(caller, kind, identifier).doc}

    def content(self, caller: Caller, kind: str, identifier: str, name: str | None) -> tuple[Json, bytes]:
        """Read a file with its content (``GET .../{id}/blob``); ``name`` is what the caller wants it to be called."""
        self._allow(caller, kind, "getComment", "Read", f"GET /api/files/files/{kind}/{identifier}/blob")
        with self.context.store.transaction():
            record = self._existing(caller, kind, identifier)
            if name and "mimeType" in record.doc and not fits(name, record.doc["mimeType"]):
                raise BadRequest("File extension does not match file type")
            if record.doc["status"] != "READY":
                raise NotFound("This file content is not available for download.")
            return record.doc, self._store.content(record)

    def list(self, caller: Caller, kind: str, body: Any, query: Mapping[str, Any]) -> Json:
        """Find files of one kind, newest first (``POST .../list``)."""
        self._allow(caller, kind, "getComment", "Read", f"POST /api/files/files/{kind}/list")
        _check(_LIST, body or {})
        return self._page(caller, {**(body or {}), "kind": kind}, query)

    def find(self, caller: Caller, body: Any, query: Mapping[str, Any]) -> Json:
        """Find files of every kind, newest first (``POST /api/files/find``)."""
        authorize(caller, "getComment", OWNERS.values())
        _check(_FIND, body or {})
        return self._page(caller, body or {}, query)

    def delete(self, caller: Caller, body: Any) -> Json:
        """Delete 1 to 100 files (``DELETE /api/files/blobs``); their attachments stay."""
        authorize(caller, "deleteComment", OWNERS.values())
        _check(_DELETE, body)
        succeeded: list[str] = []
        failed: list[list[str]] = []
        with self.context.store.transaction():
            for identifier in body["ids"]:
                record = self._store.get(caller.space, identifier)
                if record is None:
                    failed.append([identifier, "File not found"])
                else:
                    self._store.delete([record])
                    succeeded.append(identifier)
        return {"succeeded": succeeded} | ({"failed": failed} if failed else {})

    def _page(self, caller: Caller, wanted: Mapping[str, Any], query: Mapping[str, Any]) -> Json:
        number, size = _positive(query, "page", 1), _positive(query, "perPage", _PER_PAGE)
        chosen = FileFilter(
            kinds=_listed(wanted.get("kind")),
            other_kinds=_listed(wanted.get("kindToExclude")),
            values={
                name: values
                for name in ("status", "extension", "mimeType")
                if (values := _listed(wanted.get(name))) is not None
            },
            names=_listed(wanted.get("name")),
            meta={key: _listed(value) or [] for key, value in (wanted.get("meta") or {}).items()},
        )
        total, found = self._store.find(caller.space, chosen, limit=size, offset=(number - 1) * size)
        return {"files": [record.doc for record in found], "total": total}

    def _existing(self, caller: Caller, kind: str, identifier: str) -> FileRecord:
        record = self._store.get(caller.space, identifier)
        if record is None or record.kind != kind:
            raise NotFound("File not found")
        return record

    def _allow(self, caller: Caller, kind: str, operation: str, right: str, route: str) -> None:
        owner = OWNERS.get(kind)
        if owner is None:
            raise NotFound("Not Found")
        try:
            authorize(caller, operation, [owner])
        except Forbidden as error:
            needed = f"{kind}{right}"
            raise Forbidden(
                f"API [{route}] is unauthorized for user, this action is granted by the Kibana privileges [{needed}]"
            ) from error


def prepared(doc: Mapping[str, Any], content: bytes, now: str) -> Json:
    """Give what is known of a file once it has its content; raises ``PayloadTooLarge``."""
    most = size_limit(doc.get("mimeType"))
    if len(content) > most:
        raise PayloadTooLarge(f"Maximum of {most} bytes exceeded")
    hashes = {
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return {**doc, "status": "READY", "size": len(content), "hash": hashes, "updated": now}


def _check(check: Check, body: Any) -> None:
    found = findings_of(check, body)
    if found:
        raise BadRequest(f"[request body]: {found[0]}")


def _positive(query: Mapping[str, Any], name: str, default: int) -> int:
    value = decode(whole_number, query[name]) if name in query else default
    if value < 1:
        raise BadRequest(f"[request query.{name}]: Value must be equal to or greater than [1].")
    return int(value)


def _listed(value: Any) -> list[str] | None:
    if value is None:
        return None
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _known(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
