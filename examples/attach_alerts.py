"""Attach the alerts that a query finds to a case.

    export KIBCASE_URL=https://kibana.example.com ELASTICSEARCH_URL=https://es.example.com:9200
    export KIBCASE_USER=analyst KIBCASE_PASSWORD=...        # or KIBCASE_API_KEY=...
    python examples/attach_alerts.py 2b5a1c1e-... --where host.name=WKS-7 --since now-24h
    python examples/attach_alerts.py 2b5a1c1e-... --rule "Malware Detected" --yes

Needs: pip install 'kibcase[alerts]'. Alerts that are on the case already are left out. Without --yes nothing is
attached.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import kibcase
from kibcase.alerts import Alert, AlertIndices


def main() -> None:
    options, kibana, indices = arguments()
    with kibana, indices:
        case = kibana.cases.get(options.case)
        there = {alert.id for alert in kibana.alerts.of_case(case)}
        found = [alert for alert in matching(indices, options) if alert.id not in there]
        if found and options.yes:
            kibana.alerts.attach(case, [alert.id for alert in found], [alert.index for alert in found])
    print(f"{len(found)} alerts {'attached' if options.yes else 'would be attached'}, {len(there)} were there")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana, AlertIndices]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--es-url", default=os.environ.get("ELASTICSEARCH_URL"), help="(ELASTICSEARCH_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--where", action="append", type=term, default=[], metavar="FIELD=VALUE", help="repeatable")
    parser.add_argument("--rule", help="only of the detection rule of this name")
    parser.add_argument("--since", default="now-24h", help="how far back, as Elasticsearch date math")
    parser.add_argument("--yes", action="store_true", help="attach them; without it they are only counted")
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


def matching(indices: AlertIndices, options: argparse.Namespace) -> list[Alert]:
    query = {"bool": {"filter": [{"term": {field: value}} for field, value in options.where]}}
    try:
        return list(indices.stream(rule=options.rule, since=options.since, query=query))
    except kibcase.NotFoundError:
        raise SystemExit(
            f"Space {indices.space} has no index of alerts yet: it is made when its first detection rule is turned on."
        ) from None


def term(text: str) -> tuple[str, Any]:
    field, equals, value = text.partition("=")
    if not (field and equals):
        raise argparse.ArgumentTypeError("write it as FIELD=VALUE")
    return field, value


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
