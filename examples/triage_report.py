"""Say how the cases of a space stand: how many, how old, who waits longest.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/triage_report.py --days 30
    python examples/triage_report.py --json

Reads only.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import kibcase

SEVERITIES = ("critical", "high", "medium", "low")
STATUSES = ("open", "in-progress", "closed")


def main() -> None:
    options, kibana = arguments()
    with kibana:
        cases = list(kibana.cases.iter(owner=options.owner, created_from=f"now-{options.days}d"))
    told = report(cases, datetime.now(UTC))
    print(json.dumps(told, indent=2) if options.json else as_text(told))


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--days", type=number, default=30, help="cases created in the last so many days")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise argparse.ArgumentTypeError("write a whole number from 1 to 3650")
    return int(text)


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def report(cases: Sequence[kibcase.Case], now: datetime) -> dict[str, Any]:
    """Count, and find the open cases that have waited longest."""
    counts = Counter((str(case.severity), str(case.status)) for case in cases)
    durations = [float(case.duration) for case in cases if case.duration is not None]
    waiting = sorted((case for case in cases if case.status == "open"), key=lambda case: case.created_at)
    return {
        "cases": len(cases),
        "by_severity": {level: {each: counts[level, each] for each in STATUSES} for level in SEVERITIES},
        "median_hours_to_close": round(median(durations) / 3600, 1) if durations else None,
        "alerts": sum(case.total_alerts for case in cases),
        "tags": dict(Counter(tag for case in cases for tag in case.tags).most_common(5)),
        "waiting_longest": [
            {"id": case.id, "title": case.title, "hours": round((now - case.created_at).total_seconds() / 3600, 1)}
            for case in waiting[:5]
        ],
    }


def as_text(told: dict[str, Any]) -> str:
    hours = told["median_hours_to_close"]
    lines = [
        f"{told['cases']} cases with {told['alerts']} alerts; "
        + ("none closed" if hours is None else f"median time to close {hours} h"),
        "", f"{'':10}{''.join(f'{status:>14}' for status in STATUSES)}",
    ]
    for level, counts in told["by_severity"].items():
        lines.append(f"{level:10}{''.join(f'{counts[status]:14}' for status in STATUSES)}")
    if told["waiting_longest"]:
        lines += ["", "Open and waiting longest:"]
        lines += [f"{case['hours']:8} h  {printable(case['title'])}" for case in told["waiting_longest"]]
    return "\n".join(lines)


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
