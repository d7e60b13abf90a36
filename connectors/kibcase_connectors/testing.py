"""The contract of ``Connector`` as tests: inherit ``ConnectorContract``, fill in the hooks, run pytest."""

from __future__ import annotations

from kibcase_connectors.actions import AddComment, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.errors import Conflict, Refused
from kibcase_connectors.model import SETS, STATUS, STATUSES, TAGS, TITLE
from kibcase_connectors.testing_answers import AnswersContract
from kibcase_connectors.testing_faults import FaultsContract, StopError, stop
from kibcase_connectors.testing_fields import FieldsContract
from kibcase_connectors.testing_files import FilesContract
from kibcase_connectors.testing_hooks import BODY, MARK, URL
from kibcase_connectors.testing_reading import ReadingContract
from kibcase_connectors.testing_storm import StormContract
from kibcase_connectors.testing_tools import expect, only, raises, unless

__all__ = ["ConnectorContract", "StormContract"]

_WAY = ("in-progress", "closed", "open", "closed", "in-progress", "open")


class ConnectorContract(ReadingContract, FilesContract, FieldsContract, FaultsContract, AnswersContract):
    """The obligations of ``kibcase_connectors.api`` as tests.

    Inherit it under a name that begins with ``Test`` and write the hooks of ``ContractHooks``; then inherit that once
    more, with ``StormContract`` before it, to have it all with faults on. Tests are skipped only for what
    ``Connector.capabilities`` says the system cannot do, and for hooks that are not written.
    """

    def test_create_carries_the_mark_at_once(self) -> None:
        """One request makes the thing and its mark; the receipt holds what is read."""
        expect(self.connector.find(MARK) == (), "a mark that nobody carries is found")
        before = self.writes()
        receipt = self.apply(self.creation())
        self.expect_sent(before, 1, "creating is not one request")
        snapshot = self.stays(receipt.key)
        expect(MARK in snapshot.marks, "the new thing does not carry its mark")
        expect(dict(receipt.stored) == dict(snapshot.fields), f"stored {receipt.stored}, read {snapshot.fields}")
        self.pass_time(self.connector.capabilities.find_lag)
        expect(self.connector.find(MARK) == (receipt.key,), "the mark is not found within find_lag")
        for name, value in self.creation().fields.items():
            shown = snapshot.fields[name]
            if name in SETS:
                expect(self.elements(name, shown) == {*self.in_native(*value)}, f"{name} is {shown}, not {value}")
            else:
                expect(self.connector.mapping.same(name, shown, value), f"{name} is {shown!r}, not {value!r}")

    def test_a_mark_finds_its_own_thing_alone(self) -> None:
        """Neither what a person has made, nor what carries a longer mark: it would be taken for the copy."""
        self.person_creates("Another")
        self.apply(self.creation(f"{MARK}1"))
        expect(self.found() == (), "a mark that nobody carries is found")
        key = self.apply(self.creation()).key
        expect(self.found() == (key,), "a mark finds what does not carry it")

    def test_an_old_version_is_a_conflict(self) -> None:
        """And changes nothing."""
        old = self.copy()
        self.person_retitles(old.key, "Theirs")
        theirs = self.stays(old.key)
        for action in (
            SetFields(key=old.key, version=old.version, fields={TITLE: "Ours"}),
            SetStatus(key=old.key, version=old.version, status="closed"),
        ):
            with raises(Conflict):
                self.apply(action)
        expect(self.stays(old.key).version == theirs.version != old.version, "a conflict changed the thing")
        expect(self.title(old.key) == "Theirs", "a conflict changed the title")

    def test_set_fields_reports_what_is_stored(self) -> None:
        """Also where the system trims or cuts."""
        ticket = self.copy()
        for title in ("Renamed", "  blanks around  ", "long " * 400):
            receipt = self.apply(SetFields(key=ticket.key, version=ticket.version, fields={TITLE: title}))
            ticket = self.stays(ticket.key)
            expect(dict(receipt.stored) == {TITLE: ticket.fields[TITLE]}, f"stored {receipt.stored} for {title[:20]!r}")
            expect(self.connector.mapping.same(TITLE, ticket.fields[TITLE], title.strip()), "the title was not set")

    def test_set_fields_adds_to_and_takes_from_sets(self) -> None:
        """What a person added in between stays out of it; the mark stays on."""
        unless(self.has(TAGS), "no tags")
        ticket = self.copy()
        add, remove = {TAGS: self.in_native("new")}, {TAGS: self.in_native("edr")}
        action = SetFields(key=ticket.key, version=ticket.version, add=add, remove=remove)
        receipt, after = self.apply(action), self.stays(ticket.key)
        tags = self.elements(TAGS, after.fields[TAGS])
        expect(tags == {*self.in_native("apt29", "new")}, f"the tags are {tags}")
        expect(receipt.stored[TAGS] == after.fields[TAGS], f"stored {receipt.stored}, read {after.fields[TAGS]}")
        expect(MARK in after.marks, "the mark is lost")

    def test_set_status_reaches_what_it_claims(self) -> None:
        """Each status is reached from each other, by announced steps, or refused; a refusal is no half-truth."""
        unless(self.has(STATUS), "no status")
        ticket, reached = self.copy(), set()
        for status in _WAY:
            action = SetStatus(key=ticket.key, version=ticket.version, status=status)
            try:
                receipt = self.apply(action)
            except Refused:
                ticket = self.stays(ticket.key)
                continue
            ticket = self.stays(ticket.key)
            expect(receipt.stored[STATUS] == ticket.fields[STATUS], f"stored {receipt.stored} for {status}")
            meaning = self.connector.mapping.canonical(STATUS, ticket.fields[STATUS])
            expect(self.connector.mapping.same(STATUS, ticket.fields[STATUS], status), f"{status} became {meaning}")
            reached.add(status)
        expect(len(reached) > 1, f"only {reached} of {STATUSES} could be reached")

    def test_a_comment_is_mirrored_once(self) -> None:
        """With its mark, which no other comment has."""
        ticket, mark = self.copy(), f"{MARK}#1"
        self.person_comments(ticket.key, "Looking")
        written = self.apply(AddComment(key=ticket.key, mark=mark, body=BODY)).comment
        expect(written is not None, "the receipt has no comment")
        mirror = only([each for each in self.stays(ticket.key).comments if each.mark is not None])
        # The times differ by what the connector has learnt of the system's clock in between.
        same = written is not None and all(
            getattr(mirror, name) == getattr(written, name) for name in ("key", "mark", "body", "author", "digest")
        )
        expect(same and mirror.mark == mark, f"read {mirror}, reported {written}")
        expect("blocked the host" in mirror.body and mark not in mirror.body, f"the body reads {mirror.body!r}")

    def test_an_edited_mirror_stays_one_comment(self) -> None:
        """With its key and its mark, and another digest."""
        unless(self.connector.capabilities.edits_comments, "comments cannot be edited")
        ticket, mark = self.copy(), f"{MARK}#1"
        self.apply(AddComment(key=ticket.key, mark=mark, body=BODY))
        mirror = only(self.stays(ticket.key).comments)
        edit = EditComment(key=ticket.key, comment=mirror.key, mark=mark, body="freed the host")
        with raises(StopError):
            self.connector.apply(edit, stop)
        expect(only(self.stays(ticket.key).comments) == mirror, "edited though the announcement failed")
        expect(self.announced(edit) == 1, "editing a comment is not one request")
        changed = self.apply(edit).comment
        again = only(self.stays(ticket.key).comments)
        expect((again.key, again.mark) == (mirror.key, mark), "editing made another comment of it")
        expect("freed the host" in again.body and again.digest != mirror.digest, "the comment was not edited")
        expect(changed is not None and changed.digest == again.digest, "the receipt has another digest than is read")

    def test_link_back_twice_is_once(self) -> None:
        """The second changes nothing."""
        unless(self.connector.capabilities.links_back, "no links")
        ticket = self.copy()
        link = LinkBack(key=ticket.key, mark=MARK, label="case 7", url=URL)
        self.apply(link)
        once = self.stays(ticket.key)
        self.apply(link)
        expect(self.stays(ticket.key).version == once.version, "linking again changed the thing")
