"""The attachment bodies of the comments endpoints, strictly checked; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.codec import (
    Codec,
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
_EXTERNAL = frozenset({FILES, "endpoint", "indicator", "osquery"})
_PERSISTABLE = frozenset(
    {
        ".lens", "ml_anomaly_swimlane", "ml_anomaly_charts", "ml_single_metric_viewer", "aiopsChangePointChart",
        "aiopsPatternAnalysisEmbeddable", "aiopsLogRateAnalysisEmbeddable",
    }
)
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
_ID_FIELDS = {"alert": "alertId", "event": "eventId"}


@cache
def _codec(stack: Stack, *, patch: bool) -> Codec:
    variants = _VARIANTS | ({"event": _EVENT} if stack.has_timings else {})
    more: dict[str, Codec] = {"id": string, "version": string} if patch else {}
    return tagged(
        "type",
        {kind: strict({"type": one_of(kind), "owner": string} | fields | more) for kind, fields in variants.items()},
    )


def decode_attachment(body: Any, stack: Stack, *, patch: bool = False) -> Json:
    """Check one attachment; ``patch`` asks for ``id`` and ``version`` as well. Raises ``BadRequest``."""
    payload: Json = decode(_codec(stack, patch=patch), body)
    _check_pairs(payload)
    _check_registered(payload)
    return payload


def decode_attachments(body: Any, stack: Stack) -> list[Json]:
    """Check the bare list of ``_bulk_create``. Raises ``BadRequest``."""
    codec = array(_codec(stack, patch=False), "attachments", 0, limits.ATTACHMENTS_PER_BULK)
    payloads: list[Json] = decode(codec, body)
    for payload in payloads:
        _check_pairs(payload)
        _check_registered(payload)
    return payloads


def documents_of(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the (id, index) pairs that an alert or event attachment refers to; none for other types."""
    name = _ID_FIELDS.get(payload["type"])
    if name is None:
        return []
    return list(zip(_listed(payload[name]), _listed(payload["index"]), strict=False))


def without_known(payloads: Sequence[Json], known: Mapping[str, set[str]]) -> list[Json]:
    """Drop alerts and events that the case has already (``known`` ids by type) or that came earlier.

    Alerts are dropped one by one, by id alone; an event attachment goes as a whole. What stays of an alert or
    event attachment has lists of ids and indices.
    """
    seen = set(known["alert"])
    kept: list[Json] = []
    for payload in payloads:
        kind = payload["type"]
        documents = documents_of(payload)
        if kind == "alert":
            documents = [pair for place, pair in enumerate(documents) if _is_new(documents, place, seen)]
            seen.update(identifier for identifier, _ in documents)
        elif kind == "event" and any(identifier in known["event"] for identifier, _ in documents):
            continue
        if kind not in _ID_FIELDS:
            kept.append(payload)
        elif documents:
            ids, indices = [pair[0] for pair in documents], [pair[1] for pair in documents]
            kept.append(payload | {_ID_FIELDS[kind]: ids, "index": indices})
    return kept


def _is_new(documents: Sequence[tuple[str, str]], place: int, seen: set[str]) -> bool:
    identifier = documents[place][0]
    return identifier not in seen and all(earlier != identifier for earlier, _ in documents[:place])


def check_limits(payloads: Sequence[Mapping[str, Any]], present: Mapping[str, int]) -> None:
    """Raise ``BadRequest`` if a case would hold too much; ``present`` counts alerts, files and references.

    Alerts are counted before duplicates are dropped, as Kibana does.
    """
    added = {
        "alerts": sum(len(set(documents_of(payload))) for payload in payloads if payload["type"] == "alert"),
        "files": sum(_is_file(payload) for payload in payloads),
        "references": sum(
            payload["type"] in ("externalReference", "persistableState") and not _is_file(payload)
            for payload in payloads
        ),
    }
    for name, most, noun in (
        ("alerts", limits.ALERTS_PER_CASE, "alerts"),
        ("references", limits.REFERENCES_PER_CASE, "persistable state and external reference attachments"),
        ("files", limits.FILES_PER_CASE, "files"),
    ):
        if added[name] and present[name] + added[name] > most:
            raise BadRequest(f"Case has reached the maximum allowed number ({most}) of attached {noun}.")


def count_references(docs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count files, and other external references and persistable states, among attachments."""
    files = sum(_is_file(doc) for doc in docs)
    both = sum(doc["type"] in ("externalReference", "persistableState") for doc in docs)
    return {"files": files, "references": both - files}


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
    if external is not None and external not in _EXTERNAL:
        raise BadRequest(f"Attachment type {external} is not registered.")
    if external == FILES:
        decode(_FILE_METADATA, payload["externalReferenceMetadata"])
    persistable = payload.get("persistableStateAttachmentTypeId")
    if persistable is not None and persistable not in _PERSISTABLE:
        raise BadRequest(f"Attachment type {persistable} is not registered.")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _json(values: list[str]) -> str:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)
