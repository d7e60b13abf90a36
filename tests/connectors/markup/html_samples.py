"""Markdown and HTML to try conversions on, and what a reader sees of them."""

from __future__ import annotations

import html as standard
import re
import unicodedata

from hypothesis import strategies as st
from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])

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
    page = re.sub(r'<img src="[^"]*" alt="([^"]*)"[^>]*>', r"\1", PARSER.render(text))
    return seen(standard.unescape(re.sub(r"<[^>]*>", " ", page)))


def seen(text: str) -> str:
    return unicodedata.normalize("NFC", "".join(text.split()))


def legal(text: str) -> str:
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
