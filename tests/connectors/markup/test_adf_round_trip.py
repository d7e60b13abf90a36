"""Markdown <-> ADF for any input: nothing changes on a round trip, text stays text, hostile input is bounded."""

from __future__ import annotations

import re
import string
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import adf_problem, adf_to_markdown, escape_markdown, markdown_to_adf, normal_adf
from tests.connectors.markup.html_samples import shown as as_read

Json = dict[str, Any]
TextOf = Callable[[str], str]

MARKS = [*"{}[]()*_-+^~!|?#\\&<>`=.:;@%$'\"/ \n\taZ09éß中a\u0301\u200d\u00a0😀", "{code}", "{{", "}}", "h1. ", "\\\\"]
MARKS += ["[~bob]", "http://x.y/a_b", "!a.png!", "&lt;", "&#92;", "<script>", "[a](http://b.c/)", "](javascript:x)"]
MARKS += ["\n\n", "\n* ", "\n# ", "\n- ", "\n1. ", "\n7) ", "\n|", "\n|-|\n", "\n> ", "```\n", "    ", "**", "~~", "_"]
nasty = st.lists(st.sampled_from(MARKS), max_size=30).map("".join)
anything = st.text(max_size=200)

_PUNCTUATION = frozenset(string.punctuation)
word = st.text(alphabet="abcXYZ019.é中😀{}[]()*_-+^~!|?#\\&<>`=:;@%'\"/", min_size=1, max_size=8)
typed = word.map(lambda text: "".join("\\" + char if char in _PUNCTUATION else char for char in text))
words = st.lists(typed, min_size=1, max_size=3).map(" ".join)
code = st.text(alphabet="ab01 {}[]*_~|#\\&<>", min_size=1, max_size=12).map(lambda text: f"`` x{text}x ``")
linked = st.tuples(words, st.sampled_from(["http://a.example/x_y?q=1&r=2#f", "mailto:soc@example.org"])).map(
    lambda pair: f"[x {pair[0]}](<{pair[1]}>)"
)
styled = st.tuples(st.sampled_from(["**", "_", "~~"]), st.one_of(words, linked)).map(
    lambda pair: f"{pair[0]}x{pair[1]}x{pair[0]}"
)
line = st.lists(st.one_of(words, code, linked, styled, st.just("<https://a.example/p_q>")), min_size=1, max_size=4).map(
    " ".join
)
paragraph = st.lists(line, min_size=1, max_size=3).map(lambda rows: "\\\n".join(f"y {row} z" for row in rows))
heading = st.tuples(st.integers(1, 6), line).map(lambda pair: f"{'#' * pair[0]} {pair[1]} end")
fence = st.lists(st.text("ab {}*\\|~#<>&\t", max_size=20), max_size=4).map(
    lambda rows: "`" * 30 + "py\n" + "".join(f"{row}\n" for row in rows) + "`" * 30
)
table = st.lists(st.lists(words, min_size=2, max_size=2), min_size=1, max_size=3).map(
    lambda rows: "\n".join([f"| {' | '.join(rows[0])} |", "|---|---|", *(f"| {' | '.join(row)} |" for row in rows[1:])])
)


def indented(text: str, marker: str) -> str:
    return "\n".join((" " * len(marker) if number else marker) + row for number, row in enumerate(text.split("\n")))


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    item = st.tuples(paragraph, inner).map(lambda pair: "\n\n".join(filter(None, pair)))
    return st.tuples(st.sampled_from(["- ", "1. ", "12) "]), st.lists(item, min_size=1, max_size=3)).map(
        lambda pair: "\n\n".join(indented(each, pair[0]) for each in pair[1])
    )


a_list = lists(st.one_of(st.just(""), fence, lists(st.one_of(st.just(""), lists(st.just(""))))))
quote = st.one_of(paragraph, a_list, fence).map(lambda text: "\n".join("> " + row for row in text.split("\n")))
document = st.lists(st.one_of(paragraph, heading, fence, table, quote, a_list, st.just("---")), max_size=4).map(
    "\n\n".join
)


def texts(node: Json) -> Iterator[str]:
    if "text" in node:
        yield node["text"]
    for child in node.get("content", []):
        yield from texts(child)


def marks(node: Json) -> Iterator[str]:
    yield from (mark["type"] for mark in node.get("marks", []))
    for child in node.get("content", []):
        yield from marks(child)


def legal(text: str) -> str:
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff"))


def shown(text: str) -> str:
    return "".join(legal(text).split())


@given(document)
@settings(deadline=None, max_examples=200)
def test_what_both_express_shows_the_same_after_a_round_trip(html_of: TextOf, text: str) -> None:
    back = adf_to_markdown(markdown_to_adf(text))
    assert re.sub("<br />| ", "", html_of(back)) == re.sub("<br />| ", "", html_of(text))


@given(st.one_of(document, nasty, anything))
@settings(deadline=None, max_examples=250)
def test_every_document_is_valid_and_a_second_conversion_changes_nothing(text: str) -> None:
    adf = markdown_to_adf(text)
    assert adf_problem(adf) is None
    markdown = adf_to_markdown(adf)
    assert markdown_to_adf(markdown) == adf
    assert adf_to_markdown(markdown_to_adf(markdown)) == markdown


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=200)
@example("!a.png![a](http://b.c/)")
def test_markdown_shows_the_same_text_after_a_round_trip(text: str) -> None:
    assert as_read(adf_to_markdown(markdown_to_adf(text))) == as_read(legal(text))


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=200)
def test_text_never_becomes_markup(text: str) -> None:
    adf = markdown_to_adf(escape_markdown(text))
    assert "".join("".join(texts(adf)).split()) == shown(text)
    assert not list(marks(adf))
    assert all(node["type"] == "paragraph" for node in adf["content"])
    typed = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": text}]},
        {"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "", "text": text}}]},
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "status", "attrs": {"text": text}}]},
        {"type": "bulletList", "content": [{"type": "listItem", "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": text, "marks": [{"type": "strong"}]}]}]}]},
    ]}
    back = markdown_to_adf(adf_to_markdown(typed))
    assert set(marks(back)) <= {"strong"}
    assert {node["type"] for node in back["content"]} <= {"paragraph", "heading", "bulletList"}
    told = "".join("".join(texts(back)).split())
    assert told.replace("@", "") == (shown(text) * 4).replace("@", "")


