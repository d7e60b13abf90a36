"""Texts as documents (REST v3), and the step from wiki markup to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.actions import AddComment, Create, EditComment, SetFields
from kibcase_connectors.errors import Refused
from kibcase_connectors.jira import JiraConfig
from kibcase_connectors.jira.dialect import Adf
from kibcase_connectors.jira.mapping import field_map
from kibcase_connectors.markup import adf_problem

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench

MARK = "kibcase-kibana-0a1b2c3d"
TEXTS = [
    "", "plain", "**bold** and _it_ and ~~gone~~", "# Head\n\ntext\n\n- a\n- b\n  1. c", "```python\nx = {1}\n```",
    "| a | b |\n| --- | --- |\n| 1 | 2 |", "[l](http://a.example/c_d) `x{0}|y`", "> quoted\n> on", "😀 {code} h1. *x",
    "a  \nb",
]
LOSSY = [
    "- [ ] todo\n- [x] done", "![shot](http://a.example/x.png)", "<b>html</b> &amp; more", "a\n\n---\n\nb",
    "5. five\n6. six", "- a\n\n  more of a\n- b", "{x} " * 6_999 + "{x}", "x" * 40_000,
]


def test_texts_are_documents_on_cloud(cloud: Bench) -> None:
    key = cloud.create(description="see **that**").key
    cloud.connector.apply(AddComment(key=key, mark=f"{MARK}#1", body="- one"), cloud.announced)
    issue = cloud.maria.issue(key)
    assert issue.documents["description"]["content"][0]["type"] == "paragraph"
    assert issue.comments[0].adf is not None
    assert issue.comments[0].adf["content"][0]["type"] == "bulletList"
    assert all("/rest/api/2/" not in seen.path for seen in cloud.jira.faults.requests)


@pytest.mark.parametrize("text", [*TEXTS, *LOSSY])
def test_a_text_that_was_written_is_read_as_it_is_stored(bench: Bench, text: str) -> None:
    receipt = bench.create(description=text)
    seen = bench.connector.read(receipt.key)
    assert receipt.stored["description"] == seen.fields["description"]
    assert bench.announced.values[0]["description"] == seen.fields["description"]
    assert bench.connector.mapping.same("description", seen.fields["description"], text)
    receipt = bench.connector.apply(
        SetFields(key=seen.key, version=seen.version, fields={"description": f"new {text}"}), bench.announced
    )
    again = bench.connector.read(seen.key)
    assert receipt.stored["description"] == again.fields["description"]
    assert bench.connector.read(seen.key).fields == again.fields


def test_the_form_of_a_document_is_not_written_back(cloud: Bench) -> None:
    key = cloud.create(description="x").key
    panel = {"type": "doc", "version": 1, "content": [
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "red", "marks": [
                {"type": "textColor", "attrs": {"color": "#ff0000"}}
            ]}]},
        ]},
    ]}
    cloud.maria.edit(key, description=panel)
    before = cloud.connector.read(key)
    assert "red" in str(before.fields["description"])
    mapping, shown = cloud.connector.mapping, before.fields["description"]
    assert mapping.same("description", shown, mapping.canonical("description", shown))
    cloud.connector.apply(SetFields(key=key, version=before.version, fields={"title": "y"}), cloud.announced)
    assert cloud.maria.document(key, "description") == panel
    assert cloud.connector.read(key).fields["description"] == shown


@pytest.mark.parametrize("text", [*TEXTS, *LOSSY])
def test_after_the_step_to_documents_no_description_counts_as_changed(cloud: Bench, text: str) -> None:
    earlier = cloud.connect(api_version=2)
    cloud.connector = earlier
    key = cloud.create(description=text).key
    later = cloud.connect()
    shown = later.read(key).fields["description"]
    assert later.mapping.same("description", shown, text)
    assert not later.mapping.same("description", shown, f"Changed.\n\n{text}")


@pytest.mark.parametrize("text", TEXTS[1:-1])
def test_after_the_step_to_documents_no_comment_counts_as_changed(cloud: Bench, text: str) -> None:
    earlier, later = cloud.connect(api_version=2), cloud.connect()
    key = cloud.create().key
    written = earlier.apply(AddComment(key=key, mark=f"{MARK}#1", body=text), cloud.announced).comment
    assert written is not None
    (seen,) = later.read(key).comments
    assert (seen.digest, seen.mark) == (written.digest, written.mark)
    changed = later.apply(
        EditComment(key=key, comment=seen.key, mark=f"{MARK}#1", body=f"More.\n\n{text}"), cloud.announced
    ).comment
    assert changed is not None
    assert changed.digest != seen.digest
    assert changed.mark == seen.mark


def test_what_is_sent_is_always_a_document_that_jira_takes() -> None:
    for text in (*TEXTS[1:], *LOSSY, "[" * 500, "> " * 20 + "x", "\x00\x07 odd", "Added by Ann."):
        written = Adf().write(text)
        assert adf_problem(Adf().wire(written)) is None
        assert Adf().write(Adf().read(written)) == written or "Added by" in text


def test_a_text_too_long_is_cut_visibly_and_known_as_cut(cloud: Bench) -> None:
    text = "log line\n" * 9_000
    stored = cloud.create(description=text).stored["description"]
    assert "Cut here" in str(stored)
    assert cloud.connector.mapping.loses("description", text)
    assert not cloud.connector.mapping.loses("description", "short")


def test_a_length_of_texts_that_administrators_have_set(bench: Bench) -> None:
    text = "log line\n" * 300
    small = bench.connect(text_limit=1_500, observables_field="Observables")
    made = Create(mark=MARK, fields={"title": "x", "description": text}, origin_label="7")
    key = small.apply(made, bench.announced).key
    stored = bench.maria.issue(key).values["description"]
    assert 1_000 < len(stored) <= 1_500
    assert "no more than 1,500 characters" in stored
    assert small.mapping.loses("description", text)
    assert not bench.connector.mapping.loses("description", text)
    version = small.read(key).version
    many = tuple(f"domain a{n}.example.com" for n in range(100))
    with pytest.raises(Refused, match="1,500 characters"):
        small.apply(SetFields(key=key, version=version, add={"observables": many}), bench.announced)


def test_what_kibana_pushed_is_seen_without_its_footer(cloud: Bench) -> None:
    key = cloud.create(description="x").key
    cloud.maria.edit(key, description="Seen.\n\nAdded by Alice Smith.")
    cloud.maria.comment(key, "blocked\n\nAdded by Alice Smith.")
    seen = cloud.connector.read(key)
    assert cloud.connector.mapping.canonical("description", seen.fields["description"]) == "Seen."
    assert seen.comments[0].mark == "kibcase-pushed"


def test_the_version_of_the_api_follows_the_deployment() -> None:
    base = {"url": "https://j.example.com", "project": "SOC"}
    token, login = {"token": "x"}, {"email": "a@example.com", "api_token": "x"}
    assert JiraConfig(**base, **login).rest == 3
    assert JiraConfig(**base, **token).rest == 2
    assert JiraConfig(**base, **token, deployment="cloud").rest == 3
    assert JiraConfig(**base, **login, deployment="datacenter").rest == 2
    assert JiraConfig(**base, **login, api_version=2).rest == 2
    with pytest.raises(ValueError, match="Data Center has no version 3"):
        JiraConfig(**base, **token, deployment="datacenter", api_version=3)
    mapping = field_map(JiraConfig(**base, **login))
    assert mapping.native("description", "**a**") == "**a**"
