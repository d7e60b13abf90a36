"""The contract class fails for connectors that break the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kibcase_connectors.actions import Action, AddComment, Create, SetFields, SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, OutcomeUnknown, Unavailable
from kibcase_connectors.memory import MemoryConnector
from kibcase_connectors.model import Changes, Finding, Receipt, Snapshot
from tests.connectors import test_contract_memory as memory


class Forgetful(MemoryConnector):
    """Lists only what is newer than the newest of the last walk but one."""

    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        return replace(found, cursor=str(int(found.cursor) + 3))


class Unmarked(MemoryConnector):
    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        return replace(found, items=tuple(replace(item, marked=False) for item in found.items))


class NewestFirst(MemoryConnector):
    def read(self, key: str) -> Snapshot:
        found = super().read(key)
        return replace(found, comments=found.comments[::-1])


class Careless(MemoryConnector):
    """Writes over whatever is there."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, SetFields | SetStatus):
            action = replace(action, version=self.read(action.key).version)
        return super().apply(action, announce)


class Hopeful(MemoryConnector):
    """Reports what was sent."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        receipt = super().apply(action, announce)
        if not isinstance(action, SetFields | Create):
            return receipt
        return replace(receipt, stored={name: str(value) for name, value in action.fields.items()})


class Late(MemoryConnector):
    """Announces what it has done."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        receipt = super().apply(action, lambda _: None)
        announce({})
        return receipt


class Stubborn(MemoryConnector):
    """Writes again when no answer came."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        try:
            return super().apply(action, announce)
        except OutcomeUnknown:
            return super().apply(action, announce)


class Optimist(MemoryConnector):
    """Says of a lost answer that nothing was written."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        try:
            return super().apply(action, announce)
        except OutcomeUnknown as error:
            raise Unavailable(error.system, error.what) from error


class Doubling(MemoryConnector):
    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, AddComment):
            super().apply(action, announce)
        return super().apply(action, announce)


class Bare(MemoryConnector):
    """Lets errors of its insides out."""

    def read(self, key: str) -> Snapshot:
        try:
            return super().read(key)
        except ConnectorError as error:
            raise KeyError(key) from error


class Anxious(MemoryConnector):
    def check(self) -> list[Finding]:
        return [Finding(level="problem", subject="account", text="who am I?")]


@pytest.mark.parametrize(
    ("broken", "obligation"),
    [
        (Anxious, "test_check_finds_no_problem_in_a_good_set_up"),
        (Forgetful, "test_changes_leave_nothing_out_across_cursors"),
        (Forgetful, "test_changes_list_what_a_person_did"),
        (Unmarked, "test_changes_mark_copies"),
        (NewestFirst, "test_read_gives_comments_oldest_first"),
        (Bare, "test_what_is_gone_is_not_found"),
        (Bare, "test_only_errors_of_connectors_come_out"),
        (Hopeful, "test_create_carries_the_mark_at_once"),
        (Hopeful, "test_set_fields_reports_what_is_stored"),
        (Careless, "test_an_old_version_is_a_conflict"),
        (Doubling, "test_a_comment_is_mirrored_once"),
        (Late, "test_every_write_is_announced_before_it"),
        (Late, "test_a_raising_announcement_stops_the_request"),
        (Stubborn, "test_a_lost_answer_to_a_creation_is_unknown_and_found"),
        (Optimist, "test_a_lost_answer_to_a_change_is_unknown_and_done"),
    ],
)
def test_a_broken_obligation_is_seen(broken: type[MemoryConnector], obligation: str) -> None:
    def connect(contract: Any) -> MemoryConnector:
        return broken(contract.system)

    contract: Any = type("Broken", (memory.TestCases,), {"connect": connect})()
    contract.setup_method()
    test: Callable[[], None] = getattr(contract, obligation)
    with pytest.raises((AssertionError, KeyError)):
        test()
    contract.teardown_method()
