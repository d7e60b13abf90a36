"""Open a case for every detection rule and host that has open alerts without a case.

    export KIBCASE_URL=https://kibana.example.com ELASTICSEARCH_URL=https://es.example.com:9200
    export KIBCASE_USER=analyst KIBCASE_PASSWORD=...        # or KIBCASE_API_KEY=...
    python examples/open_cases_from_alerts.py --since now-24h

Needs: pip install 'kibcase[alerts]'. Alerts that belong to a case already are left alone, so a second run
opens nothing; of more than 1000 alerts of one rule on one host it takes the next ones.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import kibcase
from kibcase.alerts import Alert, AlertIndices

OWNER = "securitySolution"
SEVERITIES = ("low", "medium", "high", "critical")
ALERTS_PER_CASE = 1000


def main() -> None:
    options, kibana, indices = arguments()
    with kibana, indices:
        fresh = without_case(indices, options.since)
        for (rule, host), group in grouped(fresh).items():
            alerts = group[:ALERTS_PER_CASE]
            case = open_case(kibana, rule, host, alerts)
            print(f"{case.severity:8} {len(alerts):4} alerts  {printable(case.title)}  {case.id}")
    if not fresh:
        print("No open alert is without a case.")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana, AlertIndices]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--es-url", default=os.environ.get("ELASTICSEARCH_URL"), help="(ELASTICSEARCH_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--since", default="now-24h", help="how far back, as Elasticsearch date math")
    options = parser.parse_args()
    if not options.url or not options.es_url:
        parser.error("give --url and --es-url, or set KIBCASE_URL and ELASTICSEARCH_URL")
    try:
        kibana = kibcase.Kibana(options.url, space=options.space, **account())
        return options, kibana, AlertIndices(options.es_url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def without_case(indices: AlertIndices, since: str) -> list[Alert]:
    try:
        return [alert for alert in indices.stream(status="open", since=since) if not alert.case_ids]
    except kibcase.NotFoundError:
        raise SystemExit(
            f"Space {indices.space} has no index of alerts yet: it is made when its first detection rule is turned on."
        ) from None


def grouped(alerts: Iterable[Alert]) -> dict[tuple[str, str], list[Alert]]:
    """Put the alerts of one rule on one host together."""
    groups: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in alerts:
        groups[alert.rule_name or "Unknown rule", first(alert, "host.name")].append(alert)
    return groups


def open_case(kibana: kibcase.Kibana, rule: str, host: str, alerts: list[Alert]) -> kibcase.Case:
    """Make the case, then attach the alerts: they follow its status from then on."""
    title = f"{rule} on {host}" if host else rule
    case = kibana.cases.create(
        title=title[:160], description=description(alerts), owner=OWNER, severity=worst(alerts), tags=["from-alerts"],
    )
    ids, indices = [alert.id for alert in alerts], [alert.index for alert in alerts]
    return kibana.alerts.attach(case, ids, indices, rule={"id": alerts[0].rule_id, "name": rule})


def description(alerts: list[Alert]) -> str:
    lines = [f"- {alert.timestamp:%Y-%m-%d %H:%M:%S} {alert.reason}" for alert in alerts[:50]]
    return "\n".join([f"**{len(alerts)} alerts.** The first of them:", "", *lines])


def worst(alerts: list[Alert]) -> str:
    known = [alert.severity for alert in alerts if alert.severity in SEVERITIES]
    return max(known, key=SEVERITIES.index, default="low")


def first(alert: Alert, field: str) -> str:
    return next((str(value) for value in alert.field(field)), "")


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
