"""The contract class fails for connectors that break the contract."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO, TypeVar

import pytest

from kibcase_connectors.actions import Action, AddComment, AddFile, Create, SetFields, SetStatus
from kibcase_connectors.api import Announce, Connector
from kibcase_connectors.errors import ConnectorError, Denied, NotFound, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.memory import MemoryConnector
from kibcase_connectors.model import Changed, Changes, File, Finding, Receipt, Snapshot
from kibcase_connectors.testing_answers import AnswersContract
from kibcase_connectors.testing_fields import FieldsContract
from kibcase_connectors.testing_files import FilesContract
from tests.connectors import test_contract_kibana as kibana
from tests.connectors import test_contract_memory as memory

Given = TypeVar("Given")


class Forgetful(MemoryConnector):
    """Lists only what is newer than the newest of the last walk but one."""

    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        return replace(found, cursor=str(int(found.cursor) + 3))


class Unmarked(MemoryConnector):
    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        return replace(found, items=tuple(replace(item, marked=False) for item in found.items))


class Grasping(MemoryConnector):
    """Finds whatever there is."""

    def find(self, mark: str) -> tuple[str, ...]:
        return tuple(item.key for item in self.changes(None).items)


class Prefixed(MemoryConnector):
    """Finds what carries a longer mark, too."""

    def find(self, mark: str) -> tuple[str, ...]:
        keys = (item.key for item in self.changes(None).items)
        return tuple(key for key in keys if any(carried.startswith(mark) for carried in self.read(key).marks))


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


class Trimming(MemoryConnector):
    """Gives files the names that it likes."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, AddFile):
            action = replace(action, name=action.name.strip())
        return super().apply(action, announce)


class Textual(MemoryConnector):
    """Takes files for text."""

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        held = io.BytesIO()
        super().fetch(key, file, held)
        into.write(held.getvalue().replace(b"\r\n", b"\n"))


class Emptyless(MemoryConnector):
    """Says that it has attached what it has not."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, AddFile) and not action.size:
            return Receipt(key=action.key)
        return super().apply(action, announce)


class NewestFiles(MemoryConnector):
    def read(self, key: str) -> Snapshot:
        found = super().read(key)
        return replace(found, files=found.files[::-1])


class ByName(MemoryConnector):
    """Keeps one file of a name."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, AddFile):
            thing = self.system.thing(action.key)
            thing.files = [each for each in thing.files if each.file.name != action.name]
        return super().apply(action, announce)


class Sloppy(MemoryConnector):
    """Passes on what there is, and nothing for what is gone."""

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        for thing in self.system.things.values():
            into.writelines(each.content for each in thing.files if each.file.key == file.key)


class Blind(MemoryConnector):
    """Takes the number of comments and the title for all that can change."""

    def read(self, key: str) -> Snapshot:
        found = super().read(key)
        return replace(found, version=self._seen(found))

    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        seen = [replace(item, version=self._seen(super(Blind, self).read(item.key))) for item in found.items]
        return replace(found, items=tuple(seen))

    @staticmethod
    def _seen(thing: Snapshot) -> str:
        return f"{thing.fields['title']}{len(thing.comments)}"


class Anonymous(MemoryConnector):
    def read(self, key: str) -> Snapshot:
        found = super().read(key)
        return replace(found, files=tuple(replace(each, author="") for each in found.files))


class Shrugging(MemoryConnector):
    """Assigns to nobody whom it does not know."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        try:
            return super().apply(action, announce)
        except Refused:
            if not isinstance(action, SetFields) or "assignee" not in action.fields:
                raise
            return super().apply(replace(action, fields={**action.fields, "assignee": ""}), announce)


class Fuzzy(MemoryConnector):
    """Takes the first account that looks like it."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        wanted = str(action.fields.get("assignee", "")) if isinstance(action, SetFields) else ""
        if isinstance(action, SetFields) and wanted:
            like = [each.email.casefold() for each in self.system.accounts if wanted in each.email.casefold()]
            action = replace(action, fields={**action.fields, "assignee": like[0] if like else wanted})
        return super().apply(action, announce)


class Halfway(MemoryConnector):
    """Writes one field after the other."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, SetFields) and len(action.fields) > 1:
            for name, value in action.fields.items():
                at = self.read(action.key).version
                receipt = super().apply(replace(action, version=at, fields={name: value}), announce)
            return receipt
        return super().apply(action, announce)


class Clinging(MemoryConnector):
    """Cannot take away what it has given."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, SetFields) and "" in action.fields.values():
            return Receipt(key=action.key, stored=dict.fromkeys(action.fields))
        return super().apply(action, announce)


