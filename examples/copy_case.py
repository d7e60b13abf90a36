"""Copy a case, with comments, files and alerts, to another space or solution, and tell what stays behind.

    export KIBANA_URL=https://kibana.example.com KIBANA_USERNAME=analyst KIBANA_PASSWORD=...
    python examples/copy_case.py 2b5a1c1e-... --to-space incident-response
    python examples/copy_case.py 2b5a1c1e-... --to-space incident-response --owner cases --close

Nothing is taken from the original; --close closes it with a comment that names the copy.
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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBANA_URL"), help="Kibana (KIBANA_URL)")
    parser.add_argument("--space", default="default")
    parser.add_argument("--to-space", required=True, help="the id of the space that gets the copy")
    parser.add_argument("--owner", help="make it a case of this solution: securitySolution, observability, cases")
    parser.add_argument("--close", action="store_true", help="close the original")
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
