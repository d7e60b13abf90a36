"""Which stack version knows which request key.

Kibana refuses a request with a key that it does not know. The versions come from the release notes and
sources of the Kibana Cases plugin; those of stack 9 are estimates, for no document states them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from kibcase.errors import BadRequestError, UnsupportedByStack
from kibcase.models.status import Version

# Asked about before sending: a stack that is in use may well be older.
RECENT = {
    "extractObservables": Version(9, 2),
    "event": Version(9, 2),
    "closeReason": Version(9, 4),
    "template": Version(9, 4),
    "extended_fields": Version(9, 4),
}
# Only looked up after a refusal, so that the usual request needs no look at the version.
ESTABLISHED = {
    "severity": Version(8, 3),
    "assignees": Version(8, 5),
    "category": Version(8, 10),
    "customFields": Version(8, 12),
}
_REFUSED_KEY = re.compile(r"(?:invalid keys?|unrecognized keys?)\b(.*)", re.IGNORECASE | re.DOTALL)


def require_support(keys: Iterable[str], stack: Callable[[], Version | None]) -> None:
    """Raise ``UnsupportedByStack`` for the first of ``keys`` that the stack is too old for.

    ``stack`` gives its version, or None if it always is the newest or cannot be known; it is called only
    if there is a key of recent date.
    """
    recent = [key for key in keys if key in RECENT]
    if recent:
        _compare(recent, stack())


def explain(refusal: BadRequestError, stack: Callable[[], Version | None]) -> None:
    """Raise ``UnsupportedByStack`` if the refusal is about a key that the stack is too old for."""
    found = _REFUSED_KEY.search(refusal.message)
    named = set(re.findall(r"\w+", found[1])) if found else set()
    known = [key for key in ESTABLISHED if key in named]
    if known:
        _compare(known, stack())


def _compare(keys: Iterable[str], version: Version | None) -> None:
    for key in keys:
        needs = RECENT.get(key) or ESTABLISHED[key]
        if version is not None and version < needs:
            raise UnsupportedByStack(key, str(needs), str(version))
