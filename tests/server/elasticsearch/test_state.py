"""What cases do to alerts, without HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kibcase.server.database import Database
from kibcase.server.elasticsearch.state import AlertState, TooManyCases

ALIAS = ".alerts-security.alerts-default"
INDEX = ".internal.alerts-security.alerts-default-000001"
STATUS = "kibana.alert.workflow_status"
STAMP = "kibana.alert.workflow_status_updated_at"
REASON = "kibana.alert.workflow_reason"
CASES = "kibana.alert.case_ids"


def put(state: AlertState, identifier: str, index: str = ALIAS, /, **source: Any) -> tuple[str, str]:
    written = state.documents.put(index, identifier, source)
    return written.index, written.id


def source(state: AlertState, target: tuple[str, str]) -> dict[str, Any]:
    found = state.get(*target)
    assert found is not None
    return found.source


def test_status_changes_only_what_differs(state: AlertState) -> None:
    opened, closed = put(state, "1", **{STATUS: "open"}), put(state, "2", **{STATUS: "closed", REASON: "duplicate"})
    gone, nowhere = (INDEX, "9"), ("no-such-index", "1")
    targets = [opened, closed, gone, nowhere, ("", "1"), (INDEX, "\ud800"), opened]
    before = state.get(*closed)
    assert state.set_workflow_status(targets, "closed", reason="false_positive") == 1
    assert source(state, opened) == {STATUS: "closed", STAMP: "2026-03-01T12:00:00.000Z", REASON: "false_positive"}
    assert state.get(*closed) == before


def test_leaving_closed_drops_the_reason(state: AlertState) -> None:
    target = put(state, "1", **{STATUS: "closed", REASON: "duplicate"})
    assert state.set_workflow_status([target], "open", reason="ignored", stamp=False) == 1
    assert source(state, target) == {STATUS: "open"}


def test_only_the_dotted_status_counts(state: AlertState) -> None:
    nested = put(state, "1", kibana={"alert": {"workflow_status": "open"}})
    legacy = put(state, "2", signal={"status": "open", "rule": {"name": "x"}})
    assert state.set_workflow_status([nested, legacy], "acknowledged") == 1
    assert source(state, nested) == {"kibana": {"alert": {"workflow_status": "open"}}}
    assert source(state, legacy) == {"signal": {"status": "acknowledged", "rule": {"name": "x"}}}


def test_alias_targets_reach_the_concrete_index(state: AlertState) -> None:
    put(state, "1", **{STATUS: "open"})
    assert state.set_workflow_status([(ALIAS, "1")], "closed") == 1


def test_writes_move_seq_no_and_version(state: AlertState) -> None:
    target = put(state, "1", **{STATUS: "open"})
    state.set_workflow_status([target], "closed")
    state.set_workflow_status([target], "closed")
    found = state.get(*target)
    assert found is not None
    assert (found.seq_no, found.version) == (1, 2)


def test_case_ids_are_a_union_and_are_removed(state: AlertState) -> None:
    target = put(state, "1", **{CASES: "scalar"})
    state.add_case_id([target, target, (INDEX, "gone")], "c1")
    state.add_case_id([target], "c1")
    assert source(state, target)[CASES] == ["scalar", "c1"]
    state.remove_case_id([target], "scalar")
    state.remove_case_id([target], "unknown")
    assert source(state, target)[CASES] == ["c1"]


def test_eleventh_case_is_refused_and_nothing_is_written(state: AlertState) -> None:
    free, full = put(state, "1"), put(state, "2", **{CASES: [f"c{n}" for n in range(10)]})
    with pytest.raises(TooManyCases, match="You cannot attach more than 10 cases to an alert"):
        state.add_case_id([free, full], "c10")
    assert CASES not in source(state, free)
    # Kibana counts stored plus new ids without looking whether they are equal.
    with pytest.raises(TooManyCases):
        state.add_case_id([full], "c3")


def test_remove_everywhere_sweeps_alert_aliases(state: AlertState) -> None:
    here = put(state, "1", **{CASES: ["c1", "c2", "keep"]})
    there = put(state, "2", ".alerts-observability.apm.alerts-soc", **{CASES: ["c1"]})
    mention = put(state, "3", note="c1")
    elsewhere = put(state, "4", "plain", **{CASES: ["c1"]})
    state.remove_case_everywhere(["c1", "c2"])
    assert source(state, here)[CASES] == ["keep"]
    assert source(state, there)[CASES] == []
    assert source(state, mention) == {"note": "c1"}
    assert source(state, elsewhere)[CASES] == ["c1"]


def test_read_keeps_the_order_of_the_targets(state: AlertState) -> None:
    targets = [put(state, name) for name in "cab"]
    assert [found.id for _, found in state.read([*targets, (INDEX, "zz")])] == ["c", "a", "b"]


def test_everything_survives_in_the_file(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "data.sqlite"
    first = Database(path)
    target = put(AlertState(first, clock), "1", **{STATUS: "open"})
    first.close()
    second = Database(path)
    state = AlertState(second, clock)
    assert state.set_workflow_status([target], "closed") == 1
    assert state.indices.aliases()[0].name == ALIAS
    second.close()


def test_an_outer_transaction_takes_it_all_back(state: AlertState, database: Database) -> None:
    target = put(state, "1", **{STATUS: "open"})

    def fail() -> None:
        with database.transaction():
            state.set_workflow_status([target], "closed")
            put(state, "2", ".alerts-stack.alerts-default")
            raise RuntimeError("the case could not be stored")

    with pytest.raises(RuntimeError):
        fail()
    assert source(state, target) == {STATUS: "open"}
    assert len(state.indices.aliases()) == 1
