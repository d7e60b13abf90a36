"""Text that is not plain: carried over or held with a reason, never a crash, and no other link is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault

if TYPE_CHECKING:
    from tests.e2e.conftest import Bench

OWNER = "securitySolution"
TEXTS = {
    "emoji": ("\U0001f6a8 Beacon \U0001f469\u200d\U0001f4bb \U0001f1e9\U0001f1ea e\u0301", "\U0001f6a8 Beacon"),
    "right to left": ("\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\u05e9\u05dc"),
    "CJK": ("\u4fe1\u6a19 \u30d3\u30fc\u30b3\u30f3 \ube44\ucf58 \U00020bb7\u91ce\u5bb6", "\U00020bb7\u91ce\u5bb6"),
    "control characters": ("a\x00b\x01\x07\x1b[2Jc\x7f", "c"),
    "lone surrogates": ("a\ud800b\udc00c", "c"),
    "30,000 characters": ("x" * 30_000, "x" * 80),
    "15,000 emoji": ("\U0001f6a8" * 15_000, "\U0001f6a8" * 50),
    "edges": ("  lead\ttab\u2028sep\u00a0\ufeff ", "lead"),
    "no characters": ("\u200b\u200d\ufeff", ""),
    "non-characters": ("x\U000e0001\U0010ffff\ufffe\uffff", "x"),
    "markup": ("*b* {code}x{code} [a|http://x] <b>&amp;</b> !img! \\\\ {color:red}r{color} bq. x", "*b*"),
}
CASE = {
    "settings": {"syncAlerts": True}, "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}
}


def shown_in(bench: Bench) -> tuple[dict[str, str], dict[str, str]]:
    """Titles of the cases with their comments' text, and the same of the tickets."""
    cases, tickets = bench.picture()
    return (
        {doc["title"]: " ".join(each["comment"] for each in docs if each["type"] == "user") for _, doc, docs in cases},
        {str(issue.values["summary"]): " ".join(each.body for each in issue.comments) for issue in tickets},
    )


def in_step(bench: Bench) -> None:
    """Sync in a process, twice: the second one must have nothing to do. The other links must be in step."""
    done = bench.run("sync", "--wait", "0")
    text = bench.told(done)
    if done.returncode != 0:
        assert done.returncode == 1, text
        assert "parked" in text
    bench.forget()
    bench.sync_here()
    assert bench.writes == []
    bench.told(bench.run("audit"))
    assert {"Beacon to a new domain", "Phishing wave"} <= set(bench.titles())


@pytest.mark.parametrize("name", TEXTS)
def test_odd_text_of_a_case(bench: Bench, name: str) -> None:
    text, kept = TEXTS[name]
    with bench.plain_http() as http:
        # The limits count as JavaScript does: a character beyond the basic plane is two.
        body = {"title": text[:80], "description": text, "tags": [text[:120], "plain"], "owner": OWNER, **CASE}
        made = http.post(f"{bench.sandbox.kibana.kibana_url}/api/cases", json=body, timeout=60)
        assert made.status_code == 200, made.text
        url = f"{bench.sandbox.kibana.kibana_url}/api/cases/{made.json()['id']}/comments"
        comment = {"type": "user", "comment": text, "owner": OWNER}
        assert http.post(url, json=comment, timeout=60).status_code == 200
    in_step(bench)
    _, tickets = shown_in(bench)
    (summary,) = (title for title in tickets if title not in ("Beacon to a new domain", "Phishing wave"))
    assert kept in summary
    assert "Mara Lindqvist" in tickets[summary]


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "lone surrogates"])
def test_odd_text_of_a_ticket(bench: Bench, name: str) -> None:
    text, kept = TEXTS[name]
    bench.change("create_tickets: true", "create_tickets: true\n  create_cases: true")
    maria = bench.sandbox.jira.as_person("maria.lindqvist")
    key = maria.create(text[:127], description=text, labels=["plain"])
    maria.comment(key, text)
    in_step(bench)
    cases, _ = shown_in(bench)
    (title,) = (title for title in cases if title not in ("Beacon to a new domain", "Phishing wave"))
    assert kept in title
    assert "Maria Lindqvist" in cases[title]


@pytest.mark.parametrize("side", ["case", "ticket"])
def test_an_answer_with_half_a_character(bench: Bench, side: str) -> None:
    """JSON can hold what is no text; systems written in Java or JavaScript may pass it on."""
    (identifier, _, _) = next(case for case in bench.picture()[0] if case[1]["title"] == "Beacon to a new domain")
    path, answer, title = (
        (f"/api/cases/{identifier}", bench.from_kibana(f"/api/cases/{identifier}"), "title") if side == "case"
        else ("/rest/api/3/issue/10001", bench.from_jira("/rest/api/3/issue/10001?expand=changelog"), "summary")
    )
    holder = answer if side == "case" else answer["fields"]
    holder[title] += " \ud83d and \udea8"
    faults = bench.sandbox.kibana.kibana if side == "case" else bench.sandbox.jira.faults
    faults.arm(Fault(method="GET", path=path, status=200, body=json.dumps(answer).encode("ascii"), times=None))
    done = bench.run("sync", "--wait", "0")
    text = bench.told(done)
    assert done.returncode in (0, 1), text
    assert "Phishing wave" in bench.titles()
    assert all("\ud83d" not in title for title in bench.titles())
    faults.disarm()
    bench.sandbox.jira.as_person("maria.lindqvist").edit("SOC-1", summary="Beacon to a new domain")
    assert bench.run("retry").returncode == 0
    bench.finish()
