"""Find the cases that share an observable with a case: the same address, hash, host or domain.

    export KIBANA_URL=https://kibana.example.com KIBANA_USERNAME=analyst KIBANA_PASSWORD=...
    python examples/find_similar.py 2b5a1c1e-...
    python examples/find_similar.py 2b5a1c1e-... --tag-them campaign-7

Needs stack 8.18 and a Platinum licence. Reads only, unless --tag-them gives all of them a common tag.
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
        found = list(kibana.cases.iter_similar(options.case))
        for case in found:
            shared = ", ".join(each.value for each in case.similarities.observables)
            print(printable(f"{case.id}  {case.status:12} {case.title}: {shared}"))
        if options.tag_them and found:
            for case_id in [options.case, *(case.id for case in found)]:
                kibana.case(case_id).add_tags(options.tag_them)
    if not found:
        print("No other case has one of its observables.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBANA_URL"), help="Kibana (KIBANA_URL)")
    parser.add_argument("--space", default="default")
    parser.add_argument("--tag-them", metavar="TAG", help="give the case and those found this tag")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBANA_URL")
    return options


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
