"""Copy a case, with comments, files and alerts, to another space or solution, and tell what stays behind.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/copy_case.py 2b5a1c1e-... --to-space incident-response
    python examples/copy_case.py 2b5a1c1e-... --to-space incident-response --owner cases --close

Nothing is taken from the original; --close closes it with a comment that names the copy.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import kibcase


def main() -> None:
    options, kibana = arguments()
    with kibana:
        restored = kibana.transfer.copy(options.case, kibana.space(options.to_space), owner=options.owner)
        for left in restored.left:
            print(printable(f"left behind: {left.what}: {left.why}"))
        if restored.case is None:
            raise SystemExit("The case was not copied.")
        if options.close:
            case = kibana.cases.get(options.case)
            case.comment(f"Goes on as case {restored.case.id} in space {options.to_space}.")
            case.close()
    print(restored.case.id)


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--to-space", required=True, help="the id of the space that gets the copy")
    parser.add_argument("--owner", help="make it a case of this solution: securitySolution, observability, cases")
    parser.add_argument("--close", action="store_true", help="close the original")
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