def typed_node(kind: str, children: st.SearchStrategy[list[Json]]) -> st.SearchStrategy[Json]:
    return children.map(lambda content: {"type": kind, "content": content})


href = st.sampled_from(["http://a.example/", "javascript:x", "/a", "", "http://a b", "http://a/<>\\|[]()"])
mark = st.one_of(
    st.sampled_from(["strong", "em", "strike", "code", "underline", "nope"]).map(lambda kind: {"type": kind}),
    href.map(lambda url: {"type": "link", "attrs": {"href": url}}),
)
word_node = st.tuples(st.one_of(nasty, st.sampled_from(["a", " ", "b c", " d "])), st.lists(mark, max_size=3)).map(
    lambda pair: {"type": "text", "text": pair[0], "marks": pair[1]}
)
inline_node = st.one_of(
    word_node, st.just({"type": "hardBreak"}), st.just({"type": "inlineCard", "attrs": {"url": "http://a.example/"}}),
    nasty.map(lambda text: {"type": "emoji", "attrs": {"shortName": text}}),
)
inlines = st.lists(inline_node, max_size=5)
CONTAINERS = ["bulletList", "orderedList", "listItem", "blockquote", "panel", "table", "tableRow", "tableCell"]
CONTAINERS += ["taskList", "tableHeader", "taskItem", "expand", "unknown", "mediaSingle", "paragraph", "codeBlock"]
CONTAINERS += ["blockTaskItem"]
tree = st.recursive(
    st.one_of(typed_node("paragraph", inlines), typed_node("heading", inlines), typed_node("codeBlock", inlines),
              st.just({"type": "rule"})),
    lambda inner: st.sampled_from(CONTAINERS).flatmap(lambda kind: typed_node(kind, st.lists(inner, max_size=3))),
    max_leaves=12,
)
adf_document = st.lists(tree, max_size=4).map(lambda content: {"type": "doc", "version": 1, "content": content})


@given(adf_document)
@settings(deadline=None, max_examples=250)
def test_any_document_of_others_settles_after_one_conversion(adf: Json) -> None:
    normal = normal_adf(adf)
    assert adf_problem(normal) is None
    assert normal_adf(normal) == normal
    seen = shown("".join(texts(adf)))
    told = shown("".join(texts(normal)))
    position = 0
    for char in seen:
        position = told.find(char, position) + 1
        assert position, f"{char!r} of the text is lost"


KEYS = ["type", "content", "attrs", "marks", "text", "order", "level", "url", "colspan"]
TYPES = ["doc", "text", "listItem", "orderedList", "table", "heading", "date"]
json_value = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(TYPES)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    ),
    max_leaves=20,
)


@given(json_value)
@settings(deadline=None, max_examples=250)
def test_no_json_makes_the_conversions_fail(value: Any) -> None:
    for doc in (value, *({"type": "doc", "version": 1, "content": content} for content in (value, [value]))):
        assert adf_problem(normal_adf(doc)) is None
        problem = adf_problem(doc)
        assert problem is None or ": " in problem


def nested(kind: str, depth: int) -> Json:
    node: Json = {"type": "paragraph", "content": [{"type": "text", "text": "deep"}]}
    for _ in range(depth):
        node = {"type": kind, "content": [{"type": "listItem", "content": [node]} if "List" in kind else node]}
    return {"type": "doc", "version": 1, "content": [node]}


@pytest.mark.parametrize("kind", ["blockquote", "bulletList", "taskList", "panel", "table", "paragraph", "unknown"])
def test_a_document_nested_without_end_keeps_its_text(kind: str) -> None:
    adf = nested(kind, 5_000)
    markdown = adf_to_markdown(adf)
    assert "deep" in markdown
    assert len(markdown) < 200
    assert normal_adf(normal_adf(adf)) == normal_adf(adf)
    assert (adf_problem(adf) is None) == (kind == "bulletList")


@pytest.mark.parametrize(
    "fragment",
    ["a", "*", "_", "[", "]", "`", "**a _b ", "> ", "- ", "|", "|a|b|\n|-|-|\n", "<b>", "\n", "&", "\\", "😀", "[a]("],
)
def test_hostile_markdown_is_read_in_bounded_steps(fragment: str) -> None:
    for size in (20_000, 200_000):
        text = fragment * (size // len(fragment))
        begun = time.process_time()
        adf = markdown_to_adf(text)
        assert time.process_time() - begun < 20
        assert adf_problem(adf) is None


def test_a_huge_document_is_read_in_time_proportional_to_its_size() -> None:
    kinds = ["strong", "em", "strike"]
    nodes = [{"type": "text", "text": "ab*[", "marks": [{"type": kinds[at % 3]}]} for at in range(50_000)]
    begun = time.process_time()
    markdown = adf_to_markdown({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": nodes}]})
    assert markdown.count("ab") == 50_000
    assert time.process_time() - begun < 30
