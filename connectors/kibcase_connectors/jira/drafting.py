"""What a write asks Jira to store: native values, and the fields of the request that carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.jira import kinds
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import Account
from kibcase_connectors.model import ASSIGNEE, OBSERVABLES, Canonical, Json

_TABLE = "Name the account under people in the configuration."


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """``values`` in the form of snapshots, by the names of sync; ``fields`` as the request sends them."""

    values: dict[str, Json] = field(default_factory=dict)
    fields: dict[str, Json] = field(default_factory=dict)


def draft(site: Site, wanted: Mapping[str, Canonical], **place: str) -> Draft:
    """Turn canonical values into what to write; looks people up, who must be assignable in ``place``.

    Raises ``Refused`` for what cannot be stored; nothing has been written then.
    """
    layout = site.layout()
    values: dict[str, Json] = {}
    users: dict[str, Json] = {}
    for name, value in wanted.items():
        usable(site, name)
        if name == ASSIGNEE and isinstance(value, str) and value:
            values[name] = find_person(site, value, name, **place).native()
            continue
        found = site.native(name, value)
        kind = layout.kinds.get(name)
        if kind == "user":
            account = find_person(site, found, name) if isinstance(found, str) else None
            users[layout.names[name]] = layout.user(account.handle) if account else None
        elif kind is not None and isinstance(found, str):
            found = _spelled(site, name, kind, found)
        values[name] = found
    if OBSERVABLES in values:
        elements = values[OBSERVABLES]
        text = "\n".join(map(str, elements)) if isinstance(elements, list) else ""
        users[layout.names[OBSERVABLES]] = text_of_observables(site, text)
    return Draft(values=values, fields={**layout.written(values), **users})


def usable(site: Site, name: str) -> None:
    """Raise ``Refused`` for a field that is configured in a way that this Jira cannot serve."""
    problem = site.layout().problems.get(name)
    if problem is not None:
        # Somebody may set it right meanwhile.
        site.client.laid_out = False
        raise Refused(site.name, f"setting {name}", said=problem, field=name, advice="Correct the configuration.")


def text_of_observables(site: Site, text: str) -> Json:
    """Give what to send for the text that lists the observables. Raises ``Refused`` if it is too long."""
    return site.layout().dialect.plain_wire(_spelled(site, OBSERVABLES, "area", text))


def _spelled(site: Site, name: str, kind: kinds.Kind, text: str) -> str:
    try:
        return kinds.spelled(kind, text, site.config.text_limit)
    except ValueError as unfit:
        raise Refused(site.name, f"setting {name} to {text[:80]!r}", said=str(unfit), field=name) from unfit


def find_person(site: Site, person: str, name: str, **place: str) -> Account:
    """Give the account of a person in the common form: by the table of people, else by the exact address.

    Raises ``Refused`` for ``name`` if there is none, or more than one. Never takes an account that is merely
    alike: Jira's own search finds parts of names.
    """
    what = f"setting {name} to {person!r}"
    handle = site.context.people.account(site.name, person)
    try:
        if handle is not None:
            found = [site.client.user(handle)]
        else:
            alike = site.client.users(person, **place) if "@" in person else []
            found = [one for one in alike if one.email.casefold() == person.casefold()]
    except NotFound as unknown:
        said = f"the table of people gives the account {handle!r}, which Jira does not know"
        raise Refused(site.name, what, said=said, field=name, advice="Correct it there.") from unknown
    except Refused as refused:
        raise Refused(site.name, what, said=refused.said, field=name, advice=_TABLE) from refused
    active = {one.id: one for one in found if one.active}
    if len(active) != 1:
        said = "Jira shows no active user with just this address who may be chosen" if len(active) < 1 else (
            f"{len(active)} active users have this address"
        )
        raise Refused(site.name, what, said=said, field=name, advice=_TABLE)
    return replace(next(iter(active.values())))
