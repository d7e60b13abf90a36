"""What a user of kibana-py does with cases; runs under an interpreter that has it: URL as the argument."""

from __future__ import annotations

import sys
from typing import Any

from kibana import Kibana  # type: ignore[import-not-found]
from kibana.exceptions import ConflictError, NotFoundError  # type: ignore[import-not-found]


def expect(name: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise SystemExit(f"{name}: got {got!r}, wanted {wanted!r}")


def cases(client: Any) -> None:
    made = client.cases.create(title="From kibana-py", description="d", tags=["py"], owner="cases", severity="high")
    identifier, version = made.body["id"], made.body["version"]
    expect("severity", made.body["severity"], "high")
    updated = client.cases.update(id=identifier, version=version, status="in-progress", tags=["py", "more"])
    expect("status", updated.body[0]["status"], "in-progress")
    try:
        client.cases.update(id=identifier, version=version, status="closed")
    except ConflictError:
        pass
    else:
        raise SystemExit("a stale version was accepted")
    expect("get", client.cases.get(case_id=identifier).body["title"], "From kibana-py")
    found = client.cases.find(status="in-progress", tags=["more", "other"], search="kibana", per_page=5)
    expect("find", [case["id"] for case in found.body["cases"]], [identifier])
    comments(client, identifier)
    client.cases.delete(ids=[identifier])
    try:
        client.cases.get(case_id=identifier)
    except NotFoundError:
        return
    raise SystemExit("the case is still there")


def comments(client: Any, identifier: str) -> None:
    added = client.cases.add_comment(case_id=identifier, comment="first", owner="cases")
    comment = added.body["comments"][0]
    changed = client.cases.update_comment(
        case_id=identifier, id=comment["id"], version=comment["version"], comment="second", owner="cases"
    )
    expect("comment", changed.body["comments"][0]["comment"], "second")
    expect("read", client.cases.get_comment(case_id=identifier, comment_id=comment["id"]).body["comment"], "second")
    expect("comments", client.cases.get_comments(case_id=identifier).body["total"], 1)
    client.cases.delete_comment(case_id=identifier, comment_id=comment["id"])
    expect("after", client.cases.get_comments(case_id=identifier).body["total"], 0)
    actions = client.cases.find_user_actions(case_id=identifier, sort_order="asc", types=["create_case", "comment"])
    expect(
        "activity",
        [action["action"] for action in actions.body["userActions"]],
        ["create", "create", "update", "delete"],
    )


def around(client: Any) -> None:
    expect("tags", client.cases.get_tags().body, [])
    expect("configuration", client.cases.get_configuration().body, [])
    expect("connectors", client.cases.find_connectors().body, [])


def main() -> None:
    client = Kibana(sys.argv[1], basic_auth=("elastic", "changeme"))
    try:
        cases(client)
        around(client)
    finally:
        client.close()
    print("ok")


if __name__ == "__main__":
    main()
