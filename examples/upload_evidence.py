"""Attach files to a case, with a comment that lists their hashes; files that are there already are left out.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/upload_evidence.py 2b5a1c1e-... memory.zip notes.txt

A file counts as there if the case has one of its name. The type of a file whose ending Kibana does not know can be
given with --type.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path
from typing import Any

import kibcase


def main() -> None:
    options, kibana = arguments()
    with kibana:
        case = kibana.cases.get(options.case)
        there = {file.file_name for file in kibana.files.list(case)}
        fresh = [path for path in options.files if path.name not in there]
        for path in fresh:
            kibana.files.upload(case, path, mime_type=options.type)
            print(f"{path.stat().st_size:12}  {path.name}")
        if fresh:
            kibana.comments.add(case, listing(fresh))
    print(f"{len(fresh)} files attached, {len(options.files) - len(fresh)} were there")


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--type", help="the MIME type of all of them")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    for path in options.files:
        if not path.is_file():
            parser.error(f"no such file: {path}")
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


def listing(paths: list[Path]) -> str:
    rows = [f"| {path.name} | `{sha256(path)}` |" for path in paths]
    return "\n".join(["| File | SHA-256 |", "|---|---|", *rows])


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
