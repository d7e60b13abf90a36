"""Close cases that nobody has touched for a long time, with a comment that says so.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/close_stale_cases.py --days 60            # shows which, changes nothing
    python examples/close_stale_cases.py --days 60 --yes      # closes them

A case that somebody changes in the meantime is left alone: each is closed only in the version that was looked at.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import kibcase

KEEP = "keep-open"


def main() -> None:
    options, kibana = arguments()
    before = datetime.now(UTC) - timedelta(days=options.days)
    with kibana:
        # Closing moves cases out of the list that is being walked, so all are found first.
        found = list(stale(kibana, options.owner, before))
        for case in found:
            outcome = close(kibana, case, options.days) if options.yes else "would be closed"
            print(f"{outcome:16} {printable(case.title)}")
    print(f"{len(found)} stale cases" if found else "No case is stale.")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--days", type=number, default=60, help="untouched for so many days")
    parser.add_argument("--yes", action="store_true", help="close them; without it they are only shown")
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


def stale(kibana: kibcase.Kibana, owner: str, before: datetime) -> Iterator[kibcase.Case]:
    """Give the open cases that were last changed before that time, unless a tag asks to keep them."""
    for case in kibana.cases.iter(owner=owner, status=["open", "in-progress"], created_to=before):
        if (case.updated_at or case.created_at) < before and KEEP not in case.tags:
            yield case


def close(kibana: kibcase.Kibana, case: kibcase.Case, days: int) -> str:
    try:
        closed = kibana.cases.update(case, status="closed")
    except (kibcase.ConflictError, kibcase.NotFoundError):
        return "changed, left"
    kibana.comments.add(closed, f"Closed: nobody has touched this case for {days} days. Reopen it if it is not done.")
    return "closed"


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
