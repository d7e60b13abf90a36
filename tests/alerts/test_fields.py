from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kibcase.alerts import flatten, read

SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=3), st.none())
KEYS = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a.b.c", "c.a"])
LEAVES = SCALARS | st.lists(SCALARS | st.just({"x": 1}), max_size=3)
SOURCES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=4),
    lambda inner: st.dictionaries(KEYS, inner | LEAVES, max_size=4), max_leaves=12,
)  # fmt: skip
NAMES = ["a", "b", "a.b", "a.b.c", "b.c", "a.b.c.a", "c.a.b", "nobody"]


def nested(name: str, value: Any) -> dict[str, Any]:
    head, _, rest = name.partition(".")
    return {head: nested(rest, value) if rest else value}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(SOURCES)
def test_flatten_and_read_agree(source: dict[str, Any]) -> None:
    flat = flatten(source)
    assert all(read(source, name) == values != [] for name, values in flat.items())
    assert all(read(source, name) == [] for name in NAMES if name not in flat)


@given(SOURCES)
def test_values_are_never_null_and_flattening_is_stable(source: dict[str, Any]) -> None:
    flat = flatten(source)
    assert all(value is not None and not isinstance(value, list) for values in flat.values() for value in values)
    assert flatten(flat) == flat


@given(st.sampled_from(["a.b", "a.b.c", "x.y.z.w"]), st.integers(), st.integers())
def test_spellings_are_equal_and_dotted_wins(name: str, one: int, two: int) -> None:
    assert read({name: one}, name) == read(nested(name, one), name) == [one]
    assert read({**nested(name, two), name: one}, name) == [one]
    assert read({**nested(name, two), name: None}, name) == [two]


def test_both_spellings_of_one_prefix_are_merged() -> None:
    source = {"event": {"action": "logon", "code": None}, "event.kind": "signal", "process": {"hash.md5": "d"}}
    assert flatten(source) == {"event.action": ["logon"], "event.kind": ["signal"], "process.hash.md5": ["d"]}


def test_arrays_are_leaves_and_objects_in_them_stay() -> None:
    enrichment = {"matched": {"field": "source.ip"}}
    source = {"threat": {"enrichments": [enrichment]}, "host": {"ip": ["1", ["2", None]]}}
    assert read(source, "threat.enrichments") == [enrichment]
    assert read(source, "threat.enrichments.matched.field") == []
    assert read(source, "host.ip") == ["1", "2"]
    assert read(source, "host") == []
