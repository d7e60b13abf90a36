"""Markdown <-> HTML: what both express survives, text stays text, hostile input is bounded."""

from __future__ import annotations

import html as standard
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kibcase_connectors.markup import escape_markdown, html_to_markdown, markdown_to_html, normal_html

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

MARKS = [*"{}[]()*_-+^~!|?#\\&<>`=.:;@%$'\"/ \n\taZ09éß中a\u0301\u00a0😀", "http://x.y/a_b", "&lt;", "&#92;", "<b>"]
MARKS += ["\n\n", "\n* ", "\n1. ", "\n|", "\n> ", "```\n", "    ", "</p>", "<br>", "# ", "[a](http://b.c/)", "**", "~~"]
MARKS += ["a\u0301", ">\u0338", "\u1fef"]
nasty = st.lists(st.sampled_from(MARKS), max_size=30).map("".join)
anything = st.text(max_size=200)

_TAGS = ["p", "div", "b", "strong", "em", "i", "s", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h3", "table",
         "tr", "td", "th", "span", "script", "x", "a href='https://e.org/?a&amp;b'", "a href='javascript:1'"]
TOKENS = [f"<{tag}>" for tag in _TAGS] + [f"</{tag.partition(' ')[0]}>" for tag in _TAGS] + [
    "<br />", "<hr>", "<img src='https://e.org/i.png' alt='i'>", "&nbsp;", "&amp;lt;", "<", ">", "&", "<!-- c -->",
    " ", "\n", "  ", "a\u0301", "&#824;", "a", "b c", "*x*", "# h", "1. n", "- l", "https://e.org/?a&b", "😀", "|", "`",
]
markup = st.lists(st.one_of(st.sampled_from(TOKENS), st.text(max_size=5)), max_size=25).map("".join)

word = st.text(alphabet="abcXYZ019.é中😀{}[]()*_-+^~!|?#\\&<>`=:;@%'\"/", min_size=1, max_size=8).map(
    lambda text: "".join("\\" + char if char in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" else char for char in text)
)
words = st.lists(word, min_size=1, max_size=3).map(" ".join)
code = st.text(alphabet="ab01{}[]()*_-+^~!|?#\\&<>=:;", min_size=1, max_size=12).map(lambda text: f"`` x{text}x ``")
url = st.sampled_from(["http://a.example/x_y?q=1&r=2#f", "https://b.example/(z)", "mailto:soc@example.org"])
link = st.tuples(words, url).map(lambda pair: f"[x {pair[0]}](<{pair[1]}>)")
styled = st.tuples(st.sampled_from(["**", "_", "~~"]), st.one_of(words, code, link)).map(
    lambda pair: f"{pair[0]}x{pair[1]}x{pair[0]}"
)
line = st.lists(st.one_of(words, code, link, styled, st.just("<https://a.example/p_q>")), min_size=1, max_size=4).map(
    " ".join
)
paragraph = st.lists(line, min_size=1, max_size=3).map(lambda rows: "\n".join(f"y {row} z" for row in rows))
heading = st.tuples(st.integers(1, 6), line).map(lambda pair: f"{'#' * pair[0]} {pair[1]} end")
fence = st.lists(st.text("ab {}*\\|~#<>&", min_size=1, max_size=20), min_size=1, max_size=4).map(
    lambda rows: "`" * 30 + "\nx" + "\n".join(rows) + "x\n" + "`" * 30
)
table = st.lists(st.lists(words, min_size=2, max_size=2), min_size=1, max_size=3).map(
    lambda rows: "\n".join([f"| {' | '.join(rows[0])} |", "|---|---|", *(f"| {' | '.join(row)} |" for row in rows[1:])])
)
items = st.tuples(st.sampled_from(["- ", "1. "]), st.lists(line, min_size=1, max_size=3)).map(
    lambda pair: "\n".join(f"{pair[0]}y {row} z" for row in pair[1])
)
quote = st.one_of(paragraph, items).map(lambda text: "\n".join(f"> {row}" for row in text.split("\n")))
document = st.lists(st.one_of(paragraph, heading, fence, table, items, quote, st.just("---")), max_size=4).map(
    "\n\n".join
)


def shown(text: str) -> str:
    page = re.sub(r'<img src="[^"]*" alt="([^"]*)"[^>]*>', r"\1", _PARSER.render(text))
    return seen(standard.unescape(re.sub(r"<[^>]*>", " ", page)))


def seen(text: str) -> str:
    return unicodedata.normalize("NFC", "".join(text.split()))


def legal(text: str) -> str:
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def rendered(text: str) -> str:
    page = re.sub(r"\s+", " ", _PARSER.render(text))
    page = re.sub(r"</?(p|thead|tbody)>", "", page)
    return re.sub(r" ?(<[^>]*>) ?", r"\1", page).strip()


@given(document)
@settings(deadline=None, max_examples=100)
def test_what_both_express_comes_back_as_it_was(text: str) -> None:
    assert rendered(html_to_markdown(markdown_to_html(text))) == rendered(text)


@given(st.one_of(document, nasty, anything))
@settings(deadline=None, max_examples=100)
def test_a_second_conversion_changes_nothing(text: str) -> None:
    html = markdown_to_html(text)
    assert markdown_to_html(html_to_markdown(html)) == html


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=100)
def test_markdown_shows_the_same_text_after_a_round_trip(text: str) -> None:
    assert shown(html_to_markdown(markdown_to_html(text))) == shown(legal(text))


