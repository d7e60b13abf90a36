"""Bases and intents as JSON, for stores; the reverse refuses what it does not understand."""

from __future__ import annotations

import json
from typing import Any

from kibcase_connectors.model import UNSET, Json, Side, Unset
from kibcase_daemon.sync.advance import Intent
from kibcase_daemon.sync.types import Base, Both, CommentPair, FilePair


def dump_base(base: Base) -> str:
    """Give the JSON text of a base; a side that never agreed is absent."""
    fields = {
        name: {side.value: value for side in Side if (value := agreed.of(side)) is not UNSET}
        for name, agreed in base.fields.items()
    }
    pairs = [[pair.origin.value, pair.key, pair.mirror, pair.digest, pair.mirror_digest] for pair in base.comments]
    linked = sorted(side.value for side in base.linked)
    files = [[pair.case, pair.ticket] for pair in base.files]
    return json.dumps({"fields": fields, "comments": pairs, "linked": linked, "files": files}, sort_keys=True)


def load_base(text: str) -> Base:
    """Give the base that ``dump_base`` wrote. Raises ``ValueError`` or ``KeyError`` on anything else."""
    data = json.loads(text)
    fields: dict[str, Both[Json | Unset]] = {
        name: Both(case=sides.get("case", UNSET), ticket=sides.get("ticket", UNSET))
        for name, sides in data["fields"].items()
    }
    pairs = tuple(
        CommentPair(origin=Side(origin), key=key, mirror=mirror, digest=digest, mirror_digest=mirror_digest)
        for origin, key, mirror, digest, mirror_digest in data["comments"]
    )
    # State files of the first version know of no files.
    files = tuple(FilePair(case=case, ticket=ticket) for case, ticket in data.get("files", []))
    return Base(fields=fields, comments=pairs, linked=frozenset(Side(side) for side in data["linked"]), files=files)


def dump_intent(intent: Intent) -> str:
    """Give the JSON text of an intent's body; id, link, side, kind, time and attempts are columns."""
    body: dict[str, Any] = {
        "mark": intent.mark, "sources": dict(intent.sources), "comment": intent.comment, "digest": intent.digest,
        "body": intent.body, "add": {name: list(items) for name, items in intent.add.items()},
        "remove": {name: list(items) for name, items in intent.remove.items()},
        "announced": {name: list(values) for name, values in intent.announced.items()},
        "file": intent.file, "size": intent.size,
    }
    return json.dumps(body, sort_keys=True)


def load_intent(text: str, *, id: str, link: str, side: str, kind: str, sent_at: float, attempts: int) -> Intent:  # noqa: A002 - the column's name
    """Give the intent that ``dump_intent`` wrote."""
    body = json.loads(text)
    return Intent(
        id=id, link=link, side=Side(side), kind=kind, sent_at=sent_at, attempts=attempts, mark=body["mark"],
        sources=body["sources"], announced=body["announced"], comment=body["comment"], digest=body["digest"],
        body=body["body"], add=body["add"], remove=body["remove"], file=body.get("file", ""),
        size=body.get("size", 0),
    )
