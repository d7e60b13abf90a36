"""The bodies of attachments, strictly checked, and what may be attached; pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.unified import LEGACY_TYPES, Attaching, attaching_of, pointing_to, to_unified
from kibcase.server.cases.unified_types import EXTERNAL_TYPES, PERSISTABLE_TYPES, check_payload, check_shape
from kibcase.server.codec import (
    Codec,
    Path,
    Report,
    array,
    decode,
    limited,
    nullable,
    one_of,
    record,
    strict,
    string,
    tagged,
    union,
)
from kibcase.server.errors import BadRequest
from kibcase.server.stack import Stack

Json = dict[str, Any]

FILES = ".files"
_COMMENT = limited("comment", 1, limits.COMMENT)
_IDS = union(array(string), string)
_FILE_METADATA = strict(
    {"files": array(strict({"name": string, "extension": string, "mimeType": string, "created": string}))}
)
_STORAGE = tagged(
    "type",
    {
        "savedObject": strict({"type": one_of("savedObject"), "soType": string}),
        "elasticSearchDoc": strict({"type": one_of("elasticSearchDoc")}),
    },
)

_VARIANTS: dict[str, dict[str, Codec]] = {
    "user": {"comment": _COMMENT},
    "alert": {
        "alertId": _IDS,
        "index": _IDS,
        "rule": strict({"id": nullable(string), "name": nullable(string)}),
    },
    "actions": {
        "comment": _COMMENT,
        "actions": strict({"type": string, "targets": array(strict({"hostname": string, "endpointId": string}))}),
    },
    "externalReference": {
        "externalReferenceId": string,
        "externalReferenceStorage": _STORAGE,
        "externalReferenceAttachmentTypeId": string,
        "externalReferenceMetadata": nullable(record),
    },
    "persistableState": {
        "persistableStateAttachmentTypeId": string,
        "persistableStateAttachmentState": record,
    },
}
_EVENT: dict[str, Codec] = {"eventId": _IDS, "index": _IDS}
_VERSIONED: dict[str, Codec] = {"id": string, "version": string}
_ID_FIELDS = {"alert": "alertId", "event": "eventId"}
_UNCOUNTED = frozenset({"user", "alert", "event", "actions"})


_ANY = nullable(record)
_UNIFIED: dict[str, Codec] = {"type": string, "owner": string}
_UNIFIED_PUT: dict[str, Codec] = {"version": string}


@cache
def _legacy_codec(stack: Stack, *, patch: bool) -> Codec:
    variants = _VARIANTS | ({"event": _EVENT} if stack.has_timings else {})
    more: dict[str, Codec] = _VERSIONED if patch else {}
    return tagged(
        "type",
        {kind: strict({"type": one_of(kind), "owner": string} | fields | more) for kind, fields in variants.items()},
    )


def _unified_codec(more: Mapping[str, Codec]) -> Codec:
    return union(
        strict({**_UNIFIED, "attachmentId": _IDS, **more}, {"data": _ANY, "metadata": _ANY}),
        strict({**_UNIFIED, "data": record, **more}, {"metadata": _ANY}),
    )


@cache
def _codec(stack: Stack, *, patch: bool) -> Codec:
    legacy = _legacy_codec(stack, patch=patch)
    if not stack.has_unified_attachments:
        return legacy
    unified = _unified_codec(_VERSIONED if patch else {})

    def check(value: Any, path: Path, report: Report) -> Any:
        return (unified if _is_unified(value) else legacy)(value, path, report)

    return check


def _is_unified(body: Any) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("type"), str) or body["type"] in LEGACY_TYPES:
        return False
    return "data" in body or "attachmentId" in body


def decode_attachment(body: Any, stack: Stack) -> Attaching:
    """Check one attachment in any shape that the stack's comments endpoints take. Raises ``BadRequest``."""
    return _attaching(decode(_codec(stack, patch=False), body), stack)


def decode_attachments(body: Any, stack: Stack) -> list[Attaching]:
    """Check the bare list of ``_bulk_create``. Raises ``BadRequest``."""
    codec = array(_codec(stack, patch=False), "attachments", 0, limits.ATTACHMENTS_PER_BULK)
    return [_attaching(payload, stack) for payload in decode(codec, body)]


def decode_edit(body: Any, stack: Stack) -> tuple[str, str, Attaching]:
    """Check the body of ``PATCH comments``; gives id and version of what to replace, and the new attachment.

    Raises ``BadRequest``.
    """
    payload = decode(_codec(stack, patch=True), body)
    identifier, version = payload.pop("id"), payload.pop("version")
    return identifier, version, _attaching(payload, stack)


def decode_unified(body: Any) -> Attaching:
    """Check the body of ``POST attachments``, in the unified shape alone. Raises ``BadRequest``."""
    return _unified_attaching(decode(_unified_codec({}), body))


def decode_replacement(body: Any) -> tuple[str, Attaching]:
    """Check the body of ``PUT attachments/{id}``; gives the version to replace and the attachment.

    Raises ``BadRequest``.
    """
    payload = decode(_unified_codec(_UNIFIED_PUT), body)
    return payload.pop("version"), _unified_attaching(payload)


def _unified_attaching(payload: Json) -> Attaching:
    check_payload(payload)
    attaching = attaching_of(payload)
    _check_pairs(attaching.payload)
    return attaching


