"""What values mean: tables, texts, elements, and the laws that sync relies on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.mapping import Codec, Elements, FieldMap, Table, Text, UnmappedError
from kibcase_connectors.memory import CASE_MAP, TICKET_MAP
from kibcase_connectors.model import (
    DESCRIPTION,
    MARK_PREFIX,
    SEVERITIES,
    SEVERITY,
    STATUS,
    STATUSES,
    TAGS,
    TITLE,
    UNSET,
    Canonical,
    Json,
    Unset,
)

PRIORITY = Table(SEVERITY, {"Highest": "critical", "High": "high"}, {"critical": "Highest"}, key="name")
TEXT = Text(read=str.strip, write=lambda text: text.strip()[:5], uncut=str.strip, limit=5)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
CANONICAL: dict[str, st.SearchStrategy[Canonical]] = {
    TITLE: st.text(max_size=60), DESCRIPTION: st.text(max_size=30), STATUS: st.sampled_from(STATUSES),
    SEVERITY: st.sampled_from(SEVERITIES), TAGS: st.lists(st.text(max_size=10), max_size=4).map(tuple),
}
SCALAR = st.sampled_from([TITLE, DESCRIPTION, STATUS, SEVERITY])
SIDES = st.sampled_from([CASE_MAP, TICKET_MAP])


class TestTable:
    """A closed list of values."""

    @pytest.mark.parametrize("spelling", ["High", "high", "HIGH"])
    def test_letter_case_says_nothing(self, spelling: str) -> None:
        assert TICKET_MAP.canonical(SEVERITY, spelling) == "high"

    def test_several_meanings_may_share_one_value(self) -> None:
        assert TICKET_MAP.native(SEVERITY, "critical") == TICKET_MAP.native(SEVERITY, "high") == "High"

    @pytest.mark.parametrize("native", ["Blocker", "", None, 3, ["High"], {"name": "High"}])
    def test_what_is_not_in_the_table_has_no_meaning(self, native: Json) -> None:
        with pytest.raises(UnmappedError) as caught:
            TICKET_MAP.canonical(SEVERITY, native)
        assert caught.value.field == SEVERITY
        assert caught.value.value == native
        assert caught.value.known == ("High", "Medium", "Low")
        assert "known: High, Medium, Low" in str(caught.value)

    def test_a_meaning_that_is_not_in_the_table_cannot_be_written(self) -> None:
        with pytest.raises(UnmappedError, match="severity 'extreme' has no counterpart in the mapping"):
            TICKET_MAP.native(SEVERITY, "extreme")

    def test_an_object_is_read_by_its_key_and_written_by_its_system(self) -> None:
        assert PRIORITY.canonical({"id": "1", "name": "highest"}) == "critical"
        assert PRIORITY.canonical("Highest") == "critical"
        assert PRIORITY.native("critical") is UNSET
        with pytest.raises(UnmappedError):
            PRIORITY.canonical({"id": "1"})
        with pytest.raises(UnmappedError):
            PRIORITY.native("high")

    def test_an_object_is_the_same_as_what_it_means(self) -> None:
        fields = FieldMap({SEVERITY: PRIORITY})
        assert fields.same(SEVERITY, {"id": "1", "name": "Highest"}, "critical")
        assert not fields.same(SEVERITY, {"id": "1", "name": "Highest"}, "high")
        assert fields.same(SEVERITY, {"id": "2", "name": "High"}, "high"), "readable though not writable"

    def test_a_table_holds_no_parts(self) -> None:
        assert not PRIORITY.loses("critical")

    def test_a_long_value_does_not_flood_the_message(self) -> None:
        assert len(str(UnmappedError(STATUS, "x" * 10_000))) < 200


class TestText:
    """A text, which a side may hold only in part."""

    def test_none_is_an_empty_text(self) -> None:
        assert TEXT.canonical(None) == ""

    def test_a_text_is_cut_and_that_is_told(self) -> None:
        assert TEXT.native(" 123456 ") == "12345"
        assert TEXT.loses("123456")
        assert not TEXT.loses(" 12345 "), "white space that is not stored anyway is no loss"

    def test_a_set_is_no_text(self) -> None:
        with pytest.raises(TypeError, match="not tuple"):
            TEXT.native(("a",))
        with pytest.raises(TypeError):
            TEXT.loses(("a",))

    @given(st.text(max_size=100))
    def test_what_is_written_keeps_to_the_limit(self, text: str) -> None:
        written = TICKET_MAP.native(TITLE, text)
        assert isinstance(written, str)
        assert len(written) <= 40
        assert TICKET_MAP.loses(TITLE, text) == (written != text.strip())


def _ascii(tag: str) -> str:
    if not tag.isascii():
        raise ValueError("only ASCII")
    return tag.strip().replace(" ", "-")


LABELS = Elements(write=_ascii, key=_ascii)


class TestElements:
    """A set of short texts."""

    def test_marks_are_not_read(self) -> None:
        assert LABELS.canonical(["a", f"{MARK_PREFIX}case-1", "b", 7, None]) == ("a", "b")

    @pytest.mark.parametrize("native", [None, "a", 3, {"a": 1}])
    def test_what_is_no_list_is_empty(self, native: Json) -> None:
        assert LABELS.canonical(native) == ()

    def test_each_spelling_is_written_once(self) -> None:
        assert LABELS.native(("lab 7", "lab-7", " x ")) == ["lab-7", "x"]
        assert LABELS.native("lab 7") == ["lab-7"]

    def test_one_that_cannot_be_spelled_is_named(self) -> None:
        with pytest.raises(UnmappedError) as caught:
            LABELS.native(("a", "\u4e2d"))
        assert caught.value.value == "\u4e2d"
        assert FieldMap({TAGS: LABELS}).key(TAGS, "\u4e2d") == "\u4e2d", "and is only itself"

    @pytest.mark.parametrize("tag", ["kibcase case-7", f"{MARK_PREFIX}case-7", f" {MARK_PREFIX}case-7"])
    def test_no_element_is_written_as_a_mark(self, tag: str) -> None:
        with pytest.raises(UnmappedError):
            LABELS.native((tag,))

    def test_only_sets_have_keys_of_their_own(self) -> None:
        assert TICKET_MAP.key(TAGS, "lab 7") == "lab-7"
        assert TICKET_MAP.key(TITLE, "lab 7") == "lab 7"

    def test_nothing_is_lost(self) -> None:
        assert not LABELS.loses(("a",))


def written(fields: FieldMap, name: str, value: Canonical) -> Json:
    native = fields.native(name, value)
    assert not isinstance(native, Unset)
    return native


@given(SCALAR.flatmap(lambda name: st.tuples(st.just(name), CANONICAL[name])), SIDES)
def test_what_is_written_is_the_same(pair: tuple[str, Canonical], fields: FieldMap) -> None:
    name, value = pair
    assert fields.same(name, written(fields, name, value), value)


@given(SCALAR.flatmap(lambda name: st.tuples(st.just(name), CANONICAL[name])), SIDES)
def test_writing_what_was_read_changes_nothing_more(pair: tuple[str, Canonical], fields: FieldMap) -> None:
    """Projecting twice is projecting once."""
    name, value = pair
    once = written(fields, name, value)
    assert written(fields, name, fields.canonical(name, once)) == once


@given(CANONICAL[TAGS])
def test_elements_that_are_read_back_are_written_alike(tags: tuple[str, ...]) -> None:
    plain = tuple(tag for tag in tags if not "-".join(tag.split()).startswith(MARK_PREFIX))
    once = written(TICKET_MAP, TAGS, plain)
    assert written(TICKET_MAP, TAGS, TICKET_MAP.canonical(TAGS, once)) == once


@given(SCALAR, JSON, SIDES)
def test_a_value_from_outside_has_a_meaning_or_is_unmapped(name: str, native: Json, fields: FieldMap) -> None:
    """Whatever a system answers: nothing but a meaning or ``UnmappedError`` comes of it."""
    try:
        meaning: Canonical = fields.canonical(name, native)
    except UnmappedError as error:
        meaning = error.field
    assert isinstance(meaning, str)
    assert name in {TITLE, DESCRIPTION} or meaning in {*STATUSES, *SEVERITIES, name}


@given(st.sampled_from([TITLE, DESCRIPTION, STATUS, SEVERITY]), JSON, st.text(max_size=10), SIDES)
def test_asking_whether_values_are_the_same_never_raises(
    name: str, native: Json, meaning: str, fields: FieldMap
) -> None:
    assert fields.same(name, native, meaning) in {True, False}


def test_a_codec_of_ones_own_is_enough() -> None:
    class Upper:
        def canonical(self, native: Json) -> Canonical:
            return str(native).lower()

        def native(self, canonical: Canonical) -> Json | Unset:
            return str(canonical).upper()

        def loses(self, canonical: Canonical) -> bool:
            return False

    codec: Codec = Upper()
    fields = FieldMap({"region": codec})
    assert fields.same("region", "EU", "eu")
    assert fields.canonical("region", "EU") == "eu"
