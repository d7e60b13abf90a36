"""Close all open cases with a tag, with a reason for their alerts and a comment for people.

    export KIBANA_URL=https://kibana.example.com KIBANA_USERNAME=analyst KIBANA_PASSWORD=...
    python examples/bulk_close.py --tag scanner --comment "Our own scanner."            # shows which, changes nothing
    python examples/bulk_close.py --tag scanner --comment "Our own scanner." --reason false_positive --yes

The reason needs stack 9.4 and goes to the alerts of cases that sync them. Cases that others change meanwhile are
read again; one that is closed by then stays as it is.
"""

from __future__ import annotations

import argparse
import os

import kibcase


def main() -> None:
    options = arguments()
    with kibcase.Kibana(
        options.url, username=os.environ.get("KIBANA_USERNAME"), password=os.environ.get("KIBANA_PASSWORD"),
        api_key=os.environ.get("KIBANA_API_KEY"), space=options.space,
    ) as kibana:
        # Closing moves cases out of the list that is being walked, so all are found first.
        found = list(kibana.cases.iter(tags=options.tag, owner=options.owner, status=["open", "in-progress"]))
        for case in found:
            outcome = close(kibana, case, options.comment, options.reason) if options.yes else "would be closed"
            print(f"{outcome:16} {printable(case.title)}")
    print(f"{len(found)} cases with the tag {printable(options.tag)}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBANA_URL"), help="Kibana (KIBANA_URL)")
    parser.add_argument("--space", default="default")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--tag", required=True, help="cases with this tag")
    parser.add_argument("--comment", required=True, help="why, for people")
    parser.add_argument("--reason", help="why, for alerts: false_positive, duplicate, ...")
    parser.add_argument("--yes", action="store_true", help="close them; without it they are only shown")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBANA_URL")
    return options


def close(kibana: kibcase.Kibana, case: kibcase.Case, comment: str, reason: str | None) -> str:
    changes: kibcase.Changes = {"status": "closed"}
    if reason:
        changes["close_reason"] = reason
    try:
        if kibana.cases.get(case.id).status == "closed":
            return "was closed"
        kibana.comments.add(case, comment)
        kibana.cases.retry(case.id, lambda now: None if now.status == "closed" else changes)
    except (kibcase.ConflictError, kibcase.NotFoundError):
        return "left alone"
    return "closed"


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
