"""What makes a case that was read from Kibana able to act: ``case.close()`` instead of an id handed around.

A case is a value. The client that read it leaves a note of itself on it, which is no field: it is not in
dumps, not compared, not pickled and not copied, and parsing does not pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, Unpack

from kibcase.models.base import ApiModel

if TYPE_CHECKING:
    from kibcase.models.attachment import Rule, UserComment
    from kibcase.models.case import Case
    from kibcase.models.changes import Changes


class Handle(Protocol):
    """What a client can do with one case; ``kibcase.client.handles.CaseHandle`` tells what each method does."""

    @property
    def case(self) -> Case:
        """The case as it is now, as far as is known."""

    def refresh(self) -> Handle:
        """Read the case again."""

    def update(self, **changes: Unpack[Changes]) -> Handle:
        """Change fields, given by name."""

    def start(self) -> Handle:
        """Set the status to in-progress."""

    def close(self, reason: str | None = None) -> Handle:
        """Set the status to closed."""

    def reopen(self) -> Handle:
        """Set the status to open."""

    def comment(self, text: str) -> UserComment:
        """Comment."""

    def attach_alerts(
        self, alert_ids: str | Sequence[str], index: str | Sequence[str], rule: Rule | Mapping[str, Any] | None = None
    ) -> Handle:
        """Attach alerts."""

    def attach_file(self, path: str | Path) -> Handle:
        """Attach a file."""

    def add_tags(self, *tags: str) -> Handle:
        """Add tags."""

    def remove_tags(self, *tags: str) -> Handle:
        """Take tags away."""

    def assign(self, *uids: str) -> Handle:
        """Add assignees."""

    def unassign(self, *uids: str) -> Handle:
        """Take assignees away."""


class Home(Protocol):
    """A client that makes handles; ``Kibana`` is one."""

    def case(self, case: Case) -> Handle:
        """Give the handle of a case that was read."""


class ActiveCase(ApiModel):
    """The acting half of ``Case``.

    Every method works on the case that this value was read from and returns it as it is afterwards; the
    value itself never changes. What was done through this value is taken into account by the next call on
    it. A version that moved in the meantime is no conflict as long as all fields that can be changed are as they
    were; what others changed raises ``ConflictError``. Methods raise ``RuntimeError`` on a case that no client has read
    (built by hand, copied, unpickled): use ``kibana.case(case)`` then.
    """

    __slots__ = ("_handle", "_home")

    def close(self, reason: str | None = None) -> Case:
        """Close the case; ``reason`` ("false_positive", ...; stack 9.4) also goes to its synced alerts."""
        return self._act().close(reason).case

    def reopen(self) -> Case:
        """Set the status to open."""
        return self._act().reopen().case

    def start(self) -> Case:
        """Set the status to in-progress."""
        return self._act().start().case

    def update(self, **changes: Unpack[Changes]) -> Case:
        """Change fields, as ``kibcase.Changes`` names them."""
        return self._act().update(**changes).case

    def comment(self, text: str) -> UserComment:
        """Comment on the case (Markdown of at most 30,000 characters) and return the comment."""
        return self._act().comment(text)

    def attach_alerts(
        self, alert_ids: str | Sequence[str], index: str | Sequence[str], rule: Rule | Mapping[str, Any] | None = None
    ) -> Case:
        """Attach alerts; ``index`` is one for all or one for each."""
        return self._act().attach_alerts(alert_ids, index, rule).case

    def attach_file(self, path: str | Path) -> Case:
        """Upload a file and attach it."""
        return self._act().attach_file(path).case

    def add_tags(self, *tags: str) -> Case:
        """Add tags that are not there yet."""
        return self._act().add_tags(*tags).case

    def remove_tags(self, *tags: str) -> Case:
        """Take tags away."""
        return self._act().remove_tags(*tags).case

    def assign(self, *uids: str) -> Case:
        """Add assignees, by profile uid (Platinum)."""
        return self._act().assign(*uids).case

    def unassign(self, *uids: str) -> Case:
        """Take assignees away, by profile uid (Platinum)."""
        return self._act().unassign(*uids).case

    def refresh(self) -> Case:
        """Read the case again."""
        return self._act().refresh().case

    def bound(self, home: Home) -> Self:
        """Note which client the case was read by; gives the case itself."""
        object.__setattr__(self, "_home", home)
        return self

    def _act(self) -> Handle:
        handle: Handle | None = getattr(self, "_handle", None)
        if handle is None:
            home: Home | None = getattr(self, "_home", None)
            if home is None:
                raise RuntimeError("no client has read this case; use kibana.case(case) and act on that")
            handle = home.case(self)  # type: ignore[arg-type]  # Case is the one class made of this half
            object.__setattr__(self, "_handle", handle)
        return handle
