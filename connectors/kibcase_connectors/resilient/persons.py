"""Who is who on the platform: owners as assignees, and what authors are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from kibcase_connectors.errors import Refused
from kibcase_connectors.model import ASSIGNEE, Canonical, Json
from kibcase_connectors.people import People
from kibcase_connectors.resilient.directory import Directory, Group, User, native
from kibcase_connectors.resilient.rest import ResilientRest

RELEARN: Final = timedelta(minutes=1)
"""How long something that was looked for in vain is not asked for again."""

_STALE: Final = timedelta(hours=1)


@dataclass(slots=True)
class Asked:
    """When what was asked for; ``clock`` is the daemon's."""

    clock: Callable[[], datetime]
    times: dict[str, datetime] = field(default_factory=dict)

    def due(self, what: str, *, after: timedelta = RELEARN) -> bool:
        """Tell whether to ask for something (again), and note that it is done."""
        now = self.clock()
        if what in self.times and abs(now - self.times[what]) < after:
            return False
        self.times[what] = now
        return True


class Persons:
    """The users of one organisation, configured under ``system``; asked for when one is needed, then hourly."""

    def __init__(self, system: str, people: People, client: ResilientRest, asked: Asked) -> None:
        self._system = system
        self._people = people
        self._client = client
        self._asked = asked
        self._barred = self._groupless = False

    def directory(self, *, lacking: bool = False) -> Directory:
        """Give the users, at most an hour old; ``lacking`` tells that one was looked for in vain."""
        old = self._asked.due("directory", after=_STALE)
        return self._client.directory(again=old or (lacking and self._asked.due("directory, lacking")))

    def owner(self, held: object) -> Json:
        """Give an ``owner_id`` as the platform shows it in the form of snapshots."""
        number = held.get("id") if isinstance(held, dict) else held
        if not isinstance(number, int) or isinstance(number, bool):
            return None
        user = self.directory().users.get(number)
        who = user or self._groups().get(number) or self.directory(lacking=True).users.get(number)
        return native(number, who)

    def assignee(self, person: Canonical) -> Json:
        """Give the user for a person in the common form, by the table of people, else by e-mail address.

        Raises ``Refused`` for none and for several.
        """
        if not isinstance(person, str) or not person:
            return None
        account = self._people.account(self._system, person)

        def look(directory: Directory) -> list[User]:
            return list(directory.with_address(person) if account is None else directory.accounts(account))

        found = look(self.directory()) or look(self.directory(lacking=True))
        if len(found) == 1:
            return native(found[0].id, found[0])
        which = "several users have" if found else "no active user has" if account is None else "no user has"
        raise Refused(
            self._system, "setting the owner", said=f"{which} {account or person}", field=ASSIGNEE,
            advice="Give the user's e-mail address or id in the table of people.",
        )

    def called(self, principal: str, shown: str) -> str:
        """Give what to call a principal: by the table of people, else what the platform shows."""
        named = self._people.name_of(self._system, [principal], "")
        if named or not principal.isdigit():
            return named or shown
        user = self._user(int(principal))
        if user is None:
            return shown or f"principal {principal}"
        return self._people.name_of(self._system, [user.email], shown or user.name, user.email)

    def _groups(self) -> Mapping[int, Group]:
        """Give the groups, none if the account may not list them: owners are then told by number."""
        if self._groupless and not self._asked.due("groups, barred", after=_STALE):
            return {}
        try:
            found = self._client.groups(again=self._asked.due("groups", after=_STALE))
        except Refused:
            self._groupless = True
            self._asked.due("groups, barred")
            return {}
        self._groupless = False
        return found

    def _user(self, number: int) -> User | None:
        """Give a user, None if the account may not list them: names are then told as the platform shows them."""
        if self._barred and not self._asked.due("directory, barred", after=_STALE):
            return None
        try:
            found = self.directory().users.get(number)
        except Refused:
            self._barred = True
            self._asked.due("directory, barred")
            return None
        self._barred = False
        return found
