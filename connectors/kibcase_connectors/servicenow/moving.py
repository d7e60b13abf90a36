"""Bringing a record to a status, by as many moves as its process needs."""

from __future__ import annotations

import logging

from kibcase_connectors.actions import SetStatus
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, Refused
from kibcase_connectors.model import STATUS, STATUSES, Receipt
from kibcase_connectors.servicenow.differences import compared
from kibcase_connectors.servicenow.failures import MoveRefused
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.states import STEPS, TRIES
from kibcase_connectors.servicenow.wire import Record

_ON_HOLD = "3"
_log = logging.getLogger(__name__)


def set_status(site: Site, action: SetStatus, announce: Announce) -> Receipt:
    """Change the state until it means ``action.status``.

    Raises ``Refused`` if the instance allows no way; the message says where the record stands then.
    """
    if action.status not in STATUSES:
        raise Refused(site.name, f"setting the status {action.status!r}", said="no such status", field=STATUS)
    record = site.unchanged(action.key, action.version)
    journey = _Journey(site, record, action.status, announce)
    while journey.meaning != action.status:
        try:
            journey.step()
        except ConnectorError as error:
            if isinstance(error, Refused) and len(journey.way) == 1 and journey.meaning == "closed":
                raise _shut(site, record, error) from error
            if len(journey.way) > 1:
                raise _standing(error, " -> ".join(journey.way)) from error
            raise
    return Receipt(
        key=record.sys_id, label=record.number, url=site.browse(record.sys_id),
        stored={STATUS: journey.record["state"]},
    )


def _shut(site: Site, record: Record, error: Refused) -> Refused:
    # What ServiceNow says of it (an access control, no such move) sounds as if rights would help.
    return Refused(
        site.name, f"reopening {record.number}, which is in state {record['state']}", said=error.said, field=STATUS,
        advice="What is closed is often read-only for good. Close the case again, or go on in a new record.",
    )


def _standing(error: ConnectorError, moved: str) -> ConnectorError:
    return error.about(f"{error.what} (its state went {moved} and stays there)")


class _Journey:
    """One record on its way: where it stands, where it was, what was tried."""

    def __init__(self, site: Site, record: Record, status: str, announce: Announce) -> None:
        self._site = site
        self._model = site.model
        self._status = status
        self._announce = announce
        self._tries = 0
        self.record = record
        self.way = [record["state"]]

    @property
    def meaning(self) -> str | None:
        """What the present state means, None if nobody knows."""
        return self._model.meanings.get(self.record["state"])

    def step(self) -> None:
        """Make one move: the first of the candidates that the instance allows."""
        here, why = self.record["state"], "no move is left to try"
        options = self._model.candidates(here, self._status, visited=self.way, refused=self._site.learnt.refused)
        for state in options if len(self.way) <= STEPS else ():
            if self._tries >= TRIES:
                break
            self._tries += 1
            try:
                self._move(state)
            except MoveRefused as refused:
                self._site.learnt.refused.add((here, state))
                why = refused.said
            else:
                self.way.append(self.record["state"])
                return
        raise Refused(
            self._site.name, f"bringing {self.record.number} from state {here} to {self._status}", said=why,
            field=STATUS, advice="Say in states, targets and order how the process goes, or let the account do this.",
        )

    def _move(self, state: str) -> None:
        columns = {"state": state, **self._filled(state)}
        self._announce({STATUS: state})
        before, self.record = self.record, self._site.client.change(
            self._site.table, self.record, columns, self._site.answered
        )
        if self.record["state"] == before["state"]:
            said = f"ServiceNow took no notice of state {state}"
            raise MoveRefused(self._site.name, f"changing {before.number}", said=said, field=STATUS)
        if dropped := compared(columns, before.values, self.record.values).dropped:
            _log.warning("%s: with the state of %s, ServiceNow did not store: %s", self._site.name, before.number,
                         ", ".join(dropped))

    def _filled(self, state: str) -> dict[str, str]:
        """Give what the data policies of a base system ask for with a state; what is there already is kept."""
        config, values = self._site.config, {}
        if self._model.meanings.get(state) == "closed":
            values = {"close_code": config.close_code or "", "close_notes": config.close_notes}
        elif config.table == "incident" and state == _ON_HOLD:
            values = {"hold_reason": config.hold_reason or ""}
        return {name: value for name, value in values.items() if value and not self.record[name]}
