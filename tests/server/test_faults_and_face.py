"""What faults and the Kibana face do for those who build on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from kibcase.server.cases.spaces import Spaces
from kibcase.server.cases.store import CaseStore
from kibcase.server.database import Database
from kibcase.server.faults import Fault, Faults
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, ok
from kibcase.server.kibana.face import KibanaFace
from kibcase.server.stack import Stack
from kibcase.server.threaded import ServerThread
from kibcase.server.users import Directory, User

ROOT = ("elastic", "changeme")
Serve = Callable[..., tuple[str, Faults]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve endpoints of one's own; gives the address and the faults in front of them."""
    with ExitStack() as ends:

        def begin(*endpoints: Endpoint) -> tuple[str, Faults]:
            database = Database()
            ends.callback(database.close)
            nobody = User(password="word-of-ana", privileges=[])
            faults = Faults(KibanaFace(
                endpoints, directory=Directory({"elastic": "changeme", "ana": nobody}),
                spaces=Spaces(CaseStore(database)), stack=Stack(),
            ))  # fmt: skip
            return ends.enter_context(ServerThread(faults)).url, faults

        yield begin


def send(method: str, url: str, **more: Any) -> requests.Response:
    more.setdefault("auth", ROOT)
    headers = {"kbn-xsrf": "t", "X-Own": "1"} | more.pop("headers", {})
    return requests.request(method, url, headers=headers, timeout=10, **more)


def test_raw_bodies_are_handed_over_up_to_their_own_limit(serve: Serve) -> None:
    def handle(call: Call) -> Reply:
        return ok({"size": len(call.raw), "body": call.body, "own": call.headers["x-own"]})

    url, _ = serve(Endpoint(method="POST", path="/raw", handle=handle, raw=2_000_000))
    odd = {"content-type": "text/odd"}
    assert send("POST", f"{url}/raw", data=b"{" * 1_500_000, headers=odd).json() == {
        "size": 1_500_000, "body": None, "own": "1",
    }
    refused = send("POST", f"{url}/raw", data=b"x" * 2_000_001)
    assert refused.status_code == 413
    assert refused.json()["message"] == "Payload content length greater than maximum allowed: 2000000"


def test_content_is_answered_as_it_is(serve: Serve) -> None:
    reply = Reply(content=b"\x89PNG", media="image/png", headers=(("etag", "1"),))
    url, _ = serve(Endpoint(method="GET", path="/blob", handle=lambda _call: reply, deprecated=True))
    answer = send("GET", f"{url}/blob")
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert answer.headers["warning"].startswith("299 Kibana-9.2.0")
    head = send("HEAD", f"{url}/blob")
    assert (head.content, head.headers["content-length"]) == (b"", "4")


def test_slow_handlers_hold_nobody_up(serve: Serve) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(_call: Call) -> Reply:
        begun.set()
        return ok(go_on.wait(10))

    url, _ = serve(
        Endpoint(method="GET", path="/slow", handle=wait, slow=True),
        Endpoint(method="GET", path="/quick", handle=lambda _call: ok("quick")),
    )
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(send("GET", f"{url}/slow").json()))
    thread.start()
    assert begun.wait(10)
    assert send("GET", f"{url}/quick").json() == "quick"
    go_on.set()
    thread.join(10)
    assert told == [True]


def test_a_required_api_privilege(serve: Serve) -> None:
    url, _ = serve(Endpoint(method="GET", path="/api/x", handle=lambda _call: ok(1), requires="someRight"))
    assert send("GET", f"{url}/api/x").json() == 1
    refused = send("GET", f"{url}/s/default/api/x?a=b", auth=("ana", "word-of-ana"))
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        "API [GET /api/x?a=b] is unauthorized for user, this action is granted by the Kibana privileges [someRight]"
    )


def test_a_status_after_the_work_and_texts_made_of_the_request(serve: Serve) -> None:
    done: list[Any] = []

    def handle(call: Call) -> Reply:
        done.append(call.body)
        return ok("done")

    url, faults = serve(Endpoint(method="POST", path="/do", handle=handle))
    number = faults.arm(Fault(status=502, when="after", text=lambda seen, asked: f"{seen.number} ".encode() + asked))
    assert [armed.number for armed in faults.armed] == [number]
    answer = send("POST", f"{url}/do", json={"a": 1})
    assert (answer.status_code, answer.content, done) == (502, b'1 {"a": 1}', [{"a": 1}])
    assert faults.requests[0].status == 502
    assert faults.armed == []


def test_one_fault_is_withdrawn(serve: Serve) -> None:
    url, faults = serve(Endpoint(method="GET", path="/x", handle=lambda _call: ok(1)))
    first, second = faults.arm(Fault(status=500)), faults.arm(Fault(status=503))
    assert faults.disarm(first) == 1
    assert faults.disarm(first) == 0
    assert send("GET", f"{url}/x").status_code == 503
    assert faults.disarm(second) == 0
    faults.forget()
    assert send("GET", f"{url}/x").json() == 1
    assert [seen.number for seen in faults.requests] == [1]
