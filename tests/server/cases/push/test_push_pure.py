"""The pure parts: what is sent, schemas, templates."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.cases import push_format
from kibcase.server.cases.actions_params import RefusedParams, decode_params
from kibcase.server.cases.actions_types import TYPES, checked_settings
from kibcase.server.cases.push_format import Pages
from kibcase.server.errors import BadRequest
from kibcase.server.external.mustache import render

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CASE: dict[str, Any] = {
    "title": "t", "description": "d", "tags": ["a b"], "severity": "low", "status": "open", "owner": "cases",
    "created_by": {"username": "noor", "full_name": None, "email": None}, "updated_by": None,
    "connector": {"id": "c", "name": "c", "type": ".jira", "fields": None},
}


@given(kind=st.sampled_from(sorted(TYPES)), config=VALUES, secrets=VALUES)
def test_any_settings_are_checked_or_refused(kind: str, config: Any, secrets: Any) -> None:
    with suppress(BadRequest):
        checked, hidden = checked_settings(TYPES[kind], config, secrets)
        assert checked_settings(TYPES[kind], checked, hidden) == (checked, hidden)


@given(kind=st.sampled_from(sorted(TYPES)), params=VALUES)
def test_any_params_are_checked_or_refused(kind: str, params: Any) -> None:
    with pytest.raises(RefusedParams):
        decode_params(kind, params, connector="c", name="n")


@pytest.mark.parametrize("kind", sorted(push_format.PUSHABLE))
def test_what_is_formatted_is_what_the_connector_takes(kind: str) -> None:
    pages = Pages(base=None, space="default")
    made = push_format.incident(kind, "case1", CASE, None, alerts=[], pages=pages, names={})
    params = {"subAction": "pushToService", "subActionParams": {"incident": made, "comments": []}}
    sub_action, checked = decode_params(kind, params, connector="c", name="n")
    assert (sub_action, checked["incident"]["externalId"]) == ("pushToService", None)
    text = checked["incident"].get("description")
    assert text == ("d" if kind == ".cases-webhook" else "d\n\nAdded by noor.")


@given(touched=st.lists(st.sampled_from(["c0", "c1", "c2", "gone"])), since=st.none() | st.integers(0, 3))
def test_only_touched_comments_are_sent(touched: list[str], since: int | None) -> None:
    attachments = [
        (f"c{n}", {"type": "user", "comment": f"text {n}", "created_by": CASE["created_by"]}) for n in range(3)
    ]
    actions = [{"type": "comment", "comment_id": identifier} for identifier in touched]
    found = push_format.comments(
        "case1", CASE, attachments, actions, since=since, pages=Pages(base=None, space="default"), names={}
    )
    expected = {identifier for identifier in touched[since or 0 :] if identifier != "gone"}
    assert [each["commentId"] for each in found] == sorted(expected)


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"username": "noor", "full_name": "Noor"}, "Noor"), ({"username": "noor", "full_name": None}, "noor"),
        ({"username": None, "full_name": None}, "Unknown"), (None, "noor"),
        ({"username": "noor", "full_name": None, "profile_uid": "u1"}, "Noor of the profile"),
    ],
)
def test_names(user: Any, name: str) -> None:
    case = CASE | {"updated_by": user}
    pages = Pages(base=None, space="default")
    names = {"u1": "Noor of the profile"}
    made = push_format.incident(".jira", "case1", case, None, alerts=[], pages=pages, names=names)
    assert made["description"] == f"d\n\nAdded by {name}."


@pytest.mark.parametrize(
    ("owner", "space", "url"),
    [
        ("cases", "default", "https://k/app/management/insightsAndAlerting/cases/1"),
        ("observability", "soc", "https://k/s/soc/app/observability/cases/1"),
        ("securitySolution", "soc", "https://k/s/soc/app/security/cases/1"),
    ],
)
def test_pages(owner: str, space: str, url: str) -> None:
    assert Pages(base="https://k/", space=space).case("1", owner) == url


@given(st.text())
def test_a_value_is_never_a_template(text: str) -> None:
    rendered = render('{"a": {{{case.title}}}, "b": {{case.title}}, "c": "{{nothing.here}}"}',
                      {"case": {"title": json.dumps(text)}})
    assert json.loads(rendered) == {"a": text, "b": text, "c": ""}
