"""Markdown and the platform's HTML: what both express survives, and what comes back compares equal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kibcase_connectors.markup import escape_markdown
from kibcase_connectors.resilient.richtext import (
    CUT_NOTE,
    TEXT_LIMIT,
    html_to_markdown,
    markdown_to_html,
    normal,
    without_footer,
    write_text,
)
from kibcase_connectors.standins.resilient.richtext import keep
from tests.connectors.markup.html_samples import anything, document, legal, markup, nasty, seen, shown


@given(st.one_of(document, nasty, anything))
@settings(deadline=None, max_examples=100)
def test_what_the_platform_makes_of_our_html_compares_equal(text: str) -> None:
    sent = markdown_to_html(text)
    kept = keep({"format": "html", "content": sent})
    assert normal(kept or "") == sent


@given(st.one_of(markup, anything))
@settings(deadline=None, max_examples=100)
def test_the_normal_form_is_stable(text: str) -> None:
    form = normal(text)
    assert normal(form) == form
    assert normal(keep(form) or "") == form


@given(st.one_of(nasty, anything))
@settings(deadline=None, max_examples=100)
def test_plain_text_shows_as_typed(text: str) -> None:
    kept = keep({"format": "text", "content": legal(text).replace("\r", "\n")})
    assert shown(html_to_markdown(kept or "")) == seen(legal(text))
    assert shown(html_to_markdown(markdown_to_html(escape_markdown(text)))) == seen(legal(text))


def test_links_that_the_platform_takes_out_show_their_address() -> None:
    assert markdown_to_html("[case](/app/cases/1)") == "<p>case (/app/cases/1)</p>"


def test_a_long_text_is_cut_visibly() -> None:
    html = write_text("<&> log line\n" * 20_000)
    assert len(html) <= TEXT_LIMIT
    assert CUT_NOTE in html
    assert write_text("short") == "<p>short</p>"


def test_the_footer_of_kibanas_push_is_taken_off() -> None:
    kept = keep({"format": "html", "content": "seen by EDR\n\nAdded by elastic."})
    assert kept is not None
    assert html_to_markdown(without_footer(kept)) == "seen by EDR"
    assert without_footer('<div class="rte"><p>a</p></div>') == '<div class="rte"><p>a</p></div>'
