"""Observables out of alerts and events: which fields Kibana reads, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from kibcase.server import limits
from kibcase.server.cases.attachments import documents_of
from kibcase.server.cases.context import Caller, Context
from kibcase.server.cases.observables import add_observables

Json = dict[str, Any]

DESCRIPTION: Final = "Auto extracted observable"

_HASHES = ("cdhash", "md5", "sha1", "sha256", "sha384", "sha512", "ssdeep", "tlsh")
_TYPES: Final = {
    f"{parent}.hash.{name}": "observable-type-file-hash"
    for parent in ("dll", "file", "process")
    for name in _HASHES
} | {
    "host.name": "observable-type-hostname",
    "file.path": "observable-type-file-path",
    "dns.question.name": "observable-type-domain",
    "agent.id": "observable-type-agent-id",
}
_ADDRESSES: Final = frozenset({"source.ip", "destination.ip"})


def extract_from_documents(sources: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Give the observables in alert or event documents (``common/observables/get_observables_from_ecs``).

    Each is ``{typeKey, value, description}``, none comes twice. Read are ``source.ip``, ``destination.ip``,
    ``host.name``, ``file.path``, ``dns.question.name``, ``agent.id`` and the hashes of file, dll and process;
    keys may be nested or dotted. Objects inside arrays are not looked into, and values are taken as they are.
    """
    found: dict[tuple[str, str], Json] = {}
    for source in sources:
        for name, value in dict(_flattened(source, "")).items():
            for text in _texts(value):
                kind = _kind(name, text)
                if kind is not None:
                    found.setdefault((kind, text), {"typeKey": kind, "value": text, "description": DESCRIPTION})
    return list(found.values())


def auto_extract(context: Context, caller: Caller, case_id: str, attachments: Sequence[Mapping[str, Any]]) -> None:
    """Add the observables of newly attached alerts and events to their case, as far as they fit.

    Nothing happens below stack 9.4.3 or Platinum, unless the case has ``settings.extractObservables``, and for
    documents that are not there. ``attachments`` have the shapes of the comments endpoints.
    """
    targets = [
        (index, identifier)
        for payload in attachments
        for identifier, index in documents_of(payload)
        if identifier and index
    ]
    if not (targets and context.stack.extracts_observables and context.stack.is_platinum):
        return
    with context.store.transaction():
        record = context.case(caller, case_id)
        if record.doc["settings"].get("extractObservables"):
            read = context.alerts.read(targets[: limits.ALERTS_READ])
            add_observables(context, caller, record, extract_from_documents(found.source for _, found in read))


def _kind(name: str, text: str) -> str | None:
    if name in _ADDRESSES:
        return "observable-type-ipv6" if ":" in text else "observable-type-ipv4"
    if name == "host.name" and not text:
        return None
    return _TYPES.get(name)


def _flattened(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flattened(item, f"{prefix}{key}.")
        else:
            yield prefix + key, item


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
