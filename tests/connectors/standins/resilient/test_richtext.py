"""Rich text: whatever is sent, what is kept is safe, balanced and stable."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.resilient import richtext

PIECES = st.lists(st.one_of(
    st.text(max_size=8),
    st.sampled_from(["<b>", "</b>", "<p>", "</p>", "<br>", "<script>", "</script>", "<x y='1'>",
                     "<a href='javascript:1'>", "<a href='https://e.org/?a&b'>", "</a>",
                     "<div class='rte'>", "</div>", "<", "&", "&lt;", "<!--"]),
), max_size=10).map("".join)


class _Depth(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "style", "x")
        assert all(name in ("class", "href") and not (value or "").startswith("javascript") for name, value in attrs)
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("br", "hr")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@given(PIECES)
def test_kept_html_is_balanced_and_stable(html: str) -> None:
    kept = richtext.keep(html)
    if kept is not None:
        depth = _Depth()
        depth.feed(kept)
        depth.close()
        assert depth.open == []
        assert richtext.keep(kept) == kept
        assert richtext.same(kept, {"format": "html", "content": kept})


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs", "Cc"]) | st.just("\n")))
def test_text_comes_back(text: str) -> None:
    kept = richtext.keep({"format": "text", "content": text})
    assert (richtext.to_text(kept) if kept else "") == text.strip()
    assert richtext.same(kept, {"format": "text", "content": text})


@pytest.mark.parametrize(("html", "text"), [
    ("<p>a</p><p>b</p>", "a\nb"), ("<ul><li>a</li><li>b</li></ul>c", "a\nb\nc"), ("a<br/><br/>b", "a\n\nb"),
    ("<h1>T</h1>x &lt;b&gt;", "T\nx <b>"),
])
def test_to_text(html: str, text: str) -> None:
    assert richtext.to_text(html) == text
