"""Find the cases that share an observable with a case: the same address, hash, host or domain.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/find_similar.py 2b5a1c1e-...
    python examples/find_similar.py 2b5a1c1e-... --tag-them campaign-7

Needs stack 8.18 and a Platinum licence. Reads only, unless --tag-them gives all of them a common tag.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import kibcase


def main() -> None:
    options, kibana = arguments()
    with kibana:
        found = list(kibana.cases.iter_similar(options.case))
        for case in found:
            shared = ", ".join(each.value for each in case.similarities.observables)
            print(printable(f"{case.id}  {case.status:12} {case.title}: {shared}"))
        if options.tag_them and found:
            for case_id in [options.case, *(case.id for case in found)]:
                kibana.case(case_id).add_tags(options.tag_them)
    if not found:
        print("No other case has one of its observables.")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--tag-them", metavar="TAG", help="give the case and those found this tag")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
