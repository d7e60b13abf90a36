"""The life of a ticket as pysnow sees it; runs under an interpreter that has pysnow 0.7.

Arguments: the stand-in's host and port, a file to attach. Prints ``ok`` at the end.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
# pytz 2019.3, to which pysnow is pinned, is older than the deprecation.
warnings.simplefilter("ignore", DeprecationWarning)

import pysnow  # type: ignore[import-not-found]  # noqa: E402
from pysnow.exceptions import MissingResult, NoResults  # type: ignore[import-not-found]  # noqa: E402
from requests import HTTPError  # noqa: E402

USER, PASSWORD = "kibcase", "kibcase-password"


def expect(name: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise SystemExit(f"{name}: got {got!r}, wanted {wanted!r}")


def refused(name: str, status: int, call: Any) -> Any:
    try:
        call()
    except HTTPError as error:
        expect(name, error.response.status_code, status)
        return error.response.json()
    raise SystemExit(f"{name}: not refused")


def life(client: Any) -> str:
    """Create, read, find, change, note, resolve."""
    def table(name: str = "incident") -> Any:
        return client.resource(api_path=f"/table/{name}")

    made = table().create({
        "short_description": "Phishing", "impact": "1", "urgency": "2", "correlation_id": "case-7",
        "correlation_display": "Elastic Case",
    }).one()
    sys_id = str(made["sys_id"])
    expect("new", (made["number"], made["state"], made["priority"]), ("INC0010001", "1", "2"))
    expect("by dict", table().get(query={"correlation_id": "case-7"}).one()["sys_id"], sys_id)
    built = pysnow.QueryBuilder().field("correlation_id").equals("case-7").OR().field("impact").equals(["2", "3"])
    built = built.AND().field("sys_created_on").greater_than(datetime(2020, 1, 1, tzinfo=UTC))
    built = built.AND().field("number").order_descending()
    expect("built", [row["sys_id"] for row in table().get(query=built, fields=["sys_id"]).all()], [sys_id])
    streamed = table().get(query="ORDERBYnumber", stream=True, limit=5)
    expect("streamed", [row["number"] for row in streamed.all()], ["INC0010001"])
    expect("counted", streamed.headers["X-Total-Count"], "1")
    shown = table().get(query={"sys_id": sys_id}, fields=["state", "opened_by"], display_value=True,
                        exclude_reference_link=True).one()
    expect("display", shown, {"state": "New", "opened_by": "Kibcase Sync"})
    updated = table().update({"sys_id": sys_id}, {"description": "from PUT"}).one()
    expect("updated", (updated["description"], updated["sys_mod_count"]), ("from PUT", "1"))
    patched = table().request("PATCH", path_append="/" + sys_id, data=json.dumps({"work_notes": "hello"})).one()
    expect("patched", (patched["work_notes"], patched["sys_mod_count"]), ("", "2"))
    notes = table("sys_journal_field").get(query={"element_id": sys_id, "element": "work_notes"}).all()
    expect("notes", [(row["value"], row["sys_created_by"]) for row in notes], [("hello", USER)])
    body = refused("policy", 403, lambda: table().update({"sys_id": sys_id}, {"state": "6"}).one())
    expect("policy text", "Data Policy Exception" in body["error"]["detail"], True)
    done = {"state": "6", "close_code": "Solution provided", "close_notes": "blocked"}
    expect("resolved", table().update({"sys_id": sys_id}, done)["state"], "6")
    refused("absent", 404, lambda: table().request("GET", path_append="/" + "0" * 32).one())
    try:
        table().get(query={"correlation_id": "nothing"}).one()
    except NoResults:
        return sys_id
    raise SystemExit("nothing was found, and nothing said so")


def files(client: Any, sys_id: str, path: str) -> None:
    """Attach, list, delete."""
    sent = client.resource(api_path="/table/incident").attachments.upload(sys_id=sys_id, file_path=path).one()
    listed = client.resource(api_path="/table/incident").attachments.get(sys_id=sys_id)
    expect("listed", [(row["file_name"], row["size_bytes"]) for row in listed], [("mail.txt", "5")])
    expect("uploaded", (sent["table_sys_id"], sent["table_name"]), (sys_id, "incident"))
    got = client.session.get(sent["download_link"], timeout=10)
    expect("downloaded", got.content, b"hello")
    gone = client.resource(api_path="/table/incident").attachments.delete(sent["sys_id"])
    expect("deleted", gone, {"status": "record deleted"})
    broken = client.resource(api_path="/table/incident").attachments
    refused("no boundary", 400, lambda: broken.upload(sys_id=sys_id, file_path=path, multipart=True).one())


def traps(client: Any) -> None:
    """Behave as the library's users have come to know."""
    second = client.resource(api_path="/table/incident", base_path="/api/now/v2")
    expect("v2", second.get(query={"correlation_id": "nothing"}).all(), [])
    first = client.resource(api_path="/table/incident", base_path="/api/now/v1")
    refused("v1", 404, lambda: first.get(query={"correlation_id": "nothing"}).all())
    expect("a mistyped column", len(client.resource(api_path="/table/incident").get(query={"nr": "1"}).all()), 1)
    shared = client.resource(api_path="/table/incident")
    shared.get(query={"number": "INC0010001"}, fields=["number"]).one()
    expect("shared parameters", list(shared.create({"short_description": "second"}).one()), ["number"])
    refused("no such attachment API", 400, lambda: second.attachments.get())


def tokens(host: str) -> None:
    """Get a token by password, use it, refresh it."""
    renewed: list[Any] = []
    client = pysnow.OAuthClient(
        client_id="soc", client_secret="soc-secret", token_updater=renewed.append, host=host, use_ssl=False
    )
    token = client.generate_token(USER, PASSWORD)
    expect("scope", list(token["scope"]), ["useraccount"])
    client.set_token(token)
    expect("bearer", len(client.resource(api_path="/table/incident").get().all()), 2)
    client.set_token({**token, "expires_at": 1.0, "expires_in": -1})
    expect("refreshed", len(client.resource(api_path="/table/incident").get().all()), 2)
    expect("told", [each["refresh_token"] for each in renewed], [token["refresh_token"]])


def main() -> None:
    host, path, *more = sys.argv[1:]
    if more == ["hibernating"]:
        asleep = pysnow.Client(host=host, user=USER, password=PASSWORD, use_ssl=False)
        try:
            asleep.resource(api_path="/table/incident").get().all()
        except (MissingResult, ValueError):
            print("ok")
            return
        raise SystemExit("a page of HTML passed for records")
    client = pysnow.Client(host=host, user=USER, password=PASSWORD, use_ssl=False)
    sys_id = life(client)
    files(client, sys_id, path)
    traps(client)
    tokens(host)
    admin = pysnow.Client(host=host, user="maria.lindqvist", password="maria-password", use_ssl=False)
    gone = admin.resource(api_path="/table/incident").delete({"sys_id": sys_id})
    expect("ticket deleted", gone, {"status": "record deleted"})
    print("ok")


if __name__ == "__main__":
    main()
