"""Open a case for every row of a CSV file.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/import_csv.py findings.csv --dry-run
    python examples/import_csv.py findings.csv > ids.txt

The file is UTF-8 with commas. Its first row names the columns: title, description and, if there, severity, tags
(separated by ;), category. A row whose title is that of an open case, or of a row above it, is left out, so the file
can be given twice. All rows are looked at before the first case is opened.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kibcase
from kibcase.client.limits import check_fields

SEVERITIES = ("low", "medium", "high", "critical")


def main() -> None:
    options, kibana = arguments()
    with kibana:
        known = {case.title for case in kibana.cases.iter(owner=options.owner, status=["open", "in-progress"])}
        for row in options.rows:
            if row["title"] in known:
                print(f"there already: {printable(row['title'])}", file=sys.stderr)
                continue
            known.add(row["title"])
            if options.dry_run:
                print(f"would be opened: {printable(row['title'])}")
            else:
                print(kibana.cases.create(owner=options.owner, **row).id, flush=True)


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--dry-run", action="store_true", help="open nothing")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        options.rows = read(options.file)
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def read(path: Path) -> list[dict[str, Any]]:
    """The cases that the file asks for; raises ``ValueError`` with the line that cannot become one."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            return list(checked(reader))
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8") from None
        except (csv.Error, ValueError) as error:
            raise ValueError(f"{path}, line {reader.reader.line_num}: {error}") from None


def checked(reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    if missing := {"title", "description"}.difference(reader.fieldnames or ()):
        raise ValueError(f"the first row names no column {' and no column '.join(sorted(missing))}")
    for row in reader:
        if None in row:
            raise ValueError("there are more cells than columns")
        yield fields(row)


def fields(row: dict[str, str]) -> dict[str, Any]:
    cells = {name: (cell or "").strip() for name, cell in row.items()}
    severity = cells.get("severity", "").lower() or "low"
    if severity not in SEVERITIES:
        raise ValueError(f"the severity is one of {', '.join(SEVERITIES)}")
    found = {
        "title": cells["title"], "description": cells["description"], "severity": severity,
        "tags": [tag.strip() for tag in cells.get("tags", "").split(";") if tag.strip()],
        "category": cells.get("category") or None,
    }
    check_fields(found)
    return found


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
