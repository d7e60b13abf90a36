"""Attach the alerts that a query finds to a case.

    export KIBANA_URL=https://kibana.example.com ELASTICSEARCH_URL=https://es.example.com:9200
    export KIBANA_USERNAME=analyst KIBANA_PASSWORD=...        # or KIBANA_API_KEY=...
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
from kibcase.alerts import AlertIndices


def main() -> None:
    options = arguments()
    username, password = os.environ.get("KIBANA_USERNAME"), os.environ.get("KIBANA_PASSWORD")
    api_key = os.environ.get("KIBANA_API_KEY")
    with (
        kibcase.Kibana(
            options.url, username=username, password=password, api_key=api_key, space=options.space
        ) as kibana,
        AlertIndices(
            options.es_url, username=username, password=password, api_key=api_key, space=options.space
        ) as indices,
    ):
        case = kibana.cases.get(options.case)
        there = {alert.id for alert in kibana.alerts.of_case(case)}
        query = {"bool": {"filter": [{"term": {field: value}} for field, value in options.where]}}
        found = [
            alert for alert in indices.stream(rule=options.rule, since=options.since, query=query)
            if alert.id not in there
        ]
        if found and options.yes:
            kibana.alerts.attach(case, [alert.id for alert in found], [alert.index for alert in found])
    print(f"{len(found)} alerts {'attached' if options.yes else 'would be attached'}, {len(there)} were there")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBANA_URL"), help="Kibana (KIBANA_URL)")
    parser.add_argument("--es-url", default=os.environ.get("ELASTICSEARCH_URL"), help="Elasticsearch")
    parser.add_argument("--space", default="default")
    parser.add_argument("--where", action="append", type=term, default=[], metavar="FIELD=VALUE", help="repeatable")
    parser.add_argument("--rule", help="only of the detection rule of this name")
    parser.add_argument("--since", default="now-24h", help="how far back, as Elasticsearch date math")
    parser.add_argument("--yes", action="store_true", help="attach them; without it they are only counted")
    options = parser.parse_args()
    if not options.url or not options.es_url:
        parser.error("give --url and --es-url, or set KIBANA_URL and ELASTICSEARCH_URL")
    return options


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
