"""Which Elastic stack the embedded server plays, and what that stack offers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

License = Literal["basic", "gold", "platinum", "enterprise", "trial"]

_PLATINUM = frozenset({"platinum", "enterprise", "trial"})


@dataclass(frozen=True)
class Stack:
    """One stack version under one licence; each property names a difference in Kibana's behaviour.

    Raises ``ValueError`` if ``version`` is not of the form ``9.2.0`` (``9.2.0-SNAPSHOT`` is allowed too).
    """

    version: str = "9.2.0"
    license: License = "trial"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+\.\d+(-SNAPSHOT)?", self.version):
            raise ValueError(f"not a stack version: {self.version!r}; expected something like '9.2.0'")

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
    def has_close_reason(self) -> bool:
        """PATCH takes ``closeReason`` and answers with ``updateSummary`` (9.4)."""
        return self.release >= (9, 4)

    @cached_property
    def is_platinum(self) -> bool:
        """Assignees may be set and filtered by."""
        return self.license in _PLATINUM
