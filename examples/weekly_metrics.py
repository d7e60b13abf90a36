"""Count, week by week, how many cases were opened and closed and how long closing took.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/weekly_metrics.py --weeks 8
    python examples/weekly_metrics.py --weeks 8 --csv > weeks.csv

Reads only.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import kibcase

HEADER = ("week of", "opened", "closed", "alerts", "median hours")


def main() -> None:
    options, kibana = arguments()
    with kibana:
        first = monday(datetime.now(UTC)) - timedelta(weeks=options.weeks - 1)
        cases = list(kibana.cases.iter(owner=options.owner, created_from=first))
    rows = weeks(cases, first, options.weeks)
    if options.csv:
        csv.writer(sys.stdout).writerows([HEADER, *rows])
        return
    for row in [HEADER, *rows]:
        print("".join(f"{cell:>14}" for cell in row))


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--weeks", type=number, default=4, help="so many, the present one included")
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 520:
        raise argparse.ArgumentTypeError("write a whole number from 1 to 520")
    return int(text)


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def monday(moment: datetime) -> datetime:
    return (moment - timedelta(days=moment.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)


def weeks(cases: Iterable[kibcase.Case], first: datetime, count: int) -> list[tuple[str, ...]]:
    """One row per week: of the cases opened in this time, how many were opened and closed in the week."""
    starts = [first + timedelta(weeks=number) for number in range(count)]
    known = list(cases)
    return [row(start, known) for start in starts]


def row(start: datetime, cases: list[kibcase.Case]) -> tuple[str, ...]:
    end = start + timedelta(weeks=1)
    opened = [case for case in cases if start <= case.created_at < end]
    closed = [case for case in cases if case.closed_at is not None and start <= case.closed_at < end]
    hours = [float(case.duration) / 3600 for case in closed if case.duration is not None]
    alerts = sum(case.total_alerts for case in opened)
    middle = f"{median(hours):.1f}" if hours else "-"
    return f"{start:%Y-%m-%d}", str(len(opened)), str(len(closed)), str(alerts), middle


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
