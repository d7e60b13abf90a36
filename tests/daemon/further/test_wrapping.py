"""Texts that go through templates: nothing is lost, no frame and no cut text comes back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from kibcase_connectors.model import Side
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.templates import BARE, Template, Templates, Worn
from kibcase_daemon.sync.types import Both, Policy

if TYPE_CHECKING:
    from tests.daemon.further.conftest import Make


def titled(text: str, *, side: Side = Side.TICKET) -> Templates:
    return BARE.put(side, {"title": Template.parse("title", text)})


def test_a_title_with_a_colon_is_not_taken_for_a_label(make: Make) -> None:
    world = make(templates=titled("{label}: {title}"))
    case, ticket = world.pair()
    assert ticket.fields["title"] == "CASE-1: Beacon"
    world.tickets.edit(ticket.key, title="Urgent: Beacon")
    world.settle()
    assert case.fields["title"] == "Urgent: Beacon"


@pytest.mark.parametrize("template", ["{label} {title}", "[SOC {label}] {title}", "{title} / {label}"])
@pytest.mark.parametrize("lost", [False, True])
def test_a_case_that_gets_its_number_later_keeps_its_title(make: Make, template: str, lost: bool) -> None:
    world = make(templates=titled(template), policy=Policy.TICKET)
    world.wires.case.label = "case 5f3a1b2c"
    case, ticket = world.pair()
    world.wires.case.label = "case 7"
    if lost:
        world.store.close()
        world.store = SqliteStore()
    titles = (case.fields["title"], ticket.fields["title"])
    world.engine().cycle(full=True)
    assert (case.fields["title"], ticket.fields["title"]) == titles
    world.tickets.edit(ticket.key, title=str(ticket.fields["title"]).replace("Beacon", "Beacon again"))
    world.settle()
    assert case.fields["title"] == "Beacon again"
    world.cases.edit(case.key, title="Beacon at last")
    world.settle()
    assert ticket.fields["title"] == template.format(label="case 7", title="Beacon at last")


def test_templates_on_both_sides_do_not_pile_up(make: Make) -> None:
    both: Templates = Both(
        case={"title": Template.parse("title", "[IT {label}] {title}")},
        ticket={"title": Template.parse("title", "[SOC {label}] {title}")},
    )
    world = make(templates=both)
    case, ticket = world.pair()
    for number in range(4):
        world.cases.edit(case.key, title=f"{case.fields['title']}{number}")
        world.settle()
        world.tickets.edit(ticket.key, title=f"{ticket.fields['title']}{number}")
        world.settle()
    assert (case.fields["title"], ticket.fields["title"]) == (
        "[IT TICKET-1] Beacon00112233", "[SOC CASE-1] Beacon00112233"
    )


def test_another_template_leaves_the_old_frame_out_of_the_case(make: Make) -> None:
    world = make(templates=titled("[SOC {label}] {title}"))
    case, ticket = world.pair()
    writes = world.writes
    world.change(templates=titled("{title} (from Kibana)"))
    world.engine().cycle(full=True)
    assert world.writes == writes, "a new template rewrites nothing by itself"
    world.tickets.edit(ticket.key, title="[SOC CASE-1] Beacon 2")
    world.settle()
    assert case.fields["title"] == "Beacon 2"
    world.cases.edit(case.key, title="Beacon 3")
    world.settle()
    assert ticket.fields["title"] == "Beacon 3 (from Kibana)"


def test_a_template_added_later_wraps_at_the_next_change(make: Make) -> None:
    world = make()
    case, ticket = world.pair()
    world.change(templates=titled("[SOC {label}] {title}"))
    world.tickets.edit(ticket.key, title="Beacon 2")
    world.settle()
    assert case.fields["title"] == "Beacon 2"
    world.cases.edit(case.key, title="Beacon 3")
    world.settle()
    assert ticket.fields["title"] == "[SOC CASE-1] Beacon 3"


def test_a_person_who_takes_the_frame_off_is_left_alone(make: Make) -> None:
    world = make(templates=titled("[SOC {label}] {title}"))
    case, ticket = world.pair()
    world.tickets.edit(ticket.key, title="Beacon")
    writes = world.writes
    world.settle()
    assert world.writes == writes
    world.tickets.edit(ticket.key, title="Beacon 2")
    world.settle()
    assert case.fields["title"] == "Beacon 2"
    assert ticket.fields["title"] == "Beacon 2"


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("template", ["[SOC {label}] {title}", "{title} ({label})"])
def test_a_cut_and_wrapped_title_never_comes_back(make: Make, template: str, policy: Policy) -> None:
    world = make(templates=titled(template), policy=policy)
    long = "A beacon to a domain that was registered only yesterday"
    case, ticket = world.pair(title=long)
    cut = str(ticket.fields["title"])
    assert len(cut) == 40
    world.tickets.edit(ticket.key, title=f"X{cut}")
    world.cycle()
    assert case.fields["title"] == long
    world.cases.edit(case.key, title="Beacon")
    world.cycle()
    assert "\u2026" not in str(case.fields["title"])
    assert "[SOC" not in str(case.fields["title"])


def test_a_lost_store_with_a_cut_template_changes_nothing(make: Make) -> None:
    world = make(templates=titled("{title} ({label})"), policy=Policy.TICKET)
    long = "A beacon to a domain that was registered only yesterday"
    case, ticket = world.pair(title=long)
    cut = ticket.fields["title"]
    world.store.close()
    world.store = SqliteStore()
    world.settle()
    assert (case.fields["title"], ticket.fields["title"]) == (long, cut)


def test_a_lost_store_does_not_bring_a_cut_title_back_either(make: Make) -> None:
    world = make(templates=titled("[SOC {label}] {title}"), policy=Policy.TICKET)
    case, ticket = world.pair(title="A beacon to a domain that was registered only yesterday")
    world.cases.edit(case.key, title="Beacon")
    world.store.close()
    world.store = SqliteStore()
    world.settle()
    assert (case.fields["title"], ticket.fields["title"]) == ("Beacon", "[SOC CASE-1] Beacon")


HOSTILE = {
    "blank lines": "\n" * 30_000, "blanks": " x" + " " * 30_000 + "x", "frames": "[SOC " * 6_000,
    "brackets": "[SOC " + "]" * 30_000, "digits": "1" * 30_000, "tails": "x (Kibana" * 3_000,
    "almost": "x" + "\n\n--\nSOC-1" * 3_000 + "y",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "template",
    [
        "[SOC {label}] {title}", "{title} (Kibana)", "{label}: {title}", "{title}\n\n--\n{label}",
        "a {url}\n{title}\nb {url}",
    ],
)
def test_no_text_keeps_a_template_busy(template: str, text: str) -> None:
    worn = Worn(Template.parse("title", template), {"label": "SOC-1", "url": "https://x.example/1"})
    began = time.process_time()
    worn.off(text)
    assert worn.off(worn.on(text)) == text.strip()
    assert time.process_time() - began < 2.0
