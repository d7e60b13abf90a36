"""Look at everything that can be wrong with a Kibana side's set-up, without writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from kibcase import ApiError, AuthenticationError, Filters, InvalidAnswer, NotFoundError, PermissionDenied, Request
from kibcase.errors import bounded
from kibcase_connectors.api import Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.checks_parts import check_parts
from kibcase_connectors.kibana.config import CaseFilter
from kibcase_connectors.kibana.directory import Directory
from kibcase_connectors.kibana.files import CaseFiles
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.kibana.rights import check_rights
from kibcase_connectors.model import CREATE, SEVERITIES, STATUSES, Finding

OLDEST: Final = (8, 3)
"""The first stack whose cases have a severity, so every field that is synced."""

_NOTABLE_SECONDS: Final = 5


def check(
    access: Access, wanted: CaseFilter, context: Context, offers: Offers, files: CaseFiles, directory: Directory
) -> Iterator[Finding]:
    """Yield what was found, the account first; raises only if Kibana cannot be asked at all."""
    with access.translated("check the set-up"):
        account = _account(access)
        yield account
        if account.level == "problem":
            return
        yield from _stack(access)
        yield _licence(access)
        space = _space(access)
        yield space
        if space.level != "problem":
            yield from _cases(access, wanted)
            yield from check_parts(access, context, offers, files, directory)
            yield from check_rights(access, context, offers)
            yield _choices()
    yield from _settings(access, creates=context.writes(CREATE))


def _account(access: Access) -> Finding:
    try:
        me = _identity(access)
    except AuthenticationError as error:
        advice = "Check the user name and password, or the API key."
        return _finding("problem", "account", f"Kibana refuses the credentials: {bounded(error.message)}. {advice}")
    if me is None:
        return _finding("note", "account", "Kibana does not say whose the credentials are; they were not refused")
    name = me.get("full_name") or me.get("username") or "unknown"
    return _finding("ok", "account", f"logged in as {bounded(str(name), 80)}")


def _identity(access: Access) -> dict[str, Any] | None:
    """Ask who this is; None if Kibana will not say, raises ``AuthenticationError`` if it refuses the login."""
    try:
        return _object(access, "/internal/security/me", internal=True)
    except AuthenticationError:
        raise
    except ApiError:
        # The route is Kibana's own affair and may be missing, which says nothing of the credentials.
        with suppress(PermissionDenied, NotFoundError):
            access.kibana.cases.find(per_page=1, owner=access.config.owner)
        return None


def _stack(access: Access) -> Iterator[Finding]:
    try:
        status = access.kibana.status.get()
        version = access.kibana.status.comparable_version()
    except (AuthenticationError, PermissionDenied, NotFoundError) as error:
        yield _finding("note", "Kibana", f"its version is not told to this account ({error.status})")
        return
    number = status.version.number if status.version else "of unknown version"
    if not status.available:
        yield _finding("note", "Kibana", f"Kibana {number} calls itself {bounded(status.level, 40)}")
    elif version is not None and version < (*OLDEST, 0):
        needs = ".".join(map(str, OLDEST))
        yield _finding("problem", "Kibana", f"Kibana {number} is too old: cases have a severity since {needs}")
    else:
        yield _finding("ok", "Kibana", f"Kibana {number}, available")


def _licence(access: Access) -> Finding:
    try:
        licence = access.kibana.status.license().license
    except (ApiError, InvalidAnswer):
        return _finding("note", "licence", "not told to this account; assignees and observables need Platinum")
    if licence is None or licence.status != "active":
        return _finding("note", "licence", "Kibana knows of no active licence")
    return _finding("ok", "licence", f"{licence.type}; only assignees and observables need more than Basic")


def _space(access: Access) -> Finding:
    space = access.config.space
    try:
        found = _object(access, f"/api/spaces/space/{space}")
    except NotFoundError:
        return _finding("problem", "space", f"there is no space {space} that this account may see")
    except ApiError as error:
        return _finding("note", "space", f"this account may not look at spaces ({error.status}); reading on")
    return _finding("ok", "space", f"{space} ({bounded(str(found.get('name', space)), 80)})")


def _cases(access: Access, wanted: CaseFilter) -> Iterator[Finding]:
    owner = access.config.owner
    cases = access.kibana.cases
    try:
        total = cases.find(per_page=1, owner=owner).total
        matching = cases.find(per_page=1, **query_of(wanted, owner)).total
    except (PermissionDenied, NotFoundError) as error:
        advice = "Give the account the Kibana privilege Cases: All (to write) or Read for this owner in this space."
        yield _finding("problem", "cases", f"cannot read cases of {owner}: {bounded(error.message)}. {advice}")
        return
    yield _finding("ok", "cases", f"{total} of {owner}; the filter takes in {matching}")


def _choices() -> Finding:
    text = f"status {', '.join(STATUSES)}, each from each; severity {', '.join(SEVERITIES)}; tags are free"
    return _finding("ok", "choices", text)


def _settings(access: Access, *, creates: bool) -> Iterator[Finding]:
    if creates:
        alerts = "follow" if access.config.sync_alerts else "do not follow"
        yield _finding("note", "alerts", f"alerts {alerts} the status of cases that kibcase creates (sync_alerts)")
    seconds = round(access.offset.total_seconds())
    if abs(seconds) > _NOTABLE_SECONDS:
        off = f"Kibana's clock is {abs(seconds)} s {'behind' if seconds > 0 else 'ahead'}; this is allowed for"
        yield _finding("note", "clock", f"times are in UTC; {off}")
    else:
        yield _finding("ok", "clock", "times are in UTC; Kibana's clock agrees with ours")
    if access.config.verify is False:
        yield _finding("note", "TLS", "the certificate is not checked: anybody on the way can read along")


def query_of(wanted: CaseFilter, owner: str) -> Filters:
    """Give the search (``GET /api/cases/_find``) that finds what a filter accepts."""
    query = Filters(owner=owner)
    if wanted.tags:
        query["tags"] = wanted.tags
    if wanted.severities:
        query["severity"] = wanted.severities
    if wanted.statuses:
        query["status"] = wanted.statuses
    if wanted.categories:
        query["category"] = wanted.categories
    if wanted.created_after is not None:
        query["created_from"] = wanted.created_after
    return query


def _object(access: Access, path: str, *, internal: bool = False) -> dict[str, Any]:
    response = access.transport.send(Request(method="GET", path=path, internal=internal))
    body = response.json()
    if not isinstance(body, dict):
        raise response.invalid("not an object")
    return body


def _finding(level: Any, subject: str, text: str) -> Finding:
    return Finding(level=level, subject=subject, text=text)
