"""Which stack version knows which request key, and how a refusal is explained by the stack's age.

Kibana refuses a request with a key that it does not know. The versions come from the release notes and
sources of the Kibana Cases plugin; those of stack 9 are estimates, for no document states them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kibcase.client.endpoints import EndpointFact, endpoint_of
from kibcase.errors import (
    BadRequestError,
    EndpointNotFound,
    KibcaseError,
    NotFoundError,
    UnsupportedByStack,
)
from kibcase.models.status import Version
from kibcase.transport import Explain, Request

Stack = Callable[[], Version | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFact:
    """A key of requests: where it goes, since which stack, and the licence tier it needs if not Basic.

    ``recent`` ones are asked about before they are sent: a stack that is in use may well be older.
    The others are only looked up after a refusal, so that the usual request needs no look at the version.
    """

    key: str
    where: str
    since: Version
    licence: str = "basic"
    recent: bool = False


_ACTIVITY = {"observables": Version(8, 18), "template": Version(9, 4), "extended_fields": Version(9, 4)}

FEATURES: tuple[FeatureFact, ...] = (
    FeatureFact(key="severity", where="case", since=Version(8, 3)),
    FeatureFact(key="assignees", where="case, filter", since=Version(8, 5), licence="platinum"),
    FeatureFact(key="category", where="case, filter", since=Version(8, 10)),
    FeatureFact(key="customFields", where="case, configuration, search", since=Version(8, 12)),
    FeatureFact(key="templates", where="configuration", since=Version(8, 15)),
    FeatureFact(key="observables", where="case", since=Version(8, 18), licence="platinum", recent=True),
    FeatureFact(key="observableTypes", where="configuration", since=Version(8, 18), licence="platinum"),
    FeatureFact(key="otherFields", where="fields of .jira", since=Version(9, 1), recent=True),
    FeatureFact(
        key="additionalFields", where="fields of .servicenow, .servicenow-sir, .resilient", since=Version(9, 1),
        recent=True,
    ),
    FeatureFact(key="extractObservables", where="settings of a case", since=Version(9, 2), recent=True),
    FeatureFact(key="event", where="type of an attachment", since=Version(9, 2), recent=True),
    FeatureFact(key="reason", where="status of detection alerts", since=Version(9, 2), recent=True),
    FeatureFact(key="incremental_id.text", where="search field", since=Version(9, 2), recent=True),
    FeatureFact(key="cases-comments.comment", where="search field of _search", since=Version(9, 3), recent=True),
    FeatureFact(key="closeReason", where="update of a case", since=Version(9, 4), recent=True),
    FeatureFact(key="template", where="case", since=Version(9, 4), recent=True),
    FeatureFact(key="extended_fields", where="case", since=Version(9, 4), recent=True),
    FeatureFact(key="extendedFieldFilters", where="search", since=Version(9, 4), recent=True),
    FeatureFact(key="unified attachments", where="bulk creation of attachments", since=Version(9, 5), recent=True),
    *(
        FeatureFact(key=f"activity of type {kind}", where="search of user actions", since=since, recent=True)
        for kind, since in _ACTIVITY.items()
    ),
    FeatureFact(key="authors", where="search of user actions", since=Version(9, 5), recent=True),
    FeatureFact(key="search", where="search of user actions", since=Version(9, 5)),
)
RECENT = {fact.key: fact.since for fact in FEATURES if fact.recent}
SEARCHES_DEEP = RECENT["cases-comments.comment"]
ESTABLISHED = {fact.key: fact.since for fact in FEATURES if not fact.recent}
_REFUSED_KEY = re.compile(r"(?:invalid keys?|unrecognized keys?)\b(.*)", re.IGNORECASE | re.DOTALL)


def require_support(keys: Iterable[str], stack: Stack) -> None:
    """Raise ``UnsupportedByStack`` for the first of ``keys`` that the stack is too old for.

    ``stack`` gives its version, or None if it always is the newest or cannot be known; it is called only
    if there is a key of recent date.
    """
    recent = [key for key in keys if key in RECENT]
    if recent:
        _compare(recent, stack())


def require_activity(types: Iterable[str], stack: Stack) -> None:
    """Raise ``UnsupportedByStack`` for the first type of user actions that the stack is too old for; as above."""
    require_support([f"activity of type {kind}" for kind in types], stack)


def explain(request: Request, failure: KibcaseError, stack: Stack) -> UnsupportedByStack | None:
    """Tell whether the stack is too old, or too new, for the request that failed; None if that is not why.

    That is: 404 on an endpoint that the stack does not have, 400 for a key that it does not know.
    """
    if isinstance(failure, NotFoundError):
        fact = endpoint_of(request.method, request.path)
        return None if fact is None else _explain_missing(fact, failure, stack)
    if isinstance(failure, BadRequestError):
        return _explain_key(failure, stack)
    return None


def explainer(stack: Stack) -> Explain:
    """Build what ``Transport.explained_by`` takes; a stack that does not tell its version explains nothing."""

    def better(request: Request, failure: KibcaseError) -> KibcaseError | None:
        try:
            return explain(request, failure, stack)
        except KibcaseError:
            return None

    return better


def _explain_missing(fact: EndpointFact, failure: NotFoundError, stack: Stack) -> UnsupportedByStack | None:
    # Where a newer path is a segment below /api/cases, an older stack takes it for the id of a case.
    gated = fact.preview or fact.until is not None or fact.is_recent
    if not gated or (fact.preview and not isinstance(failure, EndpointNotFound)):
        return None
    version = stack()
    if version is None or fact.is_in(version):
        return None
    if fact.preview:
        unreleased = "It is a technical preview that no release has yet: do without."
        return UnsupportedByStack(fact.title, "newer than every release so far", str(version), advice=unreleased)
    if fact.until is not None and version >= fact.until:
        return UnsupportedByStack(fact.title, f"before {fact.until}", str(version), advice=fact.note or "Leave it out.")
    return UnsupportedByStack(fact.title, str(fact.since), str(version))


def _explain_key(refusal: BadRequestError, stack: Stack) -> UnsupportedByStack | None:
    found = _REFUSED_KEY.search(refusal.message)
    named = set(re.findall(r"[\w.-]+", found[1])) if found else set()
    known = [fact.key for fact in FEATURES if fact.key in named]
    try:
        _compare(known, stack() if known else None)
    except UnsupportedByStack as better:
        return better
    return None


def _compare(keys: Iterable[str], version: Version | None) -> None:
    for key in keys:
        needs = RECENT.get(key) or ESTABLISHED[key]
        if version is not None and version < needs:
            raise UnsupportedByStack(key, str(needs), str(version))
