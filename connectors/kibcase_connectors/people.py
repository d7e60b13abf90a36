"""Who is who in which system: a table of people, and the assignee as a field; pure.

A person's common form is the e-mail address in lower case, or for one without an address the name in the
table. A side's own form is ``{"id", "name", "email"}`` (``email`` may be "" where the system hides it), or
None for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import ASSIGNEE, UNSET, Canonical, Json, Unset


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person: the name that others read, the e-mail address, and the account per system.

    ``accounts`` is by the configured name of the system; its values are what that system takes to name an
    account (Jira's account id or user name, Kibana's user name or profile id, ServiceNow's user name or
    sys_id, Resilient's e-mail address or user id).
    """

    name: str
    email: str = ""
    accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key(self) -> str:
        """The person's common form."""
        return self.email.casefold() or self.name


class People:
    """The people that a configuration names; others are known by their e-mail address alone."""

    def __init__(self, persons: Iterable[Person] = ()) -> None:
        self._persons = tuple(persons)
        self._by_key = {person.key: person for person in self._persons}
        self._by_account = {
            (system, account.casefold()): person
            for person in self._persons for system, account in person.accounts.items()
        }

    def known(self, system: str, accounts: Iterable[str], email: str = "") -> Person | None:
        """Give the person behind any of these account names of a system, or behind an e-mail address."""
        for account in accounts:
            person = self._by_account.get((system, account.casefold()))
            if person is not None:
                return person
        return self._by_key.get(email.casefold()) if email else None

    def name_of(self, system: str, accounts: Iterable[str], shown: str, email: str = "") -> str:
        """Give what to call an account's person: the name in the table, else what the system shows."""
        person = self.known(system, accounts, email)
        return shown if person is None else person.name

    def account(self, system: str, person: str) -> str | None:
        """Give the account in a system of a person in the common form, None if the table has none."""
        found = self._by_key.get(person)
        return None if found is None else found.accounts.get(system)

    def accounts(self, system: str) -> tuple[str, ...]:
        """Give the accounts in a system that the table names, so that a check can see whether they exist."""
        return tuple(person.accounts[system] for person in self._persons if system in person.accounts)


NOBODY: Final = People()
"""An empty table."""


@dataclass(frozen=True, slots=True)
class PersonCodec:
    """One person as a scalar field of the system with this configured name; "" is nobody.

    What a write stores is known only after a look-up in the system's directory, so ``native`` of a person is
    UNSET. The connector looks ``People.account`` up first, then an active user with just this e-mail address;
    with none, or several, it raises ``Refused`` for the field.
    """

    system: str
    people: People
    field: str = ASSIGNEE

    def canonical(self, native: Json) -> Canonical:
        """Give the person; raises ``UnmappedError`` for an account without a known address or entry."""
        if native is None:
            return ""
        value = native if isinstance(native, dict) else {}
        shown, email = str(value.get("name") or value.get("id")), str(value.get("email") or "")
        person = self.people.known(self.system, [str(value.get("id")), str(value.get("login") or "")], email)
        if person is not None:
            return person.key
        if "@" in email:
            return email.casefold()
        raise UnmappedError(self.field, shown)

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give None for nobody; raises ``UnmappedError`` for a person with neither account nor address."""
        if not isinstance(canonical, str):
            raise TypeError(f"{self.field} is one person, not {canonical!r}")
        if not canonical:
            return None
        if "@" not in canonical and self.people.account(self.system, canonical) is None:
            raise UnmappedError(self.field, canonical)
        return UNSET

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a person has no partial values."""
        return False
