from __future__ import annotations

import string
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import escape_markdown, escape_wiki, markdown_to_wiki, wiki_to_markdown

Html = Callable[[str], str]

MARKS = [*"{}[]()*_-+^~!|?#\\&<>`=.:;@%$'\"/ \n\taZ09éß中عa\u0301\u200d\u00a0😀", "{code}", "{noformat}", "{quote}"]
MARKS += ["{{", "}}", "h1. ", "bq. ", "\\\\", "----", "[~bob]", "http://x.y/a_b", "!a.png!", "&lt;", "&#92;", "{*}"]
MARKS += ["\n\n", "\n* ", "\n# ", "\n- ", "\n1. ", "\n|", "\n> ", "```\n", "    ", "{color:red}", "{panel:title=a}"]
NASTY = st.sampled_from(MARKS)
nasty = st.lists(NASTY, max_size=30).map("".join)
anything = st.text(max_size=200)

_PUNCTUATION = frozenset(string.punctuation)
word = st.text(alphabet="abcXYZ019.é中😀{}[]()*_-+^~!|?#\\&<>`=:;@%'\"/", min_size=1, max_size=8)
typed = word.map(lambda text: "".join("\\" + char if char in _PUNCTUATION else char for char in text))
words = st.lists(typed, min_size=1, max_size=3).map(" ".join)
code = st.text(alphabet="ab01 {}[]()*_-+^~!|?#\\&<>=:;", min_size=1, max_size=12).map(lambda t: f"`` x{t}x ``")
url = st.sampled_from(["http://a.example/x_y?q=1&r=2#f", "https://b.example/(z)", "mailto:soc@example.org", "/app/x"])


@st.composite
def link(draw: st.DrawFn) -> str:
    title = draw(st.sampled_from(["", ' "a \\"title\\" | ]"']))
    return f"[{draw(words)}](<{draw(url)}>{title})"


def emphasised(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(["**", "_", "~~"]), inner).map(lambda pair: f"{pair[0]}x{pair[1]}x{pair[0]}")


auto = st.just("<https://a.example/p_q>")
simple = st.one_of(words, code, link(), auto)
piece = st.one_of(simple, emphasised(words), emphasised(code), emphasised(link()), st.just("a**b**c"), st.just("a*b*c"))
nested = st.tuples(words, words).map(lambda pair: f"**x {pair[0]} _y {pair[1]} y_**")
line = st.lists(st.one_of(piece, nested), min_size=1, max_size=4).map(" ".join)
paragraph = st.lists(st.tuples(line, st.sampled_from(["\n", "\\\n"])), min_size=1, max_size=3).map(
    lambda rows: "".join(text + end for text, end in rows).rstrip("\n").removesuffix("\\\n") + " end"
)
heading = st.tuples(st.integers(1, 6), line).map(lambda pair: f"{'#' * pair[0]} {pair[1]} end")
raw = st.lists(
    st.one_of(st.text("ab {}*\\|`~#\t", max_size=20), st.sampled_from(["{code}", "{noformat}", "{quote}", "\\{"])),
    max_size=4,
).map("\n".join)
TICKS = "`" * 30
fence = st.tuples(st.sampled_from(["", "python", "c++"]), raw).map(
    lambda pair: f"{TICKS}{pair[0]}\n{pair[1]}\n{TICKS}"
)
table = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(words, min_size=width, max_size=width), min_size=1, max_size=3).map(
        lambda rows: "\n".join(
            ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * width]
            + ["| " + " | ".join(row) + " |" for row in rows[1:]]
        )
    )
)


def legal(text: str) -> str:
    return "".join(char for char in text if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff"))


def indented(text: str, by: int) -> str:
    return "\n".join(" " * by + row if row else row for row in text.split("\n"))


def listed(items: list[tuple[str, str]], *, ordered: bool) -> str:
    marker = "1. " if ordered else "- "
    rows = []
    for text, below in items:
        rows.append(indented(text, len(marker)).replace(" " * len(marker), marker, 1))
        if below:
            rows.append(indented(below, len(marker)))
    return "\n".join(rows)


def lists(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(paragraph, inner), min_size=1, max_size=3)
    return st.builds(lambda rows, ordered: listed(rows, ordered=ordered), items, st.booleans())


a_list = lists(st.one_of(st.just(""), fence, lists(st.one_of(st.just(""), lists(st.just(""))))))
quoted = st.lists(st.one_of(paragraph, heading, fence, table), min_size=1, max_size=2).map("\n\n".join)
quote = st.one_of(quoted, a_list).map(lambda text: "\n".join("> " + row for row in text.split("\n")))
block = st.one_of(paragraph, heading, fence, table, quote, a_list, st.just("---"))
document = st.lists(block, min_size=1, max_size=4).map("\n\n".join)


@given(document)
@settings(deadline=None, max_examples=200)
def test_what_both_express_comes_back_as_it_was(html_of: Html, text: str) -> None:
    assert html_of(wiki_to_markdown(markdown_to_wiki(text))) == html_of(text)


@given(st.one_of(document, nasty, anything))
@settings(deadline=None, max_examples=200)
def test_a_second_conversion_changes_nothing(text: str) -> None:
    wiki = markdown_to_wiki(text)
    assert markdown_to_wiki(wiki_to_markdown(wiki)) == wiki


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=200)
def test_markdown_shows_the_same_text_after_a_round_trip(text_of: Html, text: str) -> None:
    assert text_of(wiki_to_markdown(markdown_to_wiki(text))) == text_of(legal(text))


def shown(text: str) -> str:
    return "".join(legal(text).split())


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=200)
def test_plain_text_shows_as_typed_in_both_notations(text_of: Html, text: str) -> None:
    assert text_of(escape_markdown(text)) == shown(text)
    assert text_of(wiki_to_markdown(escape_wiki(text))) == shown(text)
    assert text_of(wiki_to_markdown(markdown_to_wiki(escape_markdown(text)))) == shown(text)


@given(nasty)
@settings(deadline=None, max_examples=200)
def test_wiki_typed_by_people_settles_after_one_conversion(text: str) -> None:
    wiki = markdown_to_wiki(wiki_to_markdown(text))
    assert markdown_to_wiki(wiki_to_markdown(wiki)) == wiki
