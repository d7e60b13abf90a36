"""One case to work with: remembers what it is now, and acts on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from kibcase.client.changes import is_same
from kibcase.client.limits import trimmed
from kibcase.errors import ConflictError, NothingToUpdate
from kibcase.models.attachment import Rule, UserComment
from kibcase.models.case import Case, CaseStatus

if TYPE_CHECKING:
    from kibcase.client.kibana import Kibana
    from kibcase.models.changes import Changes

_ATTEMPTS = 5


class CaseHandle:
    """One case of one space, as ``kibana.case(...)`` gives it. For one thread at a time.

    It is an active record on top of the immutable ``Case``: ``case`` is the newest state it knows of. Methods
    that change the case return the handle, so that they can be chained. A change applies to the fields that are
    known: when somebody else changed one of them it raises ``ConflictError`` and nothing is changed; ``refresh()``
    and decide again, or use ``kibana.cases.retry``. A version that moved while all fields stayed as they were (the
    case got its number, a comment, a file) is no conflict: the change is applied to the new version, up to 5 times.
    A change that is there already counts as done.

    Every method can raise the errors of ``Transport.send``.
    """

    def __init__(self, kibana: Kibana, case: Case | str) -> None:
        self._kibana = kibana
        self.id = case if isinstance(case, str) else case.id
        self._case = None if isinstance(case, str) else case

    @property
    def case(self) -> Case:
        """The case as it is now, as far as is known: read at first use and after attaching something."""
        if self._case is None:
            self._case = self._kibana.cases.get(self.id)
        return self._case

    def refresh(self) -> Self:
        """Read the case again (GET /api/cases/{id}); raises ``NotFoundError``."""
        self._case = self._kibana.cases.get(self.id)
        return self

    def update(self, **changes: Unpack[Changes]) -> Self:
        """Change fields, as ``Changes`` names them (PATCH /api/cases).

        Raises ``ConflictError``, ``LostRace``, ``LimitError``, ``UnsupportedByStack``, ``LicenseRequired``.
        """
        known = self.case
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._apply(known, changes)
            except ConflictError:
                current = self._kibana.cases.get(self.id)
                if not is_same(known, current):
                    raise
                known = current
        return self._apply(known, changes)

    def start(self) -> Self:
        """Set the status to in-progress."""
        return self.update(status=CaseStatus.IN_PROGRESS)

    def close(self, reason: str | None = None) -> Self:
        """Set the status to closed.

        ``reason`` (since stack 9.4: "false_positive", "duplicate", "true_positive", "benign_positive",
        "automated_closure", "other", or one that is configured) is written to the alerts of a case that
        syncs its alerts; it is not kept on the case. Raises ``UnsupportedByStack`` for a reason on an
        older stack, ``BadRequestError`` if the case does not sync alerts.
        """
        if reason is None:
            return self.update(status=CaseStatus.CLOSED)
        return self.update(status=CaseStatus.CLOSED, close_reason=reason)

    def reopen(self) -> Self:
        """Set the status to open."""
        return self.update(status=CaseStatus.OPEN)

    def comment(self, text: str) -> UserComment:
        """Comment on the case and return the comment; raises ``LimitError`` beyond 30,000 characters."""
        added = self._kibana.comments.add(self.id, text, self.case.owner)
        self._case = None
        return added

    def attach_alerts(
        self, alert_ids: str | Sequence[str], index: str | Sequence[str], rule: Rule | Mapping[str, Any] | None = None
    ) -> Self:
        """Attach alerts; ``index`` is one for all, or one for each; ``rule`` is {"id", "name"}.

        Raises ``LimitError``, and ``BadRequestError`` for a closed case.
        """
        self._kibana.alerts.attach(self.case, alert_ids, index, rule)
        self._case = None
        return self

    def attach_file(self, path: str | Path, *, name: str | None = None) -> Self:
        """Upload a file of this machine and attach it; ``name`` instead of its own.

        Raises ``LimitError`` for a file that Kibana would refuse, ``OSError`` if it cannot be read.
        """
        self._kibana.files.upload(self.case, Path(path), name=name)
        self._case = None
        return self

    def add_tags(self, *tags: str) -> Self:
        """Add tags that are not there yet; nothing is sent if all are."""
        return self._retag([*self.case.tags, *map(trimmed, tags)])

    def remove_tags(self, *tags: str) -> Self:
        """Take tags away; nothing is sent if none is there."""
        gone = {trimmed(tag) for tag in tags}
        return self._retag(tag for tag in self.case.tags if tag not in gone)

    def assign(self, *uids: str) -> Self:
        """Add assignees by profile uid (Platinum; ``LicenseRequired``)."""
        return self._reassign([*self._uids(), *uids])

    def unassign(self, *uids: str) -> Self:
        """Take assignees away by profile uid (Platinum; ``LicenseRequired``)."""
        return self._reassign(uid for uid in self._uids() if uid not in uids)

    def delete(self) -> None:
        """Delete the case with all that is attached (DELETE /api/cases); raises ``NotFoundError``."""
        self._kibana.cases.delete(self.id)

    def _apply(self, known: Case, changes: Changes) -> Self:
        try:
            self._case = self._kibana.cases.update(known, **changes)
        except NothingToUpdate:
            self.refresh()
        return self

    def _retag(self, wanted: Iterable[str]) -> Self:
        tags = list(dict.fromkeys(wanted))
        return self if tags == self.case.tags else self.update(tags=tags)

    def _uids(self) -> list[str]:
        return [each.uid for each in self.case.assignees]

    def _reassign(self, wanted: Iterable[str]) -> Self:
        uids = list(dict.fromkeys(wanted))
        return self if uids == self._uids() else self.update(assignees=uids)

    def __repr__(self) -> str:
        return f"CaseHandle({self.id!r}, {self._kibana!r})" if self._case is None else f"CaseHandle({self._case!r})"

    def _repr_html_(self) -> str:
        return self.case._repr_html_()
