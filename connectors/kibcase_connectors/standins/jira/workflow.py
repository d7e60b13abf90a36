"""Workflows as data: statuses, and transitions with their screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CategoryKey = Literal["new", "indeterminate", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A workflow status; ``category`` is the key of its status category."""

    id: str
    name: str
    category: CategoryKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenField:
    """A field on the screen of a transition.

    ``default`` is what a required field takes when the request leaves it out (``hasDefaultValue``).
    ``listed=False`` leaves the field out of ``expand=transitions.fields`` although it can be set, and
    is demanded if ``required``: real instances do under-report.
    """

    id: str
    required: bool = False
    default: str | None = None
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """A rule that lets a transition end with 400: ``field`` must be filled once the screen was applied.

    With ``values``, its text (name of the option, of the priority...) must be one of them.
    ``on_field`` puts ``message`` into ``errors`` under the field instead of ``errorMessages``.
    """

    field: str
    message: str
    values: tuple[str, ...] = ()
    on_field: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A way from one of the statuses ``sources`` (ids; None: from any) to the status ``target``.

    ``clears`` names fields that a post function empties. ``users``, ``permission`` and ``filled`` are
    conditions, which hide the transition: from all but these user names, from those without the
    permission, from issues in which one of these fields is empty. ``validators`` show it and refuse.
    """

    id: str
    name: str
    sources: frozenset[str] | None
    target: str
    screen: tuple[ScreenField, ...] = ()
    clears: tuple[str, ...] = ()
    users: frozenset[str] | None = None
    permission: str | None = None
    filled: frozenset[str] = frozenset()
    validators: tuple[Validator, ...] = ()

    def open_to(self, username: str, status: str) -> bool:
        """Tell whether this user may take the transition from this status."""
        return (self.sources is None or status in self.sources) and (self.users is None or username in self.users)

    @property
    def conditional(self) -> bool:
        """Tell whether a condition can hide the transition."""
        return self.users is not None or self.permission is not None or bool(self.filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Statuses and transitions; a new issue has the first status.

    Raises ``ValueError`` if a transition names a status that is not there.
    """

    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        known = {status.id for status in self.statuses}
        for transition in self.transitions:
            if strangers := ({transition.target} | (transition.sources or frozenset())) - known:
                raise ValueError(f"transition {transition.name!r} names unknown statuses {sorted(strangers)}")

    def status(self, status_id: str) -> Status:
        """Give the status of that id; raises ``KeyError``."""
        for status in self.statuses:
            if status.id == status_id:
                return status
        raise KeyError(status_id)

    def open_transitions(self, username: str, status: str) -> tuple[Transition, ...]:
        """Give the transitions that this user may take from this status."""
        return tuple(each for each in self.transitions if each.open_to(username, status))


TO_DO = Status(id="10000", name="To Do", category="new")
IN_PROGRESS = Status(id="3", name="In Progress", category="indeterminate")
IN_REVIEW = Status(id="10001", name="In Review", category="indeterminate")
DONE = Status(id="10002", name="Done", category="done")

DEFAULT_WORKFLOW = Workflow(
    statuses=(TO_DO, IN_PROGRESS, IN_REVIEW, DONE),
    transitions=(
        Transition(id="11", name="Start progress", sources=frozenset({TO_DO.id}), target=IN_PROGRESS.id),
        Transition(id="21", name="Ask for review", sources=frozenset({IN_PROGRESS.id}), target=IN_REVIEW.id),
        Transition(
            id="31", name="Done", sources=frozenset({IN_REVIEW.id}), target=DONE.id,
            screen=(ScreenField(id="resolution", required=True),),
        ),
        Transition(
            id="41", name="Reopen", sources=frozenset({DONE.id}), target=IN_PROGRESS.id, clears=("resolution",)
        ),
        Transition(id="51", name="Stop progress", sources=frozenset({IN_PROGRESS.id}), target=TO_DO.id),
    ),
)
