"""What the contract says of answers that a system should not give, and gives; for systems that speak HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Final

from kibcase_connectors.actions import SetFields
from kibcase_connectors.errors import Denied, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.model import TITLE, Snapshot
from kibcase_connectors.testing_hooks import MARK, ContractHooks
from kibcase_connectors.testing_tools import expect, lacking, raises

_HTML: Final[Mapping[str, str]] = {"Content-Type": "text/html; charset=utf-8"}
_JSON: Final[Mapping[str, str]] = {"Content-Type": "application/json"}
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Log in</title></head><body><form>Sorry.</form></body></html>"
_BROKEN: Final = b'{"id": "10001", "fields": {"summary": "Bea'
_WAIT: Final = 7


class AnswersContract(ContractHooks):
    """What each odd answer is to come out as; needs the hooks ``answer_with`` and ``answer_normally``."""

    def test_too_many_requests_are_waited_for_as_long_as_asked(self) -> None:
        """In all spellings of ``Retry-After``, for looks and writes; nothing is written."""
        ticket = self._ready()
        for spelled in (str, lambda wait: f"{wait}.0", self._moment):
            for call in (*self._looks(ticket), self._write(ticket)):
                spelling = spelled(_WAIT)
                self.answer_with(429, headers={**_JSON, "Retry-After": spelling}, body=b"{}")
                with raises(Throttled) as caught:
                    call()
                wait = caught.error.retry_after if isinstance(caught.error, Throttled) else None
                close = wait is not None and 1 < wait <= _WAIT + 1
                expect(close, f"Retry-After: {spelling} came out as {wait} seconds")
                self.answer_normally()
                self.pause(_WAIT + 1.0)
        self._untouched(ticket)

    def test_too_many_requests_without_a_time_are_throttled(self) -> None:
        """The caller then knows that no time was given."""
        ticket = self._ready()
        for call in (*self._looks(ticket), self._write(ticket)):
            self.answer_with(429, headers=_HTML, body=_PAGE)
            with raises(Throttled) as caught:
                call()
            wait = caught.error.retry_after if isinstance(caught.error, Throttled) else 0.0
            expect(wait is None, f"no time was given and {wait} seconds came out")
            self.answer_normally()
            self.pause(_WAIT + 1.0)
        self._untouched(ticket)

    def test_a_broken_server_is_unavailable(self) -> None:
        """Never an empty result, nor a thing that is gone."""
        ticket = self._ready()
        for status in (500, 502, 503, 504):
            self._looks_raise(ticket, status, _HTML, _PAGE, Unavailable)
        self._untouched(ticket)

    def test_a_write_to_a_broken_server_is_not_called_done(self) -> None:
        """It is unavailable or unknown, and not sent again."""
        ticket = self._ready()
        for status in (500, 502, 503, 504):
            self._write_raises(ticket, status, _HTML, _PAGE, Unavailable, OutcomeUnknown)
        self._untouched(ticket)

    def test_a_page_for_people_is_no_answer(self) -> None:
        """Maintenance and log-in pages come with status 200."""
        ticket = self._ready()
        self._looks_raise(ticket, 200, _HTML, _PAGE, Unavailable, Denied)
        self._write_raises(ticket, 200, _HTML, _PAGE, Unavailable, Denied, OutcomeUnknown)
        self._untouched(ticket)

    def test_a_page_that_says_not_found_is_no_loss(self) -> None:
        """Proxies say so of a system that is down or moved: the thing itself is not gone."""
        ticket = self._ready()
        self._looks_raise(ticket, 404, _HTML, _PAGE, Unavailable, Denied)
        self._write_raises(ticket, 404, _HTML, _PAGE, Unavailable, Denied, OutcomeUnknown)
        self._untouched(ticket)

    def test_half_an_answer_is_no_answer(self) -> None:
        """JSON that breaks off."""
        ticket = self._ready()
        self._looks_raise(ticket, 200, _JSON, _BROKEN, Unavailable)
        self._write_raises(ticket, 200, _JSON, _BROKEN, Unavailable, OutcomeUnknown)
        self._untouched(ticket)

    def test_an_answer_of_another_shape_is_no_answer(self) -> None:
        """JSON that is whole and says something else."""
        ticket = self._ready()
        for body in (b'"ok"', b"null", b"42"):
            self._looks_raise(ticket, 200, _JSON, body, Unavailable, Denied)
        self._untouched(ticket)

    def test_an_account_that_is_not_let_in_is_denied(self) -> None:
        """Whatever was asked for; a thing is not taken to be gone."""
        ticket = self._ready()
        # A connector may refuse to try an account again that was turned away: each call has its own.
        for number in range(len(self._looks(ticket)) + 1):
            self.answer_with(401, headers=_JSON, body=b"{}")
            with raises(Denied):
                [*self._looks(ticket), self._write(ticket)][number]()
            self.answer_normally()
            self.reconnect()
        self._untouched(ticket)

    def test_a_forbidden_write_is_refused(self) -> None:
        """A right that is lacking for one thing does not end everything."""
        ticket = self._ready()
        self._write_raises(ticket, 403, _JSON, self.forbidden, Refused)
        self.connector.read(ticket.key)
        self._untouched(ticket)

    def _moment(self, wait: int) -> str:
        return format_datetime(self.there() + timedelta(seconds=wait), usegmt=True)

    def _ready(self) -> Snapshot:
        if type(self).answer_with is ContractHooks.answer_with:
            lacking("answer_with")
        return self.copy()

    def _looks(self, ticket: Snapshot) -> list[Callable[[], object]]:
        return [
            lambda: self.connector.changes(None), lambda: self.connector.read(ticket.key),
            lambda: self.connector.find(MARK),
        ]

    def _write(self, ticket: Snapshot) -> Callable[[], object]:
        return lambda: self.apply(SetFields(key=ticket.key, version=ticket.version, fields={TITLE: "Renamed"}))

    def _looks_raise(
        self, ticket: Snapshot, status: int, headers: Mapping[str, str], body: bytes, *due: type[BaseException]
    ) -> None:
        for number in range(len(self._looks(ticket))):
            self.answer_with(status, headers=headers, body=body)
            with raises(*due):
                self._looks(ticket)[number]()
            self.answer_normally()
            # What a connector keeps away from for a while is over by then.
            self.pause(61.0)

    def _write_raises(
        self, ticket: Snapshot, status: int, headers: Mapping[str, str], body: bytes, *due: type[BaseException]
    ) -> None:
        before = self.writes()
        self.answer_with(status, headers=headers, body=body, writes=True)
        with raises(*due):
            self._write(ticket)()
        self.answer_normally()
        sent = self.writes() - before
        expect(sent == 1, f"status {status}: {sent} writing requests were sent, not one")
        self.pause(61.0)

    def _untouched(self, ticket: Snapshot) -> None:
        after = self.stays(ticket.key)
        expect(after.fields == ticket.fields, f"{after.fields} came of requests that were not carried out")
