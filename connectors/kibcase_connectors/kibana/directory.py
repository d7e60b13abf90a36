"""Who the people that a case is assigned to are: Kibana's user profiles, read by id and looked up by name."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from kibcase import UserProfile
from kibcase.errors import NotFoundError, PermissionDenied
from kibcase.models.user import Assignee
from kibcase_connectors.errors import Refused
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.model import ASSIGNEE, Json
from kibcase_connectors.people import People

log = logging.getLogger(__name__)

_MOST_KNOWN: Final = 10_000
_LOGIN: Final = "Only who has logged in to Kibana's pages once can be assigned to a case."


class Directory:
    """The user profiles that were met so far, and the look-up of others.

    A person's native form is ``{"id", "name", "email", "login"}``: ``id`` is the uid of the profile.
    """

    def __init__(self, access: Access, people: People) -> None:
        self._access = access
        self._people = people
        self._known: dict[str, dict[str, Json]] = {}

    def native(self, assignees: Sequence[Assignee], *, ask: bool = True) -> Json:
        """Give the first of a case's assignees, with the ``others`` in the same form; None for nobody.

        Without ``ask`` nothing is sent, and who is not known yet is named by the uid.
        """
        if not assignees:
            return None
        if ask:
            self._meet(assignees)
        first, *others = [self._one(each) for each in assignees]
        return {**first, "others": [*others]} if others else {**first}

    def uid(self, person: str, what: str) -> str:
        """Give the uid of a person in the common form; raises ``Refused`` unless there is exactly one."""
        account = self._people.account(self._access.name, person)
        found = self._by_account(account) if account is not None else self._by_email(person)
        if len(found) != 1:
            wanted = account or person
            said = f"{len(found) or 'no'} user profile{'' if len(found) == 1 else 's'} of {wanted}"
            raise Refused(self._access.name, what, said=said, advice=_LOGIN, field=ASSIGNEE)
        self._learn(found)
        return found[0].uid

    def missing(self) -> list[str]:
        """Give the accounts of the table of people that cannot be assigned to cases."""
        return [one for one in self._people.accounts(self._access.name) if len(self._by_account(one)) != 1]

    def _by_account(self, account: str) -> list[UserProfile]:
        profiles = self._access.kibana.profiles
        by_uid = profiles.get_many([account])
        if by_uid:
            return _active(by_uid)
        named = profiles.suggest(account, owners=[self._access.config.owner])
        return _active(one for one in named if (one.user.username or "").casefold() == account.casefold())

    def _by_email(self, email: str) -> list[UserProfile]:
        named = self._access.kibana.profiles.suggest(email, owners=[self._access.config.owner])
        return _active(one for one in named if (one.user.email or "").casefold() == email.casefold())

    def _meet(self, assignees: Sequence[Assignee]) -> None:
        unknown = [one.uid for one in assignees if one.uid not in self._known and not (one.username and one.email)]
        if not unknown:
            return
        try:
            self._learn(self._access.kibana.profiles.get_many(unknown))
        except (PermissionDenied, NotFoundError) as error:
            # Their uids alone still let the table of people tell who they are.
            log.warning("%s: user profiles cannot be read: %s", self._access.name, error)

    def _one(self, assignee: Assignee) -> dict[str, Json]:
        if assignee.uid in self._known:
            return self._known[assignee.uid]
        return _person(assignee.uid, assignee.full_name, assignee.username, assignee.email)

    def _learn(self, profiles: Iterable[UserProfile]) -> None:
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        for one in profiles:
            self._known[one.uid] = _person(one.uid, one.user.full_name, one.user.username, one.user.email)


def _active(profiles: Iterable[UserProfile]) -> list[UserProfile]:
    return list({one.uid: one for one in profiles if one.enabled}.values())


def _person(uid: str, full_name: str | None, login: str | None, email: str | None) -> dict[str, Json]:
    return {"id": uid, "name": full_name or login or uid, "email": email or "", "login": login or ""}
