"""Security alerts as Kibana's detection engine writes them; the same for the same time and seed; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from kibcase_daemon.demo import events
from kibcase_daemon.demo.detection import CREDENTIALS, MALWARE, NEW_DOMAIN, POWERSHELL, TRAVEL, DetectionRule

SEED: Final = 2291
_VERSION: Final = "9.2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Alerts of one rule: how many, the first so many minutes ago, one every ``every`` seconds."""

    rule: DetectionRule
    make: events.Maker
    count: int
    ago: int
    every: int


BURSTS: Final = (
    Burst(rule=MALWARE, make=events.malware, count=4, ago=58, every=190),
    Burst(rule=POWERSHELL, make=events.powershell, count=6, ago=44, every=65),
    Burst(rule=CREDENTIALS, make=events.credentials, count=3, ago=36, every=40),
    Burst(rule=NEW_DOMAIN, make=events.new_domain, count=7, ago=52, every=300),
    Burst(rule=TRAVEL, make=events.travel, count=4, ago=31, every=240),
)
"""What happened in the last hour."""


def security_alerts(now: datetime, *, seed: int = SEED) -> list[dict[str, Any]]:
    """Make the alert documents of the last hour before ``now`` (aware), oldest first.

    Shaped like documents of ``.alerts-security.alerts-*`` (Kibana alerts as data): ``kibana.*`` keys are
    dotted on the document itself, ECS fields are nested as the source event had them, and ``event.kind``
    is dotted beside the nested ``event``.
    """
    random = Random(seed)  # noqa: S311 - sample data, no secret
    found = [_alert(random, burst, number, now, seed) for burst in BURSTS for number in range(burst.count)]
    return sorted(found, key=lambda alert: (alert["@timestamp"], alert["kibana.alert.uuid"]))


def _alert(random: Random, burst: Burst, number: int, now: datetime, seed: int) -> dict[str, Any]:
    happened = now - timedelta(minutes=burst.ago) + timedelta(seconds=number * burst.every)
    # A rule runs every five minutes, so its alert comes a while after the event.
    written = happened + timedelta(seconds=20 + random.randrange(100))
    source = burst.make(random, number)
    event = dict(source["event"])
    kind = event.pop("kind")
    event |= {"created": _time(happened), "ingested": _time(happened + timedelta(seconds=1))}
    rule = burst.rule
    return {
        **source,
        "@timestamp": _time(written),
        "event": event,
        "event.kind": "signal",
        **{f"kibana.alert.original_event.{name}": value for name, value in {**event, "kind": kind}.items()},
        "kibana.alert.original_time": _time(happened),
        **_life(random, rule, source, written, seed, number),
        **rule.to_fields(),
    }


def _life(
    random: Random, rule: DetectionRule, source: Mapping[str, Any], written: datetime, seed: int, number: int
) -> dict[str, Any]:
    own: dict[str, Any] = {
        "kibana.alert.uuid": hashlib.sha256(f"{seed}/{rule.uuid}/{number}".encode()).hexdigest(),
        "kibana.alert.status": "active",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.workflow_tags": [],
        "kibana.alert.workflow_assignee_ids": [],
        "kibana.alert.depth": 1,
        "kibana.alert.ancestors": [
            {"id": f"{random.getrandbits(80):020x}", "type": "event", "depth": 0,
             "index": f".ds-{rule.reads}-default-{written:%Y.%m.%d}-000001"}
        ],
        "kibana.alert.reason": reason(rule, source),
        "kibana.alert.start": _time(written),
        "kibana.alert.last_detected": _time(written),
        "kibana.alert.rule.execution.uuid": str(UUID(int=random.getrandbits(128), version=4)),
        "kibana.alert.rule.execution.timestamp": _time(written),
        "kibana.alert.rule.execution.type": "scheduled",
        "kibana.space_ids": ["default"],
        "kibana.version": _VERSION,
    }
    domain = events.text(source, "dns", "question", "registered_domain")
    return {**own, "kibana.alert.new_terms": [domain]} if rule.kind == "new_terms" else own


def reason(rule: DetectionRule, source: Mapping[str, Any]) -> str:
    """Give the sentence that says why there is an alert."""
    category = ", ".join(source["event"]["category"])
    parts = [f"{category} event"]
    for word, path in (("with process", ("process", "name")), ("by", ("user", "name")), ("on", ("host", "name"))):
        value = events.text(source, *path)
        if value:
            parts.append(f"{word} {value}")
    return f"{', '.join(parts)} created {rule.severity} alert {rule.name}."


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
