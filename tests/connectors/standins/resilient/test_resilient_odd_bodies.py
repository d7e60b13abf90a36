"""Whatever JSON arrives, it is carried out or refused; nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.resilient import (
    DEFAULT_CUSTOM_FIELDS,
    DEFAULT_KEYS,
    DEFAULT_SEVERITIES,
    Organization,
    ResilientProblem,
    ResilientState,
    attached,
    changing,
    query,
)
from kibcase_connectors.standins.resilient.catalog import Catalog, built_in_fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["A", "C", "Low", "html", "equals", "in", "contains", "gte", 4, 19, "name"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "name", "ids", "text", "object", "format", "content"]), inner, max_size=2),
    max_leaves=5,
)
CATALOG = Catalog(
    org=Organization(), accounts={each.id: each for each in DEFAULT_KEYS}, groups=(),
    fields=(*built_in_fields(DEFAULT_SEVERITIES, {1: "Default"}, 200), *DEFAULT_CUSTOM_FIELDS),
)
STATE = ResilientState(CATALOG, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
NAMES = st.sampled_from([each.name for each in CATALOG.fields])
PATHS = st.sampled_from([each.path for each in CATALOG.fields])


def refused_at_most(action: Callable[[], Any]) -> None:
    try:
        action()
    except (ResilientProblem, changing.Conflict, changing.Refused):
        return


@given(st.dictionaries(NAMES, JSON, max_size=3), JSON)
def test_creating(body: dict[str, Any], properties: Any) -> None:
    whole = {"name": "n", "discovered_date": 1, **body, "properties": properties}
    refused_at_most(lambda: STATE.create(5, whole))


@given(NAMES, JSON, JSON)
def test_changing(name: str, old: Any, new: Any) -> None:
    number = STATE.create(5, {"name": "n", "discovered_date": 1}).id
    body = {"changes": [{"field": name, "old_value": old, "new_value": {"object": new}}]}
    refused_at_most(lambda: STATE.patch(5, number, changing.proposals(body, CATALOG)))
    STATE.forget(number)


@given(PATHS, st.sampled_from(["equals", "in", "not_in", "not_equals", "contains", "gte", "lt"]), JSON)
def test_querying(path: str, method: str, value: Any) -> None:
    conditions = [{"field_name": path, "method": method, "value": value}]
    number = STATE.create(5, {"name": "n", "discovered_date": 1, "incident_type_ids": [19]}).id
    body = {"filters": [{"conditions": conditions}], "sorts": [{"field_name": path}]}
    refused_at_most(lambda: STATE.search(5, query.parse(body, CATALOG)))
    STATE.forget(number)


@given(JSON, JSON, JSON)
def test_attaching(one: Any, two: Any, three: Any) -> None:
    number = STATE.create(5, {"name": "n", "discovered_date": 1}).id
    body = {"text": one, "parent_id": two, "type": one, "value": two, "description": three}
    refused_at_most(lambda: attached.add_comment(STATE, 5, number, body))
    refused_at_most(lambda: attached.add_artifacts(STATE, 5, number, body))
    STATE.forget(number)
