"""What the contract says of announcements, broken connections and closing."""

from __future__ import annotations

from collections.abc import Mapping

from kibcase_connectors.errors import ConnectorError, OutcomeUnknown, Unavailable
from kibcase_connectors.model import Json
from kibcase_connectors.testing_hooks import CONTENT, MARK, ContractHooks
from kibcase_connectors.testing_tools import expect, only, raises


class StopError(Exception):
    """What a journal raises that cannot write."""


def stop(_: Mapping[str, Json]) -> None:
    """Announce nothing, as a journal that cannot write."""
    raise StopError


class FaultsContract(ContractHooks):
    """The obligations of ``apply`` when something breaks off, and of ``close``."""

    def test_every_write_is_announced_before_it(self) -> None:
        """One announcement, one request."""
        expect(self.announced(self.creation()) == 1, "creating is not one request")
        found = only(self.found())
        for number in range(len(self.changing(self.connector.read(found)))):
            expect(self.announced(self.changing(self.stays(found))[number]) > 0, f"action {number} wrote nothing")

    def test_a_raising_announcement_stops_the_request(self) -> None:
        """Its own error comes out, and nothing was sent."""
        ticket, before = self.copy(), self.writes()
        for action in (self.creation(f"{MARK}8"), *self.changing(ticket)):
            with raises(StopError):
                self.connector.apply(action, stop)
        self.expect_sent(before, 0, "the announcement failed")
        expect(self.stays(ticket.key).version == ticket.version, "something changed though the announcement failed")

    def test_a_lost_answer_to_a_creation_is_unknown_and_found(self) -> None:
        """By its mark, once."""
        self.lose_answer()
        with raises(OutcomeUnknown):
            self.apply(self.creation())
        expect(len(self.found()) == 1, "what was created without an answer is not found once")

    def test_a_lost_answer_to_a_change_is_unknown_and_done(self) -> None:
        """What was asked is there, once, when the thing is read again."""
        ticket = self.copy()
        for number in range(len(self.changing(ticket))):
            before = self.writes()
            self.lose_answer()
            with raises(OutcomeUnknown):
                self.apply(self.changing(self.stays(ticket.key))[number])
            self.expect_sent(before, 1, "a request got no answer")
        after = self.stays(ticket.key)
        expect(self.title(ticket.key) == "Renamed", "the title was not set")
        expect([each.mark for each in after.comments] == [f"{MARK}#1"], "there is not one marked comment")
        files = [(each.name, each.size) for each in after.files]
        wanted = [("beacon.txt", len(CONTENT))] if self.connector.capabilities.files else []
        expect(files == wanted, f"the files are {files}, not {wanted}")

    def test_a_lost_request_does_nothing(self) -> None:
        """And is never said to have done anything."""
        self.lose_request()
        with raises(Unavailable, OutcomeUnknown):
            self.apply(self.creation())
        expect(self.found() == (), "a thing exists that was never asked for")
        ticket = self.copy()
        for action in self.changing(ticket):
            self.lose_request()
            with raises(Unavailable, OutcomeUnknown):
                self.apply(action)
        expect(self.stays(ticket.key).version == ticket.version, "a request that never arrived changed the thing")

    def test_only_errors_of_connectors_come_out(self) -> None:
        """Of a system that does not answer; nothing is said to be written."""
        ticket = self.copy()
        self.take_down()
        for call in (
            lambda: self.connector.changes(None), lambda: self.connector.read(ticket.key),
            lambda: self.connector.find(MARK), lambda: self.apply(self.creation(f"{MARK}8")),
            lambda: self.apply(self.changing(ticket)[0]),
        ):
            with raises(ConnectorError):
                call()

    def test_closing_twice_does_no_harm(self) -> None:
        """Before and after use."""
        unused = self.connect()
        self.connector.changes(None)
        for connector in (unused, unused, self.connector, self.connector):
            connector.close()
