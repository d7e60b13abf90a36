"""What an analyst makes of the alerts: four cases, each with a Markdown description; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kibcase.alerts import Alert
from kibcase_daemon.demo.detection import CREDENTIALS, MALWARE, NEW_DOMAIN, POWERSHELL, TRAVEL, DetectionRule

Cells = Callable[[Alert], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A case as it is planned, and the rules whose alerts belong to it.

    ``columns`` heads the table of alerts in the description, ``row`` fills one line of it.
    """

    title: str
    summary: str
    severity: str
    tags: tuple[str, ...]
    rules: tuple[DetectionRule, ...]
    columns: tuple[str, ...]
    row: Cells
    code: str = ""
    steps: tuple[str, ...] = ()

    def alerts_among(self, alerts: Sequence[Alert]) -> list[tuple[DetectionRule, list[Alert]]]:
        """Give the alerts of this incident, by rule."""
        return [(rule, [alert for alert in alerts if alert.rule_id == rule.uuid]) for rule in self.rules]

    def description(self, alerts: Sequence[Alert]) -> str:
        """Write the description, with one line of the table for each of the incident's alerts."""
        mine = [alert for _, some in self.alerts_among(alerts) for alert in some]
        mine.sort(key=lambda alert: (str(alert.field("@timestamp")), alert.id))
        command = next((one(alert, self.code) for alert in mine if self.code and one(alert, self.code)), "")
        parts = [self.summary, table(self.columns, [self.row(alert) for alert in mine])]
        if command:
            parts.append(f"First command line:\n\n```\n{command}\n```")
        parts.append("**Next steps**\n\n" + "\n".join(f"- {step}" for step in self.steps))
        return "\n\n".join(parts)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table; bars in cells are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def one(alert: Alert, field: str) -> str:
    """Give the first value of a field as text, "" without one."""
    return next((str(value) for value in alert.field(field)), "")


def _fields(*names: str) -> Cells:
    return lambda alert: [_clock(alert), *(one(alert, name) for name in names)]


def _clock(alert: Alert) -> str:
    return one(alert, "kibana.alert.original_time")[11:19]


INFECTION: Final = Incident(
    title="Malware Invoice_2291.exe on finance laptops",
    summary="The same file arrived on **three** finance laptops within minutes. It ran on the first one.",
    severity="critical", tags=("malware", "finance"), rules=(MALWARE,),
    columns=("Time (UTC)", "Host", "User", "File", "Outcome"),
    row=lambda alert: [
        _clock(alert), one(alert, "host.name"), one(alert, "user.name"), f"`{one(alert, 'file.name')}`",
        "ran" if "allowed" in alert.field("event.type") else "blocked",
    ],
    steps=("Isolate the first laptop", "Reimage it and reset the user's password", "Block the file by its hash"),
)
LATERAL: Final = Incident(
    title="Encoded PowerShell and LSASS dump on the file server",
    summary="A service account ran encoded PowerShell on the file server; minutes later LSASS memory was dumped.",
    severity="high", tags=("credential-access", "server"), rules=(POWERSHELL, CREDENTIALS),
    columns=("Time (UTC)", "Host", "Account", "Process", "Rule"),
    row=lambda alert: [*_fields("host.name", "user.name", "process.name")(alert), alert.rule_name or ""],
    code="process.command_line",
    steps=("Disable the service account", "Collect the dump files", "Look for sign-ins with stolen passwords"),
)
BEACON: Final = Incident(
    title="DNS requests to cdn-metrics.example",
    summary="Laptops ask every five minutes for new names under a domain that was never seen before.",
    severity="low", tags=("dns",), rules=(NEW_DOMAIN,),
    columns=("Time (UTC)", "Host", "Question", "Type"),
    row=_fields("host.name", "dns.question.name", "dns.question.type"),
    steps=("Find out who owns the domain", "Compare the hosts with other open cases"),
)
JOURNEY: Final = Incident(
    title="Impossible travel of l.moreau: Lyon and Singapore",
    summary="Sign-ins of one account from two continents within minutes.",
    severity="medium", tags=("identity", "sign in"), rules=(TRAVEL,),
    columns=("Time (UTC)", "User", "Address", "City", "Country"),
    row=_fields("user.name", "source.ip", "source.geo.city_name", "source.geo.country_name"),
    steps=("Ask the user", "Look for other sign-ins from the second address"),
)
INCIDENTS: Final = (INFECTION, LATERAL, BEACON, JOURNEY)
"""The cases that the demo opens, in this order."""
