"""Markdown <-> ADF by example: what each node becomes, and what is shown of what Markdown has no word for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kibcase_connectors.markup import (
    adf_problem,
    adf_size,
    adf_to_markdown,
    markdown_to_adf,
    markdown_to_wiki,
    normal_adf,
    wiki_to_markdown,
)

Json = dict[str, Any]


def doc(*content: Json) -> Json:
    return {"type": "doc", "version": 1, "content": list(content)}


def text(value: str, *marks: str | Json) -> Json:
    found = [{"type": mark} if isinstance(mark, str) else mark for mark in marks]
    return {"type": "text", "text": value, **({"marks": found} if found else {})}


def link(href: str, **attrs: str) -> Json:
    return {"type": "link", "attrs": {"href": href, **attrs}}


def node(kind: str, *content: Json, **attrs: Any) -> Json:
    return {"type": kind, **({"attrs": attrs} if attrs else {}), "content": list(content)}


def p(*content: Json | str) -> Json:
    return node("paragraph", *(text(each) if isinstance(each, str) else each for each in content))


def leaf(kind: str, **attrs: Any) -> Json:
    return {"type": kind, **({"attrs": attrs} if attrs else {})}


BREAK = leaf("hardBreak")

BOTH_WAYS = [
    ("", doc()),
    ("one\ntwo", doc(p("one", BREAK, "two"))),
    ("# Big\n\n###### small", doc(node("heading", text("Big"), level=1), node("heading", text("small"), level=6))),
    (
        "**b** _i_ ~~s~~ `c`",
        doc(p(text("b", "strong"), " ", text("i", "em"), " ", text("s", "strike"), " ", text("c", "code"))),
    ),
    ("**b _bi_**", doc(p(text("b ", "strong"), text("bi", "em", "strong")))),
    ('[t](http://a.example/x "tip")', doc(p(text("t", link("http://a.example/x", title="tip"))))),
    ("<https://a.example>", doc(p(text("https://a.example", link("https://a.example"))))),
    ("[`c`](http://a.example)", doc(p(text("c", link("http://a.example"), "code")))),
    ("- a\n- b\n  - c", doc(node(
        "bulletList", node("listItem", p("a")), node("listItem", p("b"), node("bulletList", node("listItem", p("c")))),
    ))),
    ("3. a\n4. b", doc(node("orderedList", node("listItem", p("a")), node("listItem", p("b")), order=3))),
    ("- - a", doc(node("bulletList", node("listItem", p(), node("bulletList", node("listItem", p("a"))))))),
    ("```py\nx = 1\n\ny\n```", doc(node("codeBlock", text("x = 1\n\ny"), language="py"))),
    ("> a\n>\n> - b", doc(node("blockquote", p("a"), node("bulletList", node("listItem", p("b")))))),
    ("---", doc(leaf("rule"))),
    ("| a | b |\n| --- | --- |\n| c |  |", doc(node(
        "table", node("tableRow", node("tableHeader", p("a")), node("tableHeader", p("b"))),
        node("tableRow", node("tableCell", p("c")), node("tableCell", p())),
    ))),
    ("|  |\n| --- |\n| c |", doc(node("table", node("tableRow", node("tableCell", p("c")))))),
]


@pytest.mark.parametrize(("markdown", "adf"), BOTH_WAYS)
def test_what_both_express_is_the_same_both_ways(markdown: str, adf: Json) -> None:
    assert markdown_to_adf(markdown) == adf
    assert adf_to_markdown(adf) == markdown
    assert adf_problem(adf) is None


@pytest.mark.parametrize(
    ("markdown", "adf"),
    [
        ("- # H\n- > q\n- | a | b |\n  |---|---|\n  | c | d |", doc(node(
            "bulletList", node("listItem", p(text("H", "strong"))), node("listItem", p("q")),
            node("listItem", p("a | b"), p("c | d")),
        ))),
        ("> # H\n> > q\n> ***", doc(node("blockquote", p(text("H", "strong")), p("q")))),
        (">", doc()),
        ("-", doc(node("bulletList", node("listItem", p())))),
        ("**`c` d**", doc(p(text("c", "code"), " ", text("d", "strong")))),
        ("![alt](http://a.example/i.png)", doc(p(text("alt", link("http://a.example/i.png"))))),
        ("[x](javascript:alert(1))", doc(p("[x](javascript:alert(1))"))),
        ("<script>alert(1)</script>", doc(p("<script>alert(1)</script>"))),
        ("[~bob] @bob {code} *[a|http://b]*", doc(p("[~bob] @bob {code} ", text("[a|http://b]", "em")))),
        ("a\x00\x0b\ud800\ufffeb", doc(p("ab"))),
    ],
)
def test_what_adf_forbids_is_written_as_it_allows(markdown: str, adf: Json) -> None:
    assert markdown_to_adf(markdown) == adf
    assert adf_problem(adf) is None


MEDIA = {"type": "media", "attrs": {"type": "file", "id": "0f", "collection": "", "alt": "shot.png"}}
PICTURE = {"type": "media", "attrs": {"type": "external", "url": "http://a.example/i.png"}}
TASKS = node(
    "taskList", node("taskItem", text("do"), localId="1", state="TODO"),
    node("taskItem", text("done"), localId="2", state="DONE"), localId="0",
)


@pytest.mark.parametrize(
    ("adf", "markdown"),
    [
        (p(text("u", "underline"), text("2", {"type": "subsup", "attrs": {"type": "sup"}})), "u2"),
        (p(text("red", {"type": "textColor", "attrs": {"color": "#ff0000"}}, "strong")), "**red**"),
        (p(leaf("mention", id="5b1", text="@Ann *B*"), " ", leaf("mention", id="5b2")), "@Ann \\*B\\* @5b2"),
        (p(leaf("emoji", shortName=":x:", text="😀"), leaf("emoji", shortName=":own:")), "😀:own:"),
        (p(leaf("date", timestamp="1706659200000"), " ", leaf("date", timestamp="soon")), "2024-01-31 soon"),
        (p(leaf("status", text="IN PROGRESS", color="blue")), "IN PROGRESS"),
        (p(leaf("placeholder", text="say more")), "say more"),
        (p(leaf("inlineCard", url="https://a.example/x")), "<https://a.example/x>"),
        (leaf("blockCard", url="https://a.example/x"), "<https://a.example/x>"),
        (p(leaf("inlineCard", data={"url": "https://a.example/", "name": "A"})), "[A](https://a.example/)"),
        (node("mediaSingle", MEDIA, node("caption", text("how it looks")), layout="center"),
         "shot.png\n\nhow it looks"),
        (node("mediaGroup", PICTURE), "<http://a.example/i.png>"),
        (p(leaf("mediaInline", id="0f", collection="c")), "attachment"),
        (node("panel", p("careful"), panelType="warning"), "careful"),
        (node("expand", p("inside"), node("nestedExpand", p("deeper"), title="More"), title="Log"),
         "**Log**\n\ninside\n\n**More**\n\ndeeper"),
        (TASKS, "- \\[ \\] do\n- \\[x\\] done"),
        (node("decisionList", node("decisionItem", text("we pay"), localId="1", state="DECIDED"), localId="0"),
         "- we pay"),
        (node("layoutSection", node("layoutColumn", p("l"), width=50), node("layoutColumn", p("r"), width=50)),
         "l\n\nr"),
        (p("a", BREAK, BREAK, "b", BREAK), "a\n\nb"),
        (p("a\nb\tc"), "a\nb c"),
        (node("somethingNew", p("kept"), title="New"), "**New**\n\nkept"),
        (leaf("somethingNew", text="kept"), "**kept**"),
        (p("a", {"type": "somethingInline", "text": "kept"}), "akept"),
        (node("table", node("tableRow", node("tableHeader", p("a"), colspan=2)), node(
            "tableRow", node("tableCell", p("x"), node("bulletList", node("listItem", p("y")))), node("tableCell", p()),
        )), "| a |  |\n| --- | --- |\n| x y |  |"),
        (p(text("x", link("javascript:alert(1)"))), "x (javascript:alert(1))"),
        (p(text("file:///etc/passwd", link("file:///etc/passwd"))), "file:///etc/passwd"),
        (node("codeBlock", text("a```b"), language="x` onclick"), "````\na```b\n````"),
    ],
)
def test_what_people_put_into_jira_is_shown(adf: Json, markdown: str) -> None:
    assert adf_to_markdown(doc(adf)) == markdown
    assert adf_problem(normal_adf(doc(adf))) is None


@pytest.mark.parametrize("junk", [None, "text", 7, [], {}, {"type": "doc"}, {"content": "x"}, {"content": [None, 1]}])
def test_what_is_no_document_has_no_text(junk: object) -> None:
    assert adf_to_markdown(junk) == ""
    assert adf_size(junk) == 0


def test_the_size_is_that_of_the_wiki_text_in_utf_16_units() -> None:
    assert adf_size(markdown_to_adf("# a\n\n- 😀")) == len("h1. a\n\n* 😀") + 1


def test_wiki_and_adf_say_the_same() -> None:
    wiki = "h2. Title\n\n*bold* and [a link|http://a.example]\n\n* one\n** two\n\n{code:python}\nx = 1\n{code}"
    adf = markdown_to_adf(wiki_to_markdown(wiki))
    assert adf_problem(adf) is None
    assert markdown_to_wiki(adf_to_markdown(adf)) == wiki
    assert json.loads(json.dumps(adf)) == adf
