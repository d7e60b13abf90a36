"""The detection rules of the demo, as Kibana shows a rule on its alerts; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

_ATTACK: Final = "https://attack.mitre.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A MITRE ATT&CK technique with the tactic it serves; ``sub`` is a subtechnique's (id, name)."""

    tactic: tuple[str, str]
    technique: tuple[str, str]
    sub: tuple[str, str] | None = None

    def to_threat(self) -> dict[str, Any]:
        """Give the entry of ``kibana.alert.rule.threat``."""
        tactic_id, tactic = self.tactic
        technique_id, technique = self.technique
        path = f"{_ATTACK}/techniques/{technique_id}"
        entry: dict[str, Any] = {"id": technique_id, "name": technique, "reference": f"{path}/"}
        if self.sub is not None:
            number = self.sub[0].partition(".")[2]
            entry["subtechnique"] = [
                {"id": self.sub[0], "name": self.sub[1], "reference": f"{path}/{number}/"}
            ]
        return {
            "framework": "MITRE ATT&CK",
            "tactic": {"id": tactic_id, "name": tactic, "reference": f"{_ATTACK}/tactics/{tactic_id}/"},
            "technique": [entry],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionRule:
    """A rule of the detection engine.

    ``uuid`` is the saved object's id, ``rule_id`` the stable one of the rule's author. ``severity`` is low,
    medium, high or critical; ``risk_score`` runs from 0 to 100. ``kind`` is the rule type: query, eql or
    new_terms. ``reads`` is the data stream that the rule searches.
    """

    uuid: str
    rule_id: str
    name: str
    description: str
    severity: str
    risk_score: int
    kind: str
    reads: str
    tags: tuple[str, ...]
    threat: Technique

    def to_fields(self) -> dict[str, Any]:
        """Give the ``kibana.alert.rule.*`` fields, dotted, with severity and risk score."""
        type_id, category = _KINDS[self.kind]
        shared: dict[str, Any] = {
            "name": self.name, "description": self.description, "rule_id": self.rule_id, "severity": self.severity,
            "risk_score": self.risk_score, "type": self.kind, "from": "now-6m", "interval": "5m", "to": "now",
            "version": 1, "enabled": True, "immutable": False, "author": ["Demo"], "false_positives": [],
            "references": [], "max_signals": 100, "threat": [self.threat.to_threat()], "actions": [],
        }
        own: dict[str, Any] = {
            "uuid": self.uuid, "category": category, "rule_type_id": type_id, "consumer": "siem", "producer": "siem",
            "revision": 0, "tags": list(self.tags), "indices": [f"{self.reads}-*"],
            "parameters": {"description": self.description, "risk_score": self.risk_score,
                           "severity": self.severity, "type": self.kind, "index": [f"{self.reads}-*"]},
        }
        rule = {f"kibana.alert.rule.{name}": value for name, value in {**shared, **own}.items()}
        return {**rule, "kibana.alert.severity": self.severity, "kibana.alert.risk_score": self.risk_score}


_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "query": ("siem.queryRule", "Custom Query Rule"),
    "eql": ("siem.eqlRule", "Event Correlation Rule"),
    "new_terms": ("siem.newTermsRule", "New Terms Rule"),
})

MALWARE: Final = DetectionRule(
    uuid="6c1d5f0e-61f5-4c6e-9a2b-0d8a3a5b7e01", rule_id="demo-malware-on-endpoint",
    name="Malware Detection Alert", description="The endpoint agent recognised a file as malware.",
    severity="critical", risk_score=99, kind="query", reads="logs-endpoint.alerts",
    tags=("Data Source: Elastic Defend", "Tactic: Execution"),
    threat=Technique(
        tactic=("TA0002", "Execution"), technique=("T1204", "User Execution"), sub=("T1204.002", "Malicious File"),
    ),
)
POWERSHELL: Final = DetectionRule(
    uuid="f0b7a6d2-5a0f-4f5c-8f0e-3b1c9d2e7e02", rule_id="demo-encoded-powershell",
    name="Suspicious Encoded PowerShell", description="PowerShell was started with an encoded command line.",
    severity="medium", risk_score=47, kind="eql", reads="logs-endpoint.events.process",
    tags=("OS: Windows", "Tactic: Execution"),
    threat=Technique(
        tactic=("TA0002", "Execution"), technique=("T1059", "Command and Scripting Interpreter"),
        sub=("T1059.001", "PowerShell"),
    ),
)
CREDENTIALS: Final = DetectionRule(
    uuid="2e9a4c77-0b1d-4d3a-b6a5-91c0de5f7e03", rule_id="demo-lsass-memory-dump",
    name="Credential Dumping from LSASS Memory", description="A process wrote the memory of LSASS to a file.",
    severity="high", risk_score=73, kind="eql", reads="logs-endpoint.events.process",
    tags=("OS: Windows", "Tactic: Credential Access"),
    threat=Technique(
        tactic=("TA0006", "Credential Access"), technique=("T1003", "OS Credential Dumping"),
        sub=("T1003.001", "LSASS Memory"),
    ),
)
NEW_DOMAIN: Final = DetectionRule(
    uuid="9d3b8e15-7c24-4a0b-8e6f-5f2a1b3c7e04", rule_id="demo-dns-new-domain",
    name="DNS Request to a Newly Seen Domain", description="A domain was asked for that nobody had used before.",
    severity="low", risk_score=21, kind="new_terms", reads="logs-network_traffic.dns",
    tags=("Data Source: Network Packet Capture", "Tactic: Command and Control"),
    threat=Technique(
        tactic=("TA0011", "Command and Control"), technique=("T1071", "Application Layer Protocol"),
        sub=("T1071.004", "DNS"),
    ),
)
TRAVEL: Final = DetectionRule(
    uuid="b45e02c9-3f68-4e1a-9d7c-e8a7c6d57e05", rule_id="demo-impossible-travel",
    name="Impossible Travel between Sign-ins",
    description="One account signed in from two places that are too far apart for the time between.",
    severity="medium", risk_score=47, kind="query", reads="logs-azure.signinlogs",
    tags=("Data Source: Microsoft Entra ID", "Tactic: Initial Access"),
    threat=Technique(
        tactic=("TA0001", "Initial Access"), technique=("T1078", "Valid Accounts"),
        sub=("T1078.004", "Cloud Accounts"),
    ),
)
