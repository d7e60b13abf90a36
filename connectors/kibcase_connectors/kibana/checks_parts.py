"""Look at the parts of cases that not every Kibana has: assignees, observables, custom fields, files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kibcase.errors import ApiError, AuthenticationError, bounded
from kibcase_connectors.api import Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.directory import Directory
from kibcase_connectors.kibana.filenames import NAME_LIMIT, size_limit
from kibcase_connectors.kibana.files import PAGE, RIGHTS, CaseFiles
from kibcase_connectors.kibana.observed import BUILT_IN, MOST
from kibcase_connectors.kibana.offers import Offers
from kibcase_connectors.kibana.text import TAG_LIMIT, TEXT_LIMIT, TITLE_LIMIT
from kibcase_connectors.model import ASSIGNEE, CREATE, FILES, OBSERVABLES, Finding

_MIB = 1024 * 1024


def check_parts(
    access: Access, context: Context, offers: Offers, files: CaseFiles, directory: Directory
) -> Iterator[Finding]:
    """Yield a line for each part that is wanted, and one for the limits of texts."""
    limits = f"titles {TITLE_LIMIT}, texts {TEXT_LIMIT:,}, tags {TAG_LIMIT} characters; longer ones are cut visibly"
    yield _finding("ok", "lengths", limits)
    try:
        offers.learn(again=True)
    except AuthenticationError:
        raise
    except ApiError as error:
        yield _finding("problem", "parts", f"what this Kibana offers is not told: {bounded(error.message)}")
        return
    if context.wants(ASSIGNEE):
        yield _assignee(access, offers, directory)
    if context.wants(OBSERVABLES):
        yield from _observables(access, offers)
    yield from _custom(access, context, offers)
    if context.wants(FILES):
        yield _files(access, files)


def _assignee(access: Access, offers: Offers, directory: Directory) -> Finding:
    if ASSIGNEE in offers.lacking:
        return _finding("note", ASSIGNEE, f"not carried: {offers.lacking[ASSIGNEE]}")
    try:
        access.kibana.profiles.suggest("", owners=[access.config.owner], size=1)
        missing = directory.missing()
    except AuthenticationError:
        raise
    except ApiError as error:
        advice = "Give the account the privilege Cases: All (to write) or Read for this owner."
        return _finding("problem", ASSIGNEE, f"people cannot be looked up: {bounded(error.message)}. {advice}")
    if missing:
        text = f"{', '.join(missing)}: no such user, or one who has never logged in to Kibana; correct people"
        return _finding("problem", ASSIGNEE, bounded(text))
    return _finding("ok", ASSIGNEE, "the first assignee; found by e-mail among those who have logged in to Kibana")


def _observables(access: Access, offers: Offers) -> Iterator[Finding]:
    if OBSERVABLES in offers.lacking:
        yield _finding("note", OBSERVABLES, f"not carried: {offers.lacking[OBSERVABLES]}")
        return
    configured = access.config.observable_types
    types = {*BUILT_IN.values(), *configured.values()}
    try:
        known = {one.key for one in access.kibana.observables.types(owner=access.config.owner)}
    except AuthenticationError:
        raise
    except ApiError as error:
        yield _finding("problem", OBSERVABLES, f"their types cannot be read: {bounded(error.message)}")
        return
    missing = sorted(set(configured) - known)
    if missing:
        text = f"{', '.join(missing)}: Kibana has no such type for {access.config.owner}; it has {', '.join(known)}"
        yield _finding("problem", OBSERVABLES, bounded(text))
    else:
        yield _finding("ok", OBSERVABLES, f"at most {MOST} a case; types: {', '.join(sorted(types))}")
    left_out = sorted(known - set(BUILT_IN) - set(configured))
    if left_out:
        text = f"not carried: {', '.join(left_out)}; name them in observable_types to carry them"
        yield _finding("note", OBSERVABLES, bounded(text))


def _custom(access: Access, context: Context, offers: Offers) -> Iterator[Finding]:
    for name in access.config.custom:
        if not context.wants(name):
            continue
        if name in offers.lacking:
            yield _finding("problem", name, offers.lacking[name])
        else:
            found = offers.definitions[name]
            yield _finding("ok", name, f"the custom field {bounded(found.label, 60)} ({found.key}, {found.type})")
    if context.writes(CREATE):
        yield from _unfilled(access, offers)


def _unfilled(access: Access, offers: Offers) -> Iterator[Finding]:
    try:
        found = access.kibana.configuration.get(access.config.owner)
    except AuthenticationError:
        raise
    except ApiError as error:
        yield _finding("problem", "required", f"the required custom fields are not told: {bounded(error.message)}")
        return
    filled = {one.key for one in offers.definitions.values()}
    known = found.custom_fields if found is not None else ()
    unfilled = [one for one in known if one.required and one.default_value is None and one.key not in filled]
    for one in unfilled:
        text = f"{bounded(one.label, 60)} ({one.key}) must have a value, and nothing fills it: "
        yield _finding("problem", "required", text + "no case can be created. Give it a default value.")
    if not unfilled:
        yield _finding("ok", "required", "no custom field that nothing fills")


def _files(access: Access, files: CaseFiles) -> Finding:
    try:
        files.look()
    except AuthenticationError:
        raise
    except ApiError as error:
        return _finding("problem", FILES, f"cannot be read: {bounded(error.message)}. {RIGHTS}")
    most = size_limit("text/plain", access.config.max_file_size) / _MIB
    pictures = size_limit("image/png", access.config.max_file_size) / _MIB
    text = f"at most {PAGE} a case, {most:g} MiB each (images {pictures:g}), names up to {NAME_LIMIT} characters"
    return _finding("ok", FILES, text)


def _finding(level: Any, subject: str, text: str) -> Finding:
    return Finding(level=level, subject=subject, text=text)