@given(markup)
@settings(deadline=None, max_examples=100)
def test_html_typed_by_people_settles_after_one_conversion(text: str) -> None:
    html = markdown_to_html(html_to_markdown(text))
    assert markdown_to_html(html_to_markdown(html)) == html


@pytest.mark.parametrize(("markdown", "html"), [
    ("a\nb", "<p>a<br />b</p>"),
    ("**a** _b_ ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
    ("# T\n\ntext", "<h1>T</h1><p>text</p>"),
    ("- a\n- b\n  1. c", "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"),
    ("> q", "<blockquote><p>q</p></blockquote>"),
    ("```\n<x>\n  y\n```", "<pre>&lt;x&gt;\n  y</pre>"),
    ("<https://e.org/a?b&c>", '<p><a href="https://e.org/a?b&amp;c">https://e.org/a?b&amp;c</a></p>'),
    ("| a | b |\n| --- | --- |\n| c | d |",
     "<table><tbody><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></tbody></table>"),
    ("a\n\n---", "<p>a</p><hr />"),
])
def test_each_element_both_ways(markdown: str, html: str) -> None:
    assert markdown_to_html(markdown) == html
    assert html_to_markdown(html) == markdown


@pytest.mark.parametrize(("html", "markdown"), [
    ('<div class="rte"><div>a</div><div>b</div></div>', "a\n\nb"),
    ('<div class="rte">a<br />b<br /><br />c</div>', "a\nb\n\nc"),
    ("<p>&nbsp;</p><p>a</p>", "a"),
    ("<span style='color:red'>a</span> <u>b</u>", "a b"),
    ("<a href='javascript:alert(1)'>a</a>", "a"),
    ("<img src='https://e.org/i.png' alt='shot'>", "[shot](https://e.org/i.png)"),
    ("<script>alert(1)</script>a", "a"),
    ("<ul><li>a<li>b</ul>", "- a\n- b"),
    ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
    ("<b>a<p>b</p></b>", "**a b**"),
    ("1 &lt; 2 &amp; *3*", "1 < 2 & \\*3\\*"),
    ("a <b", "a \\<b"),
])
def test_what_people_write(html: str, markdown: str) -> None:
    assert html_to_markdown(html) == markdown


@pytest.mark.parametrize("html", [
    "<ul><li><hr /></li></ul>", "<ul><li><ul><li><hr /></li></ul></li></ul>", "<ol><li><hr /></li></ol>",
    "<ul><li>a</li></ul><ul><li><hr /></li></ul>", "<ul><li><ul><li><ul><li></li></ul></li></ul></li></ul>",
])
def test_a_list_of_dashes_alone_does_not_become_a_rule(html: str) -> None:
    assert markdown_to_html(html_to_markdown(html)) == html


def test_text_with_marks_is_no_html() -> None:
    assert markdown_to_html("<script>alert(1)</script> & <b>x</b>") == (
        "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;x&lt;/b&gt;</p>"
    )


@pytest.mark.parametrize("piece", ["<", "<a ", "<b>", "</b>", "<ul><li>", "<a href='", "&lt", "<!--", "<br>", "<p>x"])
def test_hostile_texts_take_little_time(piece: str) -> None:
    begun = time.process_time()
    html_to_markdown(piece * (100_000 // len(piece)))
    assert time.process_time() - begun < 10


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=100)
def test_text_never_becomes_markup(text: str) -> None:
    html = markdown_to_html(escape_markdown(text))
    assert set(re.findall(r"<[^>]*>", html)) <= {"<p>", "</p>", "<br />"}
    assert shown(html_to_markdown(html)) == seen(legal(text))


@given(st.one_of(markup, anything))
@settings(deadline=None, max_examples=100)
def test_no_html_makes_a_link_that_runs_a_script(text: str) -> None:
    for html in (normal_html(text), markdown_to_html(text), markdown_to_html(html_to_markdown(text))):
        assert re.findall(r'href="(?!https?:|mailto:)[^"]*"', html) == []
        assert "<script" not in html


@pytest.mark.parametrize("tag", ["div", "b", "blockquote", "ul><li", "table><tr><td", "x"])
def test_html_nested_without_end_keeps_its_text(tag: str) -> None:
    markdown = html_to_markdown(f"<{tag}>" * 5_000 + "deep")
    assert "deep" in markdown
    assert len(markdown) < 200
