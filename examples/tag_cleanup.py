"""Bring order into tags: one spelling each, and new names for old ones, on all cases.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/tag_cleanup.py --rename edr-alert=edr --rename c&c=c2       # shows what would change
    python examples/tag_cleanup.py --rename edr-alert=edr --rename c&c=c2 --yes

Tags that differ only in case and white space become one, in lower case. Others' changes are never lost: a case
that somebody changes meanwhile is read again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

import kibcase


def main() -> None:
    options, kibana = arguments()
    with kibana:
        names = dict(options.rename)
        changed = 0
        for case in kibana.cases.iter(owner=options.owner):
            wanted = tidy(case.tags, names)
            if wanted != case.tags:
                changed += 1
                print(printable(f"{case.title}: {', '.join(case.tags)} -> {', '.join(wanted)}"))
                if options.yes:
                    kibana.cases.retry(case.id, lambda now: changes(now, names))
    print(f"{changed} cases {'changed' if options.yes else 'would be changed'}")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--owner", default="securitySolution")
    parser.add_argument("--rename", action="append", type=pair, default=[], metavar="OLD=NEW", help="may be repeated")
    parser.add_argument("--yes", action="store_true", help="change them; without it they are only shown")
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


def pair(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError("write it as OLD=NEW")
    return spelt(old), new


def spelt(tag: str) -> str:
    return " ".join(tag.lower().split())


def tidy(tags: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The tags in their order, each spelt in the one way, renamed, and once."""
    return list(dict.fromkeys(names.get(spelt(tag), spelt(tag)) for tag in tags))


def changes(case: kibcase.Case, names: Mapping[str, str]) -> kibcase.Changes | None:
    wanted = tidy(case.tags, names)
    return None if wanted == case.tags else {"tags": wanted}


def printable(text: str) -> str:
    """What others wrote may not steer this terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
