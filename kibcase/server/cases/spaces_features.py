"""Which of Kibana's features a space with a solution view hides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kibcase.server.stack import Stack

_OBSERVABILITY: Final = ("apm", "infrastructure", "logs", "slo", "uptime")
_SECURITY: Final = (
    "securitySolutionAssistant", "securitySolutionAttackDiscovery", "securitySolutionNotes",
    "securitySolutionSiemMigrations", "securitySolutionTimeline",
)
_SEARCH: Final = (
    "enterpriseSearch", "enterpriseSearchAnalytics", "enterpriseSearchApplications", "searchInferenceEndpoints",
    "searchPlayground", "searchSynonyms",
)


def hidden_features(disabled: Sequence[str], solution: str | None, stack: Stack) -> list[str]:
    """Give ``disabledFeatures`` of a space as Kibana shows and applies it.

    A solution other than ``classic`` takes the place of what was ``disabled`` by hand: it hides the features of the
    other solutions, their cases among them.
    """
    generation = "V3" if stack.has_assign_privilege else "V2"
    observability = (*_OBSERVABILITY, f"observabilityCases{generation}")
    security = (*_SECURITY, f"securitySolutionCases{generation}", "siemV2")
    hidden = {
        "es": (*observability, *security),
        "oblt": security,
        "security": (*observability, *_SEARCH),
    }
    return sorted(hidden[solution]) if solution in hidden else list(disabled)