class Piling(MemoryConnector):
    """Adds what is there already."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        receipt = super().apply(action, announce)
        if not isinstance(action, SetFields) or "observables" not in action.add:
            return receipt
        held = self.system.thing(action.key).fields["observables"]
        assert isinstance(held, list)
        held += [each for each in action.add["observables"] if each not in held]
        return replace(receipt, stored={"observables": list(held)})


class Replacing(MemoryConnector):
    """Writes the new elements over the old ones."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        if isinstance(action, SetFields) and "observables" in action.add:
            self.system.thing(action.key).fields["observables"] = []
        return super().apply(action, announce)


class Lax(MemoryConnector):
    """Drops the values that do not fit."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        try:
            return super().apply(action, announce)
        except Refused as error:
            assert isinstance(action, SetFields)
            kept = {name: value for name, value in action.fields.items() if name != error.field}
            return super().apply(replace(action, fields=kept), announce)


class OnePage(MemoryConnector):
    def changes(self, cursor: str | None) -> Changes:
        found = super().changes(cursor)
        return replace(found, items=found.items[-100:])


class ByItsClock(MemoryConnector):
    """Compares the system's stamps with its own clock."""

    def changes(self, cursor: str | None) -> Changes:
        now = self.system.clock()
        items = [item for item in super().changes(None).items if self._between(item, float(cursor or 0), now)]
        return Changes(items=tuple(items), cursor=str(now))

    def _between(self, item: Changed, since: float, until: float) -> bool:
        thing = self.system.thing(item.key)
        stamp = max(each.at.timestamp() for each in (thing.created, *thing.touched.values()))
        return since <= stamp <= until


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
        (Grasping, "test_a_mark_finds_its_own_thing_alone"),
        (Prefixed, "test_a_mark_finds_its_own_thing_alone"),
        (Stubborn, "test_a_lost_answer_to_a_creation_is_unknown_and_found"),
        (Optimist, "test_a_lost_answer_to_a_change_is_unknown_and_done"),
        (Trimming, "test_file_names_are_kept_or_refused"),
        (Textual, "test_a_file_is_attached_once"),
        (Textual, "test_files_of_all_sizes_keep_their_bytes"),
        (Emptyless, "test_files_of_all_sizes_keep_their_bytes"),
        (NewestFiles, "test_two_files_may_have_one_name"),
        (ByName, "test_two_files_may_have_one_name"),
        (Sloppy, "test_a_file_of_another_size_is_an_error"),
        (Sloppy, "test_what_is_gone_has_no_files"),
        (Blind, "test_files_of_a_person_are_listed_and_read"),
        (Anonymous, "test_files_of_a_person_are_listed_and_read"),
        (Blind, "test_a_file_is_attached_once"),
        (Blind, "test_an_assignment_by_a_person_is_listed_and_read"),
        (Blind, "test_an_observable_of_a_person_is_listed_and_read"),
        (Blind, "test_a_custom_field_of_a_person_is_listed_and_read"),
        (Shrugging, "test_an_unknown_assignee_is_refused"),
        (Fuzzy, "test_an_unknown_assignee_is_refused"),
        (Halfway, "test_an_unknown_assignee_is_refused"),
        (Clinging, "test_an_assignee_is_set_and_taken_away"),
        (Clinging, "test_custom_fields_are_set_and_emptied"),
        (Piling, "test_observables_are_a_set"),
        (Replacing, "test_observables_are_a_set"),
        (Replacing, "test_an_observable_of_a_person_is_listed_and_read"),
        (Lax, "test_a_value_that_does_not_fit_is_refused"),
        (Careless, "test_further_fields_at_an_old_version_are_a_conflict"),
        (Hopeful, "test_a_creation_holds_further_fields_or_leaves_them_empty"),
        (OnePage, "test_changes_list_more_than_a_page"),
        (ByItsClock, "test_changes_survive_a_clock_that_is_an_hour_ahead"),
        (ByItsClock, "test_changes_survive_a_clock_that_is_an_hour_behind"),
    ],
)
def test_a_broken_obligation_is_seen(broken: type[MemoryConnector], obligation: str) -> None:
    bites(memory.TestCases, obligation, lambda contract: broken(contract.system))


