"""Markdown <-> HTML: what both express survives, text stays text, hostile input is bounded."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import escape_markdown, html_to_markdown, markdown_to_html, normal_html
from tests.connectors.markup.html_samples import (
    PARSER,
    anything,
    document,
    legal,
    markup,
    nasty,
    seen,
    shown,
)


def rendered(text: str) -> str:
    page = re.sub(r"\s+", " ", PARSER.render(text))
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
