"""What can be wrong with the parts that a link rule may carry besides: owner, artifacts, files, custom fields."""

from __future__ import annotations

from collections.abc import Iterator

from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.model import ASSIGNEE, FILES, OBSERVABLES, Finding
from kibcase_connectors.resilient.artifacts import VALUE_LIMIT
from kibcase_connectors.resilient.config import ResilientFilter
from kibcase_connectors.resilient.files import NAME_LIMIT as FILE_NAME_LIMIT
from kibcase_connectors.resilient.findings import listed, note, offered, ok, problem
from kibcase_connectors.resilient.mapping import NAME_LIMIT
from kibcase_connectors.resilient.richtext import TEXT_LIMIT
from kibcase_connectors.resilient.site import Site


def people(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    """Look whether users can be listed, and whether those in the table of people are there."""
    try:
        directory = site.persons.directory()
    except Refused as refused:
        told = problem if ASSIGNEE in site.fields else note
        yield told("people", f"{refused} Until then owners cannot be carried, and files name their author by number.")
        return
    accounts = site.context.people.accounts(site.name)
    for account in accounts:
        found = directory.accounts(account)
        if not found:
            yield problem("people", f"there is no user {account!r}, whom the table of people names")
        elif not found[0].active:
            yield note("people", f"the user {account!r} cannot log in, and may not own incidents")
    active = sum(user.active for user in directory.users.values())
    yield ok("people", f"{active} active users, {len(accounts)} in the table of people")


def artifact_types(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    """Look whether the organisation has the artifact types that are configured."""
    if OBSERVABLES not in site.fields:
        return
    there = {one.name.casefold(): one for one in site.types().values()}
    lacking = [name for name in site.config.artifact_types if name.casefold() not in there]
    files = [name for name in site.config.artifact_types if name.casefold() in there and there[name.casefold()].file]
    for name in files:
        yield problem("artifact_types", f"artifacts of the type {name} are files, and hold no value")
    if lacking and len(lacking) == len(site.config.artifact_types):
        known = listed(sorted(one.name for one in site.types().values()))
        yield problem("artifact_types", f"the organisation has none of them; it has {known}")
    elif lacking:
        yield note("artifact_types", f"the organisation has no {', '.join(lacking)}; observables of these are refused")
    yield ok("artifact_types", f"{len(site.config.artifact_types) - len(lacking)} types hold observables")


def attachments(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    """Look how large files may be."""
    if not site.context.wants(FILES):
        return
    limit = site.client.attachment_limit()
    if limit is None:
        yield note("files", "the platform does not say how large a file may be")
    else:
        yield ok("files", f"up to {limit / 1024 / 1024:g} MB each")


def custom(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    """Look whether custom fields are there, can be carried, and offer the values that are named."""
    for name in sorted(site.fields.intersection(site.config.custom)):
        subject = f"custom.{name}"
        try:
            found = site.custom_def(name)
        except Refused as refused:
            yield problem(subject, str(refused))
            continue
        if found.choices and not found.many:
            yield from offered(subject, found, tuple(site.config.custom[name].values))
        yield ok(subject, f"{found.name} ({found.text}), {found.input_type}")


def newsfeed(site: Site, _: ResilientFilter) -> Iterator[Finding]:
    """Look whether newsfeeds can be read and understood."""
    if not site.config.newsfeed:
        return
    page = site.client.query("looking at incidents", [("id", "gt", 0)], length=1)
    if not page.incidents:
        return
    try:
        entries = site.client.news(page.incidents[0].key)
    except (NotFound, Refused) as unreadable:
        yield note("newsfeed", f"{unreadable} Who changed a field is told by the incident alone.")
        return
    if entries:
        yield ok("newsfeed", "can be read")
    else:
        yield note("newsfeed", "has no entries that kibcase understands; leave newsfeed out")


def lengths(_: Site, __: ResilientFilter) -> Iterator[Finding]:
    """Tell at what lengths texts are cut or refused; the platform documents none."""
    yield ok(
        "lengths", f"characters: names {NAME_LIMIT}, rich text {TEXT_LIMIT} of HTML (both are cut), "
        f"artifacts {VALUE_LIMIT}, names of files {FILE_NAME_LIMIT} (both are refused beyond)",
    )
