"""Alert documents in Elasticsearch: find them, stream them, set their workflow status (extra: ``alerts``).

    with AlertIndices("https://es:9200", api_key="...") as alerts:
        for alert in alerts.find(status="open", since="now-24h"):
            print(alert.rule_name, alert.field("host.name"))

The import loads no extra; ``AlertIndices(...)`` raises ``MissingExtraError`` if ``elasticsearch`` is not installed.
"""

from kibcase.alerts.fields import flatten, read
from kibcase.alerts.indices import SECURITY_ALERTS, AlertIndices
from kibcase.alerts.model import Alert, AlertFailure, AlertRef, StatusReport

__all__ = [
    "SECURITY_ALERTS",
    "Alert",
    "AlertFailure",
    "AlertIndices",
    "AlertRef",
    "StatusReport",
    "flatten",
    "read",
]
