"""Open a case for every row of a CSV file.

    export KIBANA_URL=https://kibana.example.com KIBANA_USERNAME=analyst KIBANA_PASSWORD=...
    python examples/import_csv.py findings.csv --dry-run
    python examples/import_csv.py findings.csv > ids.txt

Columns: title, description; if there: severity, tags (separated by ;), category. A row whose title is that of an open
case is left out, so the file can be given twice. All rows are looked at before the first case is opened.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path
from typing import Any

import kibcase

SEVERITIES = ("low", "medium", "high", "critical")


def main() -> None:
    options = arguments()
    rows = read(options.file)
    with kibcase.Kibana(
        options.url, username=os.environ.get("KIBANA_USERNAME"), password=os.environ.get("KIBANA_PASSWORD"),
        api_key=os.environ.get("KIBANA_API_KEY"), space=options.space,
    ) as kibana:
        known = {case.title for case in kibana.cases.iter(owner=options.owner, status=["open", "in-progress"])}
        for row in rows:
            if row["title"] in known:
                print(f"there already: {printable(row['title'])}", file=sys.stderr)
            elif options.dry_run:
                print(f"would be opened: {printable(row['title'])}")
            else:
                print(kibana.cases.create(owner=options.owner, **row).id)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default=os.environ.get("KIBANA_URL"), help="Kibana (KIBANA_URL)")
    parser.add_argument("--space", default="default")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--dry-run", action="store_true", help="open nothing")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBANA_URL")
    return options


def read(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [fields(row, number) for number, row in enumerate(csv.DictReader(file), start=2)]


def fields(row: dict[str, str], line: int) -> dict[str, Any]:
    title, description = (row.get("title") or "").strip(), (row.get("description") or "").strip()
    severity = (row.get("severity") or "low").strip().lower()
    if not title or not description:
        raise SystemExit(f"line {line}: title and description are needed")
    if severity not in SEVERITIES:
        raise SystemExit(f"line {line}: the severity is one of {', '.join(SEVERITIES)}")
    tags = [tag.strip() for tag in (row.get("tags") or "").split(";") if tag.strip()]
    category = (row.get("category") or "").strip() or None
    return {"title": title, "description": description, "severity": severity, "tags": tags, "category": category}


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
