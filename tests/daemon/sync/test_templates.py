"""Templates wrap and unwrap, and a text that went through them is the same text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kibcase_connectors.mapping import FieldMap, Text
from kibcase_connectors.markup import markdown_to_wiki, wiki_to_markdown
from kibcase_connectors.memory import CASE_MAP, TICKET_MAP
from kibcase_connectors.model import DESCRIPTION, TITLE, Side, Snapshot
from kibcase_daemon.sync.templates import BARE, Template, Templates, dressed_maps, unreadable
from kibcase_daemon.sync.types import Base, Both

CASE = Snapshot(key="c", label="#12", version="1", mark="kibcase-c", fields={}, url="https://kibana.example/c")
TITLES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60).map(lambda text: " ".join(text.split()))


def test_a_template_wraps_and_unwraps() -> None:
    template = Template.parse(TITLE, "[SOC {label}] {title}")
    assert template.on("Beacon", {"label": "#12", "url": ""}) == "[SOC #12] Beacon"
    assert template.off("[SOC #12] Beacon") == "Beacon"
    assert template.off("[SOC #other]   Beacon ") == "Beacon"
    assert template.off("Beacon, again") is None
    assert Template.parse(TITLE, "{label} {title}").off("case 7 Beacon", {"label": "case 7"}) == "Beacon"


def test_a_brace_is_written_twice() -> None:
    assert Template.parse(TITLE, "{{x}} {title}").on("y", {}) == "{x} y"


@given(TITLES, TITLES)
@example("[SOC #1] x", "[SOC #1]")
@example("", "")
def test_what_is_wrapped_is_unwrapped(title: str, label: str) -> None:
    template = Template.parse(TITLE, "[SOC {label}] {title} (Kibana)")
    wrapped = template.on(title, {"label": "".join(c for c in label if c not in "[]"), "url": ""})
    assert template.off(wrapped) == title


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no text", "exactly once"), ("{title} {title}", "exactly once"), ("{nobody} {title}", "nobody"),
        ("{title", "write {{"), ("{title!r}", "not known"), ("{title:>9}", "not known"), ("{}{title}", "not known"),
    ],
)
def test_a_bad_template_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        Template.parse(TITLE, text)


def test_only_the_side_that_is_written_wears_it() -> None:
    ticket = {TITLE: Template.parse(TITLE, "[{label}] {title}")}
    templates: Templates = Both(case={}, ticket=ticket)
    maps = dressed_maps(Both(case=CASE_MAP, ticket=TICKET_MAP), templates, Both(case=CASE, ticket=None), Base())
    assert maps.ticket.native(TITLE, "Beacon") == "[#12] Beacon"
    assert maps.ticket.canonical(TITLE, "[#12] Beacon") == "Beacon"
    assert maps.ticket.same(TITLE, "[#99] Beacon", "Beacon"), "a case that got its number later is no change"
    assert maps.ticket.loses(TITLE, "x" * 36)
    assert not maps.ticket.loses(TITLE, "x" * 34)
    assert maps.case is CASE_MAP
    assert dressed_maps(maps, BARE, Both(case=CASE, ticket=None), Base()) == maps


def test_a_template_that_is_markup_there_is_found_out() -> None:
    wiki = Text(read=wiki_to_markdown, write=markdown_to_wiki, uncut=markdown_to_wiki, limit=9999)
    maps = Both(case=CASE_MAP, ticket=FieldMap({DESCRIPTION: wiki}))
    good = Template.parse(DESCRIPTION, "From Kibana: {url}\n\n{description}")
    bad = Template.parse(DESCRIPTION, "<b>From Kibana</b>\n1) x\n\n{description}")
    assert unreadable(maps, Both(case={}, ticket={DESCRIPTION: good})) == []
    assert unreadable(maps, Both(case={}, ticket={DESCRIPTION: bad})) == [(Side.TICKET, DESCRIPTION)]
