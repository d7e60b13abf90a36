"""One link while it is being brought into step: what was refused, and what that has taught."""

from __future__ import annotations

from dataclasses import replace

from kibcase_connectors.actions import Action, Create, SetFields, SetStatus
from kibcase_connectors.errors import ConnectorError
from kibcase_connectors.model import ASSIGNEE, FIELDS
from kibcase_daemon.executor import FileUnavailable
from kibcase_daemon.look import Learned
from kibcase_daemon.store.api import Link, LinkState
from kibcase_daemon.sync.types import Planned

_PATIENCE = 2


class Turn:
    """One link while it is being brought into step; ``refused`` are the actions not to be tried again in this turn.

    ``passing`` tells that one of them may go well in some minutes.
    """

    def __init__(self, *, link: Link) -> None:
        self.link = link
        self.began = link.state
        self.refused: dict[str, tuple[Action, str]] = {}
        self.learned = Learned()
        self.passing = False

    @property
    def is_patient(self) -> bool:
        """Tell whether the actions that wait for a file still wait; one that is broken must not block them for ever."""
        return self.began is not LinkState.PARKED and self.link.attempts < _PATIENCE

    def refuse(self, planned: Planned, error: ConnectorError) -> None:
        """Remember that an action was refused, and what follows from it for the rest of the turn."""
        self.refused[planned.id] = (_content(planned.action), str(error))
        if isinstance(planned.action, Create):
            self.learned = replace(self.learned, without=self.learned.without | _spare(planned.action, error.field))
        if error.field == ASSIGNEE and not _further(planned.action) - {ASSIGNEE}:
            self.learned = replace(self.learned, strangers=self.learned.strangers | {planned.side.other})

    def give_up(self, planned: Planned, error: FileUnavailable) -> None:
        """Leave a file for a later turn, so that nothing waits for it in this one."""
        # Of a link that is parked for something else this failure is news; one that parked it is known to last.
        self.passing = self.passing or self.began is not LinkState.PARKED or str(error) not in self.link.reason
        self.refuse(planned, error)

    def has_refused(self, planned: Planned) -> bool:
        """Tell whether just this was refused: another value of the same field is worth another try."""
        return planned.id in self.refused and self.refused[planned.id][0] == _content(planned.action)


def _further(action: Action) -> frozenset[str]:
    named = frozenset(action.fields) if isinstance(action, Create | SetFields) else frozenset()
    return named - frozenset(FIELDS)


def _spare(action: Create, field: str | None) -> frozenset[str]:
    """Give what a refused creation can do without: the further field at fault, all of them if nobody knows which."""
    if field in FIELDS:
        return frozenset()
    further = _further(action)
    return frozenset({field}) & further if field in further else further


def _content(action: Action) -> Action:
    return replace(action, version="") if isinstance(action, SetFields | SetStatus) else action
