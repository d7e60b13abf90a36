"""The choice lists of a fresh instance; customers and releases differ, so they are data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An entry of ``sys_choice``: what a value of a column is called.

    ``dependent_value`` ties a subcategory to its category. Inactive choices keep labelling old records. Each
    installed ``language`` has an entry of its own.
    """

    table: str
    element: str
    value: str
    label: str
    dependent_value: str = ""
    inactive: bool = False
    language: str = "en"


def _several(table: str, element: str, *pairs: tuple[str, str], of: str = "") -> tuple[Choice, ...]:
    return tuple(
        Choice(table=table, element=element, value=value, label=label, dependent_value=of) for value, label in pairs
    )


def _same(table: str, element: str, *names: str) -> tuple[Choice, ...]:
    return _several(table, element, *((name, name) for name in names))


_LEVELS = (("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low"))
_ITSM_STATES = (
    ("1", "New"), ("2", "In Progress"), ("3", "On Hold"), ("6", "Resolved"), ("7", "Closed"), ("8", "Canceled"),
)

DEFAULT_CHOICES: tuple[Choice, ...] = (
    *_several(
        "task", "priority",
        ("1", "1 - Critical"), ("2", "2 - High"), ("3", "3 - Moderate"), ("4", "4 - Low"), ("5", "5 - Planning"),
    ),
    *_several("task", "impact", *_LEVELS), *_several("task", "urgency", *_LEVELS),
    *_several("incident", "severity", *_LEVELS),
    *_several("incident", "state", *_ITSM_STATES), *_several("incident", "incident_state", *_ITSM_STATES),
    *_several(
        "incident", "hold_reason",
        ("1", "Awaiting Caller"), ("5", "Awaiting Change"), ("3", "Awaiting Problem"), ("4", "Awaiting Vendor"),
    ),
    *_same(
        "incident", "close_code", "Duplicate", "Known error", "No resolution provided", "Resolved by caller",
        "Resolved by change", "Resolved by problem", "Resolved by request", "Solution provided", "User error",
    ),
    # What Kibana's connector writes when it closes; instances that serve it have the value.
    *_same("incident", "close_code", "Closed/Resolved by Caller"),
    *_several(
        "incident", "category",
        ("inquiry", "Inquiry / Help"), ("software", "Software"), ("hardware", "Hardware"), ("network", "Network"),
        ("database", "Database"),
    ),
    *_several("incident", "subcategory", ("email", "Email"), ("os", "Operating System"), of="software"),
    *_several("incident", "subcategory", ("dns", "DNS"), ("vpn", "VPN"), of="network"),
    *_several(
        "sn_si_incident", "state",
        ("10", "Draft"), ("16", "Analysis"), ("18", "Contain"), ("19", "Eradicate"), ("20", "Recover"),
        ("100", "Review"), ("3", "Closed"), ("7", "Cancelled"),
    ),
    *_same(
        "sn_si_incident", "close_code", "Threat mitigated", "Patched vulnerability", "Invalid vulnerability",
        "Not resolved", "False positive",
    ),
    *_several(
        "sn_si_incident", "category",
        ("Denial of Service", "Denial of Service"), ("Malicious code activity", "Malicious code activity"),
        ("Phishing", "Phishing"), ("Privilege Escalation", "Privilege Escalation"),
    ),
    *_several(
        "sn_si_incident", "subcategory", ("12", "Inbound or outbound"), ("26", "Single or distributed (DoS or DDoS)"),
        of="Denial of Service",
    ),
)
