"""Observables of a case and the elements that they are to sync; pure.

Kibana tells observables apart by type key and value (Kibana Cases, ``/internal/cases/{id}/observables``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kibcase.client.limits import OBSERVABLES_PER_CASE
from kibcase.models.observable import Observable, ObservableKind
from kibcase_connectors.observables import TYPES, element, identity, parts

PREFIX: Final = "observable-type-"

# Agent ids are built in only since 9.3; an older stack refuses the key, so they are carried when configured.
BUILT_IN: Final = {
    kind.value: kind.value.removeprefix(PREFIX) for kind in ObservableKind if kind is not ObservableKind.AGENT_ID
}

MOST: Final = OBSERVABLES_PER_CASE


class Typing:
    """Which type key stands for which common type: the built-in ones and those of the configuration."""

    def __init__(self, configured: Mapping[str, str]) -> None:
        self._common = {**BUILT_IN, **configured}
        self._keys = {common: key for key, common in reversed(self._common.items())}

    @property
    def types(self) -> frozenset[str]:
        """The common types that a case can hold."""
        return frozenset(self._keys)

    def elements(self, observables: Iterable[Observable]) -> list[str]:
        """Give the elements of a case's observables in their order; types without a counterpart are left out."""
        found = (
            element(self._common[str(one.type_key)], one.value)
            for one in observables if str(one.type_key) in self._common and one.value.strip()
        )
        return list(dict.fromkeys(found))

    def fresh(self, present: Sequence[Observable], add: Iterable[str]) -> list[Observable]:
        """Give what must be added so that all of ``add`` are there. Raises ``ValueError`` for an unknown type."""
        known = {identity(one) for one in self.elements(present)}
        wanted = {identity(one): one for one in add if identity(one) not in known}
        return [self._observable(one) for one in wanted.values()]

    def among(self, present: Iterable[Observable], remove: Iterable[str]) -> list[Observable]:
        """Give the observables that are any of the elements ``remove``."""
        gone = {identity(one) for one in remove}
        return [one for one in present if any(identity(found) in gone for found in self.elements([one]))]

    def _observable(self, item: str) -> Observable:
        common, value = parts(item)
        if common not in self._keys or not value:
            raise ValueError(f"a case cannot hold {item[:80]!r}; types: {', '.join(sorted(self._keys))}")
        return Observable(type_key=self._keys[common], value=value)


def known_types(configured: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse types that nobody knows. Raises ``ValueError``; for configurations."""
    odd = sorted({common for common in configured.values() if common not in TYPES})
    if odd:
        raise ValueError(f"{', '.join(odd)}: no such type of observables; there are {', '.join(TYPES)}")
    taken = sorted(set(configured) & set(BUILT_IN))
    if taken:
        raise ValueError(f"{', '.join(taken)}: this type is built in and needs no entry")
    return configured
