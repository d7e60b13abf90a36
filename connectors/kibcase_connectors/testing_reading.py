"""What the contract says of looking: account check, change feed, snapshots."""

from __future__ import annotations

from kibcase_connectors.errors import NotFound
from kibcase_connectors.model import TITLE
from kibcase_connectors.testing_hooks import ContractHooks
from kibcase_connectors.testing_tools import expect, raises

_MOST_WALKS = 20


class ReadingContract(ContractHooks):
    """The obligations of ``check``, ``changes`` and ``read``."""

    def test_check_finds_no_problem_in_a_good_set_up(self) -> None:
        """A set-up that works has findings, and none is a problem."""
        findings = self.connector.check()
        problems = [found for found in findings if found.level == "problem"]
        expect(bool(findings) and not problems, f"check() found {problems or 'nothing at all'}")
        expect(self.writes() == 0, "check() wrote")

    def test_check_tells_of_a_bad_account(self) -> None:
        """An account that cannot work is a finding, not an error."""
        for connector in self.misconfigured():
            levels = [found.level for found in connector.check()]
            connector.close()
            expect("problem" in levels, f"a bad account gave {levels}")

    def test_changes_list_what_a_person_did(self) -> None:
        """Creating, editing and commenting are each listed after the cursor before them, with a new version."""
        cursor = self.connector.changes(None).cursor
        key = self.person_creates("Phishing mail")
        versions = set()
        for step in ("created", "retitled", "commented"):
            if step == "retitled":
                self.person_retitles(key, "Spear phishing")
            elif step == "commented":
                self.person_comments(key, "Not ours")
            self.settle()
            changes = self.connector.changes(cursor)
            listed = {item.key: item for item in changes.items}
            expect(key in listed, f"the thing was {step} and is not listed")
            expect(listed[key].version not in versions, f"the thing was {step} and its version stayed")
            expect(not listed[key].marked, "a person's thing is listed as a copy")
            versions.add(listed[key].version)
            cursor = changes.cursor

    def test_changes_leave_nothing_out_across_cursors(self) -> None:
        """However little or much time lies between two calls, and whoever makes the next one."""
        keys = [self.person_creates(f"Host {number}") for number in range(3)]
        self.settle()
        changes = self.connector.changes(None)
        expect(set(keys) <= {item.key for item in changes.items}, "None does not list everything")
        for round_, pause in enumerate((0.0, 0.0, 1.0, 0.0, 61.0, 3601.0)):
            key = keys[round_ % 3]
            self.person_retitles(key, f"Round {round_}")
            self.settle()
            changes = self.connector.changes(changes.cursor)
            expect(key in {item.key for item in changes.items}, f"round {round_}: a change is left out")
            self.pause(pause)
            self.reconnect()

    def test_changes_list_later_what_is_not_seen_at_once(self) -> None:
        """A walk that an index hides a change from does not move the cursor past it."""
        keys = [self.person_creates(f"Host {number}") for number in range(3)]
        self.settle()
        cursor = self.connector.changes(None).cursor
        for round_ in range(6):
            self.person_retitles(keys[round_ % 3], f"Round {round_}")
            at_once = self.connector.changes(cursor)
            self.settle()
            later = self.connector.changes(at_once.cursor)
            listed = {item.key for item in (*at_once.items, *later.items)}
            expect(keys[round_ % 3] in listed, f"round {round_}: a change is left out")
            cursor = later.cursor

    def test_changes_list_more_than_a_page(self) -> None:
        """All that changed since the cursor, however many."""
        cursor = self.connector.changes(None).cursor
        keys = {self.person_creates(f"Host {number}") for number in range(self.many)}
        self.settle()
        seen: set[str] = set()
        for _ in range(_MOST_WALKS):
            changes = self.connector.changes(cursor)
            seen |= {item.key for item in changes.items}
            if keys <= seen or changes.cursor == cursor:
                break
            cursor = changes.cursor
        expect(keys <= seen, f"of {len(keys)} new things, {len(keys - seen)} are never listed")

    def test_changes_survive_a_clock_that_is_an_hour_ahead(self) -> None:
        """Whatever the system's stamps are compared with."""
        self._skewed(3600.0)

    def test_changes_survive_a_clock_that_is_an_hour_behind(self) -> None:
        """Whatever the system's stamps are compared with."""
        self._skewed(-3600.0)

    def _skewed(self, seconds: float) -> None:
        self.skew(seconds)
        self.reconnect()
        key = self.person_creates("Host 1")
        self.settle()
        cursor = self.connector.changes(None).cursor
        for round_, pause in enumerate((0.0, 1.0, 90.0, 3601.0)):
            self.pause(pause)
            cursor = self.connector.changes(cursor).cursor
            self.person_retitles(key, f"Round {round_}")
            self.settle()
            changes = self.connector.changes(cursor)
            expect(key in {item.key for item in changes.items}, f"round {round_}: a change is left out")
            cursor = changes.cursor
            self.reconnect()

    def test_changes_mark_copies(self) -> None:
        """A thing that kibcase made is told from one that a person made."""
        person, copy = self.person_creates("Phishing mail"), self.copy().key
        self.settle()
        marked = {item.key: item.marked for item in self.connector.changes(None).items}
        expect((marked.get(person), marked.get(copy)) == (False, True), f"of {person} and {copy}: {marked}")

    def test_read_gives_fields_with_a_meaning(self) -> None:
        """Every field of the capabilities is there, no other, and each has a common form."""
        snapshot = self.connector.read(self.person_creates("Phishing mail"))
        expect(set(snapshot.fields) == self.connector.capabilities.fields, f"read() gives {sorted(snapshot.fields)}")
        means = {name: self.connector.mapping.canonical(name, value) for name, value in snapshot.fields.items()}
        expect(means[TITLE] == "Phishing mail", f"the title reads {means[TITLE]!r}")
        expect(not snapshot.marks, "a person's thing carries a mark")
        expect(snapshot.fields.keys() <= self.connector.mapping.codecs.keys(), "a field has no codec")
        expect(snapshot.version == self.connector.read(snapshot.key).version, "reading changes the version")

    def test_read_gives_comments_oldest_first(self) -> None:
        """All of them, in the order in which they were written, none of them a mirror."""
        key, texts = self.person_creates("Phishing mail"), [f"comment {number}" for number in range(5)]
        for text in texts:
            self.person_comments(key, text)
            self.pause(1.0)
        comments = self.stays(key).comments
        expect([each.body.strip() for each in comments] == texts, f"comments read {[each.body for each in comments]}")
        expect(not any(each.mark for each in comments), "a person's comment is read as a mirror")

    def test_what_is_gone_is_not_found(self) -> None:
        """Reading and changing it say so."""
        snapshot = self.connector.read(self.person_creates("Phishing mail"))
        self.person_deletes(snapshot.key)
        self.settle()
        with raises(NotFound):
            self.connector.read(snapshot.key)
        for action in self.changing(snapshot):
            with raises(NotFound):
                self.apply(action)
