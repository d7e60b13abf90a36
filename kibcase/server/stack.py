"""Which Elastic stack the embedded server plays, and what that stack offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

License = Literal["basic", "gold", "platinum", "enterprise", "trial"]

RELEASES = ("8.17", "8.18", "8.19", "9.0", "9.1", "9.2", "9.3", "9.4", "9.5", "9.6")
"""The releases that the server can play, each with all its patch versions."""

LICENSES: tuple[License, ...] = get_args(License)
"""The licences that the server can play."""

_PLATINUM = frozenset({"platinum", "enterprise", "trial"})


def full_version(text: str) -> str:
    """Complete a short version: ``9.2`` is ``9.2.0``; anything else is given back as it is."""
    return f"{text}.0" if re.fullmatch(r"\d+\.\d+", text) else text


@dataclass(frozen=True)
class Stack:
    """One stack version under one licence; each property names a difference in Kibana's behaviour.

    Raises ``ValueError`` if ``version`` is not of the form ``9.2.0`` (``9.2.0-SNAPSHOT`` is allowed too) or not of
    one of the ``RELEASES``, or if ``license`` is none of the ``LICENSES``.
    """

    version: str = "9.2.0"
    license: License = "trial"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+\.\d+(-SNAPSHOT)?", self.version):
            raise ValueError(
                f"not a stack version: {self.version[:40]!r}; expected something like '9.2.0', of {', '.join(RELEASES)}"
            )
        if ".".join(map(str, self.release)) not in RELEASES:
            raise ValueError(f"stack {self.version[:40]} cannot be played, only {', '.join(RELEASES)}")
        if self.license not in LICENSES:
            raise ValueError(f"not a licence: {str(self.license)[:40]!r}; there are {', '.join(LICENSES)}")

    @cached_property
    def release(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @cached_property
    def restricts_internal(self) -> bool:
        """Internal routes need ``x-elastic-internal-origin`` (9.0)."""
        return self.release >= (9, 0)

    @cached_property
    def has_deprecated_reads(self) -> bool:
        """``includeComments``, ``GET comments``, ``GET user_actions`` and ``GET /api/cases/status`` exist (8.x)."""
        return self.release < (9, 0)

    @cached_property
    def has_observables(self) -> bool:
        """Cases carry ``observables`` and the configuration ``observableTypes`` (8.18)."""
        return self.release >= (8, 18)

    @cached_property
    def has_connector_extras(self) -> bool:
        """Connector fields may hold ``otherFields`` or ``additionalFields`` (9.1)."""
        return self.release >= (9, 1)

    @cached_property
    def has_timings(self) -> bool:
        """``in_progress_at``, ``time_to_*``, event attachments, incremental ids, ``extractObservables`` (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def counts_observables(self) -> bool:
        """Cases carry ``total_observables`` (9.3)."""
        return self.release >= (9, 3)

    @cached_property
    def has_assign_privilege(self) -> bool:
        """Changing assignees takes a privilege of its own (8.18)."""
        return self.release >= (8, 18)

    @cached_property
    def has_close_reason(self) -> bool:
        """PATCH takes ``closeReason`` and answers with ``updateSummary`` (9.4)."""
        return self.release >= (9, 4)

    @cached_property
    def names_deprecated_connectors(self) -> bool:
        """The actions API tells of connector types whether they are deprecated (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def has_bulk_observables(self) -> bool:
        """``observables/_bulk_create`` exists (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def has_bulk_observable_delete(self) -> bool:
        """``observables/_bulk_delete`` exists (9.6)."""
        return self.release >= (9, 6)

    @cached_property
    def has_agent_observables(self) -> bool:
        """Agent ids are a built-in observable type, and host names are labelled ``Host name`` (9.3)."""
        return self.release >= (9, 3)

    @cached_property
    def extracts_observables(self) -> bool:
        """The server itself extracts observables from attached alerts and events (9.4.3)."""
        return self.patch_release >= (9, 4, 3)

    @cached_property
    def patch_release(self) -> tuple[int, int, int]:
        """Major, minor and patch version."""
        major, minor, patch = self.version.removesuffix("-SNAPSHOT").split(".")
        return int(major), int(minor), int(patch)

    @cached_property
    def searches_attachments(self) -> bool:
        """``_search`` looks into comments, alert ids, observables and custom fields (9.3)."""
        return self.release >= (9, 3)

    @cached_property
    def finds_cases_by_documents(self) -> bool:
        """``_find_containing_all`` takes ``documentIds`` in the place of ``alertIds`` (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def has_alert_reasons(self) -> bool:
        """The detection alerts API takes a ``reason`` for closing (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def has_alert_privileges(self) -> bool:
        """The detection alerts API has privileges of its own, ``alerts-read`` and ``alerts-all`` (9.4)."""
        return self.release >= (9, 4)

    @cached_property
    def has_activity_totals(self) -> bool:
        """The statistics of user actions count deletions apart (9.2)."""
        return self.release >= (9, 2)

    @cached_property
    def tells_comments_from_edits(self) -> bool:
        """The statistics count creations of comments apart, and the filter ``user`` leaves out their edits (9.4)."""
        return self.release >= (9, 4)

    @cached_property
    def searches_activity(self) -> bool:
        """User actions may be found by author and by text (9.5)."""
        return self.release >= (9, 5)

    @cached_property
    def names_assignees(self) -> bool:
        """Assignees are stored with ``username``, ``full_name`` and ``email`` of their profiles (9.5)."""
        return self.release >= (9, 5)

    @cached_property
    def has_unified_attachments(self) -> bool:
        """Attachments are kept in the unified shapes: internal ``/api/cases/{id}/attachments``, new types (9.5).

        9.5 is the first release whose ``xpack.cases.attachments.enabled`` is true by default.
        """
        return self.release >= (9, 5)

    @cached_property
    def pushes_host_actions(self) -> bool:
        """A push tells of hosts that were isolated and released, as of comments (until 9.4)."""
        return not self.has_unified_attachments

    @cached_property
    def has_bulk_comment_delete(self) -> bool:
        """``POST comments/_bulk_delete`` exists (9.5)."""
        return self.release >= (9, 5)

    @cached_property
    def refuses_remote_documents(self) -> bool:
        """Alerts and events of remote clusters, and events that do not exist, cannot be attached (9.5.3)."""
        return self.patch_release >= (9, 5, 3)

    @cached_property
    def has_extended_fields(self) -> bool:
        """Create and PATCH know ``template`` and ``extended_fields`` (9.4)."""
        return self.release >= (9, 4)

    @cached_property
    def has_templates(self) -> bool:
        """Templates v2, the field library and what follows from them: the feature is on (9.5)."""
        return self.release >= (9, 5)

    @cached_property
    def is_platinum(self) -> bool:
        """Assignees may be set and filtered by."""
        return self.license in _PLATINUM
