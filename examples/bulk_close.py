"""Close all open cases with a tag, with a reason for their alerts and a comment for people.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/bulk_close.py --tag scanner --comment "Our own scanner."            # shows which, changes nothing
    python examples/bulk_close.py --tag scanner --comment "Our own scanner." --reason false_positive --yes

The reason needs stack 9.4 and goes to the alerts of cases that sync them. Cases that others change meanwhile are
read again; one that is closed by then stays as it is.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import kibcase
from kibcase.client.limits import COMMENT, check_text


def main() -> None:
    options, kibana = arguments()
    with kibana:
        # Closing moves cases out of the list that is being walked, so all are found first.
        found = list(kibana.cases.iter(tags=options.tag, owner=options.owner, status=["open", "in-progress"]))
        for case in found:
            outcome = close(kibana, case, options.comment, options.reason) if options.yes else "would be closed"
            print(f"{outcome:16} {printable(case.title)}")
    print(f"{len(found)} cases with the tag {printable(options.tag)}")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--tag", required=True, help="cases with this tag")
    parser.add_argument("--comment", required=True, help="why, for people")
    parser.add_argument("--reason", help="why, for alerts: false_positive, duplicate, ...")
    parser.add_argument("--yes", action="store_true", help="close them; without it they are only shown")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        check_text("comment", options.comment, COMMENT)
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def close(kibana: kibcase.Kibana, case: kibcase.Case, comment: str, reason: str | None) -> str:
    changes: kibcase.Changes = {"status": "closed"}
    if reason:
        changes["close_reason"] = reason
    before: list[str] = []

    def decide(now: kibcase.Case) -> kibcase.Changes | None:
        before.append(now.status)
        return None if now.status == "closed" else changes

    try:
        closed = kibana.cases.retry(case.id, decide)
    except (kibcase.ConflictError, kibcase.NotFoundError):
        return "left alone"
    if before[-1] == "closed":
        return "was closed"
    # Not before: of a case that may not be closed no comment may say that it was.
    kibana.comments.add(closed, comment)
    return "closed"


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