@pytest.mark.parametrize(
    ("broken", "obligation"),
    [
        (Stubborn, "test_create_carries_the_mark_at_once"),
        (Optimist, "test_create_carries_the_mark_at_once"),
        (Optimist, "test_a_comment_is_mirrored_once"),
        (Optimist, "test_a_file_is_attached_once"),
        (Forgetful, "test_changes_leave_nothing_out_across_cursors"),
    ],
)
def test_a_storm_brings_it_to_light(broken: type[MemoryConnector], obligation: str) -> None:
    seeds = range(20)
    seen = 0
    for seed in seeds:
        contract: Any = type("Broken", (memory.TestCasesInAStorm,), {"connect": lambda self: broken(self.system)})()
        contract.setup_method()
        contract.dice.seed(seed)
        try:
            getattr(contract, obligation)()
        except (AssertionError, ConnectorError):
            seen += 1
        contract.teardown_method()
    assert seen > 0, f"none of {len(seeds)} storms showed it"


class Around:
    """A connector around another one, which is broken in one way."""

    def __init__(self, inner: Connector) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def changes(self, cursor: str | None) -> Changes:
        return self._told(lambda: self._inner.changes(cursor))

    def read(self, key: str) -> Snapshot:
        return self._told(lambda: self._inner.read(key))

    def find(self, mark: str) -> tuple[str, ...]:
        return self._told(lambda: self._inner.find(mark))

    def apply(self, action: Action, announce: Announce) -> Receipt:
        return self._told(lambda: self._inner.apply(action, announce))

    def _told(self, call: Callable[[], Given]) -> Given:
        """Call; a subclass changes what comes out."""
        return call()


class Placid(Around):
    """Sees no changes where there is no answer."""

    def changes(self, cursor: str | None) -> Changes:
        try:
            return self._inner.changes(cursor)
        except (Unavailable, Denied):
            return Changes(items=(), cursor=cursor or "")


class Twice(Around):
    """Writes again if it did not work."""

    def apply(self, action: Action, announce: Announce) -> Receipt:
        try:
            return self._inner.apply(action, announce)
        except ConnectorError:
            return self._inner.apply(action, announce)


class Hasty(Around):
    """Forgets how long to wait."""

    def _told(self, call: Callable[[], Given]) -> Given:
        try:
            return call()
        except Throttled as error:
            raise Throttled(error.system, error.what) from error


class Guessing(Around):
    """Makes up how long to wait."""

    def _told(self, call: Callable[[], Given]) -> Given:
        try:
            return call()
        except Throttled as error:
            raise Throttled(error.system, error.what, retry_after=error.retry_after or 60.0) from error


class Confused(Around):
    """Takes whatever goes wrong for something else."""

    def _told(self, call: Callable[[], Given]) -> Given:
        try:
            return call()
        except Denied as error:
            raise NotFound(error.system, error.what) from error
        except Refused as error:
            raise Denied(error.system, error.what) from error


class Rash(Around):
    """Takes a system that does not answer for a thing that is gone."""

    def _told(self, call: Callable[[], Given]) -> Given:
        try:
            return call()
        except Unavailable as error:
            raise NotFound(error.system, error.what) from error


@pytest.mark.parametrize(
    ("broken", "obligation"),
    [
        (Placid, "test_a_broken_server_is_unavailable"),
        (Rash, "test_a_page_that_says_not_found_is_no_loss"),
        (Placid, "test_a_page_for_people_is_no_answer"),
        (Placid, "test_half_an_answer_is_no_answer"),
        (Placid, "test_an_answer_of_another_shape_is_no_answer"),
        (Twice, "test_a_write_to_a_broken_server_is_not_called_done"),
        (Hasty, "test_too_many_requests_are_waited_for_as_long_as_asked"),
        (Guessing, "test_too_many_requests_without_a_time_are_throttled"),
        (Confused, "test_an_account_that_is_not_let_in_is_denied"),
        (Confused, "test_a_forbidden_write_is_refused"),
    ],
)
def test_an_odd_answer_that_is_misread_is_seen(broken: type[Around], obligation: str) -> None:
    bites(kibana.TestKibana, obligation, lambda contract: broken(kibana.TestKibana.connect(contract)))


def test_every_obligation_of_the_later_parts_is_tried() -> None:
    tried = {
        str(case[1])
        for test in (test_a_broken_obligation_is_seen, test_an_odd_answer_that_is_misread_is_seen)
        for mark in vars(test)["pytestmark"] for case in mark.args[1]
    }
    owed = {name for part in (FilesContract, FieldsContract, AnswersContract) for name in vars(part)}
    assert {name for name in owed if name.startswith("test_")} <= tried


def bites(kept: type[Any], obligation: str, connect: Callable[[Any], object]) -> None:
    contract: Any = type("Broken", (kept,), {"connect": connect})()
    contract.setup_method()
    test: Callable[[], None] = getattr(contract, obligation)
    with pytest.raises((AssertionError, KeyError, ConnectorError)):
        test()
    contract.teardown_method()
