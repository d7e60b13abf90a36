"""What Kibana says about itself: version, health, licence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field

from kibcase.models.base import ApiModel

TIERS = ("basic", "standard", "gold", "platinum", "enterprise")
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class Version(NamedTuple):
    """The version of a stack; compares as one expects."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "9.2.0" or "9.2.0-SNAPSHOT"; raises ``ValueError`` for anything else."""
        found = _VERSION.match(text)
        if not found:
            raise ValueError(f"not a stack version: {text[:40]!r}")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class BuildInfo(ApiModel):
    """Version and build of a Kibana; ``build_flavor`` is "traditional" or "serverless"."""

    number: str
    build_flavor: str = "traditional"
    build_hash: str | None = None
    build_number: int | None = None
    build_snapshot: bool = False


class ServiceLevel(ApiModel):
    """The level of a service: available, degraded, unavailable or critical."""

    level: str = "unknown"
    summary: str = ""


class StatusLevels(ApiModel):
    """The levels of Kibana as a whole and of its parts; parts are in ``model_extra``."""

    overall: ServiceLevel = ServiceLevel()


class ServerStatus(ApiModel):
    """The answer of GET /api/status; ``version`` is None if the user may see only the level."""

    name: str | None = None
    uuid: str | None = None
    version: BuildInfo | None = None
    status: StatusLevels

    @property
    def level(self) -> str:
        """The overall level."""
        return self.status.overall.level

    @property
    def available(self) -> bool:
        """Whether Kibana as a whole is available."""
        return self.level == "available"

    @property
    def serverless(self) -> bool:
        """Whether this is Elastic's serverless Kibana, which always is the newest."""
        return self.version is not None and self.version.build_flavor == "serverless"


class License(ApiModel):
    """A licence: ``type`` is a tier of ``TIERS`` or "trial"; ``status`` is active, expired or invalid."""

    type: str | None = None
    mode: str | None = None
    status: str | None = None
    uid: str | None = None
    expiry_millis: Annotated[int | None, Field(alias="expiryDateInMillis")] = None


class LicenseInfo(ApiModel):
    """The answer of GET /api/licensing/info; ``license`` is None while Kibana does not know it."""

    license: License | None = None
    features: dict[str, Any] = Field(default_factory=dict)

    @property
    def expires_at(self) -> datetime | None:
        """When the licence ends; None if it does not."""
        millis = self.license.expiry_millis if self.license else None
        return None if millis is None else datetime.fromtimestamp(millis / 1000, UTC)

    def allows(self, tier: str) -> bool:
        """Tell whether what needs ``tier`` ("platinum") may be used: an active licence as high, or a trial.

        Raises ``ValueError`` for a tier that is not in ``TIERS``.
        """
        needed = TIERS.index(tier)
        if self.license is None or self.license.status != "active" or self.license.type is None:
            return False
        return self.license.type == "trial" or (
            self.license.type in TIERS and TIERS.index(self.license.type) >= needed
        )
