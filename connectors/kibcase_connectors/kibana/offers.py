"""What this stack offers of what sync wants: by its version, its licence and its configuration of cases."""

from __future__ import annotations

from typing import Final

from kibcase.errors import InvalidAnswer, NotFoundError, PermissionDenied
from kibcase.models.configuration import CustomFieldDefinition
from kibcase_connectors.api import Context
from kibcase_connectors.kibana.access import Access
from kibcase_connectors.kibana.customs import definition_of
from kibcase_connectors.model import ASSIGNEE, FIELDS, OBSERVABLES

TIER: Final = "platinum"
"""The licence that assignees and observables need."""

SINCE: Final = {ASSIGNEE: (8, 5, 0), OBSERVABLES: (8, 18, 0)}
"""The first stack with each of them."""


class Offers:
    """Asked once, and again for each full look; until then everything wanted counts as offered.

    ``definitions`` holds the custom fields by their common names, ``lacking`` why a wanted field is not offered.
    """

    def __init__(self, access: Access, context: Context) -> None:
        self._access = access
        self._context = context
        self._asked = False
        self.definitions: dict[str, CustomFieldDefinition] = {}
        self.lacking: dict[str, str] = {}

    @property
    def fields(self) -> frozenset[str]:
        """The fields that take part as far as this stack has them."""
        custom = [name for name in self._access.config.custom if self._context.wants(name)]
        further = [name for name in SINCE if self._context.wants(name)]
        return frozenset(name for name in (*FIELDS, *further, *custom) if name not in self.lacking)

    def learn(self, *, again: bool = False) -> None:
        """Ask, unless it was asked; raises what the library raises for no answer."""
        if self._asked and not again:
            return
        lacking = self._gated()
        self.definitions = self._custom(lacking)
        self.lacking = lacking
        self._asked = True

    def _gated(self) -> dict[str, str]:
        """Give why fields are not offered."""
        wanted = [name for name in SINCE if self._context.wants(name)]
        if not wanted:
            return {}
        version = self._access.kibana.status.comparable_version()
        licensed = self._is_licensed()
        lacking = {}
        for name in wanted:
            if version is not None and version < SINCE[name]:
                lacking[name] = f"needs stack {'.'.join(map(str, SINCE[name][:2]))}, this is {version}"
            elif not licensed:
                lacking[name] = f"needs a {TIER.capitalize()} licence"
        return lacking

    def _is_licensed(self) -> bool:
        try:
            told = self._access.kibana.status.license()
        except (PermissionDenied, NotFoundError, InvalidAnswer):
            # Whoever may not see the licence is told by Kibana's refusal when it is too low.
            return True
        return told.license is None or told.allows(TIER)

    def _custom(self, lacking: dict[str, str]) -> dict[str, CustomFieldDefinition]:
        wanted = {name: one for name, one in self._access.config.custom.items() if self._context.wants(name)}
        if not wanted:
            return {}
        found = self._access.kibana.configuration.get(self._access.config.owner)
        configured = [] if found is None else found.custom_fields
        definitions = {}
        for name, one in wanted.items():
            try:
                definitions[name] = definition_of(one.field, configured)
            except ValueError as error:
                lacking[name] = str(error)
        return definitions
