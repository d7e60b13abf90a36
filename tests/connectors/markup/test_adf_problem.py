"""What makes an ADF document invalid, and how that is told."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase_connectors.markup import adf_problem

Json = dict[str, Any]

TEXT = {"type": "text", "text": "a"}
P = {"type": "paragraph", "content": [TEXT]}
H = {"type": "heading", "attrs": {"level": 1}, "content": [TEXT]}


def doc(*content: Any) -> Json:
    return {"type": "doc", "version": 1, "content": list(content)}


def marked(*marks: Json | str) -> Json:
    found = [{"type": mark} if isinstance(mark, str) else mark for mark in marks]
    return {"type": "paragraph", "content": [{**TEXT, "marks": found}]}


def node(kind: str, *content: Json, **attrs: Any) -> Json:
    return {"type": kind, **({"attrs": attrs} if attrs else {}), "content": list(content)}


LINK = {"type": "link", "attrs": {"href": "http://a.example"}}
ITEM = node("listItem", P)
FILE = {"type": "media", "attrs": {"type": "file", "id": "1", "collection": ""}}


@pytest.mark.parametrize(
    "content",
    [
        [], [P], [H], [{"type": "paragraph"}], [{"type": "heading", "attrs": {"level": 6}}], [{"type": "codeBlock"}],
        [node("codeBlock", TEXT, language="py")], [{"type": "rule"}], [node("bulletList", ITEM)],
        [node("orderedList", ITEM, order=0)], [node("bulletList", node("listItem", node("bulletList", ITEM)))],
        [node("blockquote", P, node("bulletList", ITEM), node("codeBlock", TEXT))],
        [node("table", node("tableRow", node("tableHeader", P, colspan=2), node("tableCell", H, {"type": "rule"})))],
        [node("panel", P, H, panelType="info")], [node("expand", P, node("nestedExpand", P, title="t"), title="t")],
        [marked("strong", "em", LINK)], [marked("code", LINK)],
        [marked({"type": "textColor", "attrs": {"color": "#00FF00"}}, {"type": "subsup", "attrs": {"type": "sub"}})],
        [node("mediaSingle", FILE, layout="center")], [node("mediaGroup", FILE)],
        [node("taskList", node("taskItem", TEXT, localId="1", state="TODO"), localId="0")],
        [node("layoutSection", node("layoutColumn", P, width=50), node("layoutColumn", P, width=50))],
        [{"type": "blockCard", "attrs": {"url": "http://a.example"}}],
        [{"type": "paragraph", "content": [{"type": "hardBreak"}, {"type": "mention", "attrs": {"id": "1"}}]}],
        [{"type": "paragraph", "marks": [{"type": "alignment", "attrs": {"align": "center"}}]}],
    ],
)
def test_what_the_schema_allows_is_no_problem(content: list[Json]) -> None:
    assert adf_problem(doc(*content)) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([{"type": "text", "text": "a"}], "content[0]: doc does not allow text"),
        ([{"type": "paragraph", "content": [{"type": "text", "text": ""}]}], "content[0].content[0]: text is empty"),
        ([node("bulletList", node("listItem", P, H))],
         "content[0].content[0].content[1]: listItem does not allow heading"),
        ([node("bulletList", node("listItem"))], "content[0].content[0]: listItem needs at least 1 in its content"),
        ([node("bulletList")], "content[0]: bulletList needs at least 1 in its content"),
        ([node("bulletList", P)], "content[0].content[0]: bulletList does not allow paragraph"),
        ([node("blockquote", H)], "content[0].content[0]: blockquote does not allow heading"),
        ([node("blockquote", node("blockquote", P))], "content[0].content[0]: blockquote does not allow blockquote"),
        ([node("table", node("tableRow", node("tableCell")))],
         "content[0].content[0].content[0]: tableCell needs at least 1 in its content"),
        ([node("table", node("tableRow", {"type": "tableCell"}))],
         "content[0].content[0].content[0]: tableCell has no content"),
        ([node("codeBlock", {**TEXT, "marks": [{"type": "strong"}]})],
         "content[0].content[0]: text does not allow the mark strong here"),
        ([node("codeBlock", {"type": "hardBreak"})], "content[0].content[0]: codeBlock does not allow hardBreak"),
        ([marked("code", "strong")], "content[0].content[0]: a text marked as code bears other marks than link"),
        ([marked("link")], "content[0].content[0]: the mark link has no attrs"),
        ([marked("blink")], "content[0].content[0]: text does not allow the mark blink here"),
        ([{"type": "heading", "content": [TEXT]}], "content[0]: heading has no attrs"),
        ([node("heading", TEXT, level=7)],
         "content[0]: the attribute level of heading has a value that is not allowed"),
        ([node("paragraph", TEXT, colour="red")], "content[0]: paragraph has no attribute colour"),
        ([{**P, "style": "x"}], "content[0]: paragraph has no member style"),
        ([node("panel", P, panelType="loud")],
         "content[0]: the attribute panelType of panel has a value that is not allowed"),
        ([node("taskList", node("taskItem", TEXT, state="TODO"), localId="0")],
         "content[0].content[0]: taskItem lacks the attribute localId"),
        ([{"type": "blockCard", "attrs": {}}],
         "content[0]: blockCard needs one of the attributes url, data, datasource"),
        ([node("nonsense", P)], "content[0]: doc does not allow nonsense"),
        ([doc(P)], "content[0]: doc does not allow doc"),
        (["text"], "content[0]: is no node with a type"),
        ([{"type": "paragraph", "content": "text"}], "content[0]: the content of paragraph is no array"),
        ([{"type": "paragraph", "content": [{"type": "text", "text": "a", "content": []}]}],
         "content[0].content[0]: text has no member content"),
        ([node("mediaSingle", {"type": "media", "attrs": {"type": "file", "id": "1"}}, layout="center")],
         "content[0].content[0]: media lacks the attribute collection"),
    ],
)
def test_a_problem_is_told_with_its_place(content: list[Any], problem: str) -> None:
    assert adf_problem(doc(*content)) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("plain text", "document: is no JSON object"), (None, "document: is no JSON object"),
        ({}, "document: type is not doc"), ({"type": "doc", "content": []}, "document: version is not 1"),
        ({"type": "doc", "version": "1", "content": []}, "document: version is not 1"),
        ({"type": "doc", "version": 1}, "document: doc has no content"),
        ({"type": "doc", "version": 1, "content": [], "x": 1}, "document: doc has no member x"),
    ],
)
def test_what_is_no_document_is_told(value: object, problem: str) -> None:
    assert adf_problem(value) == problem


def test_a_deep_document_is_checked_to_its_end() -> None:
    item = node("listItem", H)
    for _ in range(5_000):
        item = node("listItem", node("bulletList", item))
    problem = adf_problem(doc(node("bulletList", item)))
    assert problem is not None
    assert problem.endswith(": listItem does not allow heading")
    assert len(problem) < 300