def _attaching(payload: Json, stack: Stack) -> Attaching:
    if payload["type"] not in LEGACY_TYPES:
        return _unified_attaching(payload)
    _check_pairs(payload)
    _check_registered(payload)
    if not stack.has_unified_attachments:
        return Attaching(payload=payload)
    if payload["type"] == "actions" and not payload["actions"]["targets"]:
        raise BadRequest("Legacy actions payload has no targets to migrate")
    unified = to_unified(payload)
    if unified["type"] == payload["type"]:
        # An alert or event of no known owner has no unified shape; whoever attaches it is refused as of no such owner.
        return Attaching(payload=payload)
    check_shape(unified)
    return attaching_of(unified)


def documents_of(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the (id, index) pairs that an alert or event attachment refers to; none for other types."""
    name = _ID_FIELDS.get(payload["type"])
    if name is None:
        return []
    return list(zip(_listed(payload[name]), _listed(payload["index"]), strict=False))


def named_documents(payloads: Sequence[Mapping[str, Any]], kind: str) -> list[tuple[str, str]]:
    """Give the (id, index) pairs that attachments of one type refer to, each once."""
    found = (documents_of(payload) for payload in payloads if payload["type"] == kind)
    return list(dict.fromkeys(pair for pairs in found for pair in pairs))


def without_known(attaching: Sequence[Attaching], known: Mapping[str, set[str]]) -> list[Attaching]:
    """Drop alerts and events that the case has already (``known`` ids by type) or that came earlier.

    Alerts are dropped one by one, by id alone; an event attachment goes as a whole. What stays of an alert or
    event attachment has lists of ids and indices.
    """
    seen = set(known["alert"])
    kept: list[Attaching] = []
    for each in attaching:
        kind = each.payload["type"]
        documents = before = documents_of(each.payload)
        if kind == "alert":
            documents = [pair for place, pair in enumerate(before) if _is_new(before, place, seen)]
            seen.update(identifier for identifier, _ in documents)
        elif kind == "event" and any(identifier in known["event"] for identifier, _ in before):
            continue
        if kind not in _ID_FIELDS:
            kept.append(each)
        elif documents:
            ids, indices = [pair[0] for pair in documents], [pair[1] for pair in documents]
            kept.append(
                Attaching(
                    payload=each.payload | {_ID_FIELDS[kind]: ids, "index": indices},
                    original=None if each.original is None else pointing_to(each.original, ids, indices),
                    asked=each.payload,
                )
            )
    return kept


def _is_new(documents: Sequence[tuple[str, str]], place: int, seen: set[str]) -> bool:
    identifier = documents[place][0]
    return identifier not in seen and all(earlier != identifier for earlier, _ in documents[:place])


def check_limits(payloads: Sequence[Mapping[str, Any]], count: Mapping[str, Callable[[], int]]) -> None:
    """Raise ``BadRequest`` if a case would hold too much.

    ``count`` tells how many ``alerts``, ``files`` and ``references`` the case holds; it is asked only about what is
    to be attached. Alerts are counted before duplicates are dropped, as Kibana does.
    """
    added = {
        "alerts": sum(len(set(documents_of(payload))) for payload in payloads if payload["type"] == "alert"),
        "files": sum(len(payload["externalReferenceMetadata"]["files"]) for payload in payloads if _is_file(payload)),
        "references": sum(payload["type"] not in _UNCOUNTED and not _is_file(payload) for payload in payloads),
    }
    for name, most, noun in (
        ("alerts", limits.ALERTS_PER_CASE, "alerts"),
        ("files", limits.FILES_PER_CASE, "files"),
        ("references", limits.REFERENCES_PER_CASE, "persistable state and external reference attachments"),
    ):
        if added[name] and (added[name] > most or count[name]() + added[name] > most):
            raise BadRequest(f"Case has reached the maximum allowed number ({most}) of attached {noun}.")


def check_local(payloads: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``BadRequest`` if an alert or event lies in an index of another cluster or project."""
    for kind, noun in (("alert", "an alert"), ("event", "an event")):
        for _, index in named_documents(payloads, kind):
            if ":" in index.partition("::")[0]:
                raise BadRequest(
                    f"Cannot attach {noun} from a linked project or remote cluster index: {index}"
                )


def _is_file(payload: Mapping[str, Any]) -> bool:
    return payload.get("externalReferenceAttachmentTypeId") == FILES


def _check_pairs(payload: Json) -> None:
    if payload["type"] not in _ID_FIELDS:
        return
    ids, indices = _listed(payload[_ID_FIELDS[payload["type"]]]), _listed(payload["index"])
    if len(ids) != len(indices):
        raise BadRequest(
            f"Received an {payload['type']} comment with ids and indices arrays of different lengths "
            f"ids: {_json(ids)} indices: {_json(indices)}"
        )


def _check_registered(payload: Json) -> None:
    external = payload.get("externalReferenceAttachmentTypeId")
    if external is not None and external not in EXTERNAL_TYPES:
        raise BadRequest(f"Attachment type {external} is not registered.")
    if external == FILES and len(decode(_FILE_METADATA, payload["externalReferenceMetadata"])["files"]) > 1:
        raise BadRequest("Only a single file can be stored in an attachment")
    persistable = payload.get("persistableStateAttachmentTypeId")
    if persistable is not None and persistable not in PERSISTABLE_TYPES:
        raise BadRequest(f"Attachment type {persistable} is not registered.")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _json(values: list[str]) -> str:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)
