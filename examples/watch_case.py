"""Show what happens to a case, as it happens, until it is closed.

    export KIBCASE_URL=https://kibana.example.com KIBCASE_USER=analyst KIBCASE_PASSWORD=...
    python examples/watch_case.py 2b5a1c1e-... --every 10

Reads only. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

import kibcase


def main() -> None:
    options, kibana = arguments()
    with kibana:
        try:
            watch(kibana, options.case, options.every)
        except KeyboardInterrupt:
            return


def arguments() -> tuple[argparse.Namespace, kibcase.Kibana]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", help="the id of the case")
    parser.add_argument("--url", default=os.environ.get("KIBCASE_URL"), help="Kibana (KIBCASE_URL)")
    parser.add_argument("--space", default=os.environ.get("KIBCASE_SPACE") or "default", help="(KIBCASE_SPACE)")
    parser.add_argument("--every", type=seconds, default=10.0, help="seconds between two looks")
    options = parser.parse_args()
    if not options.url:
        parser.error("give --url, or set KIBCASE_URL")
    try:
        return options, kibcase.Kibana(options.url, space=options.space, **account())
    except (OSError, ValueError) as error:
        parser.error(str(error))


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.01 <= number <= 86_400:
        raise argparse.ArgumentTypeError("write seconds, from 0.01 to 86400")
    return number


def account() -> dict[str, Any]:
    """The account that the environment names: an API key, or else a user with a password."""
    if key := os.environ.get("KIBCASE_API_KEY"):
        return {"api_key": key}
    given = {"username": os.environ.get("KIBCASE_USER"), "password": os.environ.get("KIBCASE_PASSWORD")}
    return {name: value for name, value in given.items() if value}


def watch(kibana: kibcase.Kibana, case_id: str, every: float) -> None:
    """Print new entries of the activity; looks into it only when the case has a new version."""
    version = ""
    shown: set[str] = set()
    while True:
        case = kibana.cases.get(case_id)
        if case.version != version:
            for action in kibana.user_actions.iter(case_id):
                if action.id not in shown:
                    print(line(action), flush=True)
                    shown.add(action.id)
            version = case.version
        if case.status == "closed":
            return
        time.sleep(every)


def line(action: kibcase.UserAction) -> str:
    who = action.created_by.display_name if action.created_by else "unknown"
    text = f"{action.created_at:%Y-%m-%d %H:%M:%S}  {who}: {action.action} {action.type} {value(action)}"
    # What others wrote may not steer this terminal, nor fill it.
    return "".join(char if char.isprintable() else " " for char in text)[:200]


def value(action: kibcase.UserAction) -> str:
    payload = action.payload or {}
    if action.type == "comment":
        payload = payload.get("comment", {})
        return str(payload.get("comment", payload.get("type", "")))
    return json.dumps(payload.get(action.type, ""), ensure_ascii=False) if action.type in payload else ""


if __name__ == "__main__":
    try:
        main()
    except kibcase.KibcaseError as error:
        raise SystemExit(str(error)) from None
