"""What a state store promises, method by method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.model import UNSET, Changed, Json, Side, Unset
from kibcase_daemon.errors import StoreError
from kibcase_daemon.store.api import Link, LinkState, Queued
from kibcase_daemon.store.codec import dump_base, dump_intent, load_base, load_intent
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.advance import Intent
from kibcase_daemon.sync.guards import Written
from kibcase_daemon.sync.types import Base, Both, CommentPair

if TYPE_CHECKING:
    from tests.daemon.store.conftest import MakeEntry, MakeLink

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NEVER: st.SearchStrategy[Json | Unset] = st.just(UNSET)
BASES = st.builds(
    Base,
    fields=st.dictionaries(TEXT, st.builds(Both, case=JSON | NEVER, ticket=JSON | NEVER), max_size=4),
    comments=st.lists(
        st.builds(
            CommentPair, origin=st.sampled_from(list(Side)), key=TEXT, mirror=TEXT, digest=TEXT, mirror_digest=TEXT
        ),
        max_size=3,
    ).map(tuple),
    linked=st.frozensets(st.sampled_from(list(Side))),
)
INTENTS = st.builds(
    Intent, id=TEXT, link=TEXT, side=st.sampled_from(list(Side)), kind=TEXT,
    sent_at=st.floats(allow_nan=False, allow_infinity=False), attempts=st.integers(0, 1000), mark=TEXT,
    sources=st.dictionaries(TEXT, JSON, max_size=3),
    announced=st.dictionaries(TEXT, st.lists(JSON, max_size=3), max_size=3), comment=TEXT, digest=TEXT, body=TEXT,
    add=st.dictionaries(TEXT, st.lists(TEXT, max_size=3), max_size=2),
    remove=st.dictionaries(TEXT, st.lists(TEXT, max_size=3), max_size=2),
)


def changed(key: str, version: str = "1") -> Changed:
    return Changed(key=key, version=version, eligible=True, marked=False)


def intent(id: str = "i", **more: object) -> Intent:  # noqa: A002 - the field's name
    given: dict[str, object] = {
        "id": id, "link": "r/c1/None", "side": Side.TICKET, "kind": "create", "sent_at": 1.0, **more,
    }
    return Intent(**given)  # type: ignore[arg-type]


@given(BASES)
def test_a_base_is_read_as_it_was_written(base: Base) -> None:
    assert load_base(dump_base(base)) == base


@given(INTENTS)
def test_an_intent_is_read_as_it_was_written(one: Intent) -> None:
    read = load_intent(
        dump_intent(one), id=one.id, link=one.link, side=one.side.value, kind=one.kind, sent_at=one.sent_at,
        attempts=one.attempts,
    )
    assert read == one


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"fields": {}}', '{"fields": {}, "comments": [["x"]], "linked": []}']
)
def test_what_is_no_base_is_not_read_as_one(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        load_base(text)


@given(BASES, INTENTS)
def test_bases_and_intents_survive_the_file(base: Base, one: Intent) -> None:
    store = SqliteStore()
    keys: Both[str | None] = Both(case="c", ticket=None)
    kept = store.add_link(Link(id="l", rule="r", keys=keys, labels=Both(case="", ticket=""), base=base))
    one = replace(one, link=kept.id)
    store.begin(one)
    assert store.links("r") == [kept]
    assert store.intents(kept.id) == [one]
    store.close()


def test_a_cursor_moves_together_with_the_queue(store: SqliteStore) -> None:
    assert store.cursor("r", Side.CASE) is None
    store.enqueue("r", Side.CASE, [changed("a"), changed("b")], "17")
    assert store.cursor("r", Side.CASE) == "17"
    assert store.cursor("r", Side.TICKET) is None
    assert store.cursor("other", Side.CASE) is None
    assert [entry.change.key for entry in store.queued("r")] == ["a", "b"]


def test_neither_moves_if_one_cannot(store: SqliteStore) -> None:
    store.enqueue("r", Side.CASE, [changed("a")], "17")
    broken = replace(changed("b"), version=None)  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        store.enqueue("r", Side.CASE, [changed("c"), broken], "18")
    assert store.cursor("r", Side.CASE) == "17"
    assert [entry.change.key for entry in store.queued("r")] == ["a"]


def test_the_queue_holds_each_thing_once_at_its_place_and_newest_version(store: SqliteStore) -> None:
    store.enqueue("r", Side.CASE, [changed("a"), changed("b")], "1")
    store.enqueue("r", Side.CASE, [replace(changed("a", "2"), eligible=False, marked=True)], "2")
    store.enqueue("r", Side.TICKET, [changed("a")], "1")
    assert store.queued("r") == [
        Queued(rule="r", side=Side.CASE, change=Changed(key="a", version="2", eligible=False, marked=True)),
        Queued(rule="r", side=Side.CASE, change=changed("b")),
        Queued(rule="r", side=Side.TICKET, change=changed("a")),
    ]
    assert store.queued("other") == []


def test_what_is_newer_by_now_stays_in_the_queue(store: SqliteStore) -> None:
    store.enqueue("r", Side.CASE, [changed("a"), changed("b")], "1")
    seen = store.queued("r")
    store.enqueue("r", Side.CASE, [changed("a", "2")], "2")
    store.dequeue(seen)
    assert [(entry.change.key, entry.change.version) for entry in store.queued("r")] == [("a", "2")]


def test_a_thing_has_one_link_per_rule(store: SqliteStore, link: MakeLink) -> None:
    first = store.add_link(link("c1", "t1"))
    assert store.add_link(link("c1", "t2")) == first
    assert store.add_link(link("c2", "t1")) == first
    assert store.add_link(link("c1", "t1", id="x", rule="other")).id == "x"
    assert store.links("r") == [first]


def test_links_without_a_key_are_no_likes(store: SqliteStore, link: MakeLink) -> None:
    store.add_link(link("c1"))
    store.add_link(link("c2"))
    store.add_link(link(None, "t1"))
    assert len(store.links("r")) == 3
    found = store.link_of("r", Side.TICKET, "t1")
    assert found is not None
    assert found.id == "r/None/t1"
    assert store.link_of("r", Side.CASE, "t1") is None
    assert store.link_of("other", Side.CASE, "c1") is None


def test_a_link_is_kept_as_it_is(store: SqliteStore, link: MakeLink) -> None:
    seen: Both[str | None] = Both(case="3", ticket=None)
    kept = store.add_link(link("c1"))
    full = replace(
        kept, keys=kept.keys.put(Side.TICKET, "t1"), labels=Both(case="case 1", ticket="SOC-1"), state=LinkState.PARKED,
        seen=seen, reason="why", retry_at=12.5, attempts=3,
    )
    store.save(full)
    assert store.links("r") == [full]


def test_a_link_that_is_not_there_cannot_be_saved(store: SqliteStore, link: MakeLink, entry: MakeEntry) -> None:
    with pytest.raises(StoreError, match="r/c9/None"):
        store.save(link("c9"), audit=[entry()])
    assert store.audit() == [], "all of it or none"


def test_two_links_cannot_take_one_ticket(store: SqliteStore, link: MakeLink) -> None:
    store.add_link(link("c1", "t1"))
    second = store.add_link(link("c2"))
    with pytest.raises(StoreError):
        store.save(replace(second, keys=second.keys.put(Side.TICKET, "t1")))
    assert store.links("r")[1] == second


def test_due_are_those_whose_time_has_come(store: SqliteStore, link: MakeLink) -> None:
    for name, at in (("c1", 5.0), ("c2", None), ("c3", 10.0), ("c4", 10.1)):
        store.add_link(link(name, retry_at=at))
    assert [one.keys.case for one in store.due("r", 10.0)] == ["c1", "c3"]
    assert store.due("other", 10.0) == []


def test_troubled_are_the_waiting_and_the_parked(store: SqliteStore, link: MakeLink) -> None:
    for state in LinkState:
        store.add_link(link(f"c-{state}", state=state))
    assert [one.state for one in store.troubled("r")] == [LinkState.WAITING, LinkState.PARKED]


def test_an_intent_begun_again_is_renewed_in_its_place(store: SqliteStore) -> None:
    store.begin(intent("i1"))
    store.begin(intent("i2"))
    store.begin(intent("i1", sent_at=2.0, attempts=2, announced={"status": ["a", "b"]}))
    assert [(one.id, one.sent_at, one.attempts) for one in store.intents("r/c1/None")] == [
        ("i1", 2.0, 2), ("i2", 1.0, 1)
    ]
    assert store.intents("r/c1/None")[0].announced == {"status": ["a", "b"]}
    assert store.intents("other") == []


def test_finishing_moves_link_journal_and_audit_together(
    store: SqliteStore, link: MakeLink, entry: MakeEntry
) -> None:
    kept = store.add_link(link("c1"))
    store.begin(intent("i1"), audit=[entry(kind="conflict")])
    store.begin(intent("i2"))
    done = replace(kept, state=LinkState.ACTIVE)
    store.finish(done, ["i1"], audit=[entry()])
    assert [one.id for one in store.intents(kept.id)] == ["i2"]
    assert store.links("r") == [done]
    assert [one.kind for one in store.audit()] == ["field", "conflict"]


def test_finishing_does_nothing_if_the_link_is_not_there(
    store: SqliteStore, link: MakeLink, entry: MakeEntry
) -> None:
    store.begin(intent("i1"))
    with pytest.raises(StoreError):
        store.finish(link("c9"), ["i1"], audit=[entry()])
    assert [one.id for one in store.intents("r/c1/None")] == ["i1"]
    assert store.audit() == []


def test_the_audit_is_newest_first_bounded_and_by_link(store: SqliteStore, link: MakeLink, entry: MakeEntry) -> None:
    store.save(store.add_link(link("c1")), audit=[entry(new=f"v{n}", link="l1" if n % 2 else "l2") for n in range(6)])
    assert [one.new for one in store.audit(limit=2)] == ["v5", "v4"]
    assert [one.new for one in store.audit(link="l2")] == ["v4", "v2", "v0"]
    assert store.audit(limit=1)[0] == entry(new="v5", link="l1")


def test_recent_are_the_field_values_written_since(store: SqliteStore, link: MakeLink, entry: MakeEntry) -> None:
    kept = store.add_link(link("c1"))
    entries = [
        entry(at=9.0), entry(at=10.0, meant="b"),
        entry(at=11.0, side="case", field="status", new="Closed", meant="closed"),
        entry(at=12.0, kind="comment"), entry(at=12.0, link="other"),
    ]
    store.save(kept, audit=entries)
    assert store.recent(kept.id, 10.0) == [
        Written(at=10.0, side=Side.TICKET, field="title", meant="b"),
        Written(at=11.0, side=Side.CASE, field="status", meant="closed"),
    ]


def test_notes_are_kept_until_they_are_replaced(store: SqliteStore) -> None:
    assert store.noted("success/r") is None
    store.note("success/r", {"at": 1.5})
    store.note("success/r", {"at": 2.5, "by": "\u00e9"})
    assert store.noted("success/r") == {"at": 2.5, "by": "\u00e9"}


@pytest.mark.parametrize("hostile", ["'; DROP TABLE links; --", '"', "%", "\x00", "\u202e"])
def test_text_of_strangers_is_only_text(store: SqliteStore, link: MakeLink, hostile: str) -> None:
    kept = store.add_link(link(hostile, labels=Both(case=hostile, ticket=hostile), reason=hostile))
    assert store.link_of("r", Side.CASE, hostile) == kept
    assert store.link_of("r", Side.CASE, hostile + "x") is None


def test_a_closed_store_says_so_and_closes_again(store: SqliteStore, link: MakeLink) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError):
        store.add_link(link("c1"))
    with pytest.raises(StoreError):
        store.links("r")
