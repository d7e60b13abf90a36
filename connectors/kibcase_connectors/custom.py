"""Custom fields: what a configuration says of them, and their codec.

Both systems of a link rule name a custom field alike and say where they keep it; sync then treats it as any
other field of texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kibcase_connectors.mapping import Codec, UnmappedError
from kibcase_connectors.model import COMMENTS, FIELDS, FILES, FURTHER, Canonical, Json, Unset


class CustomField(BaseModel):
    """Where a system keeps one custom field, and what its values mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(min_length=1, max_length=255, description="The field in this system, by id or by name.")
    values: Mapping[str, str] = Field(
        default_factory=dict,
        description="The common value of each value in this system; left out: values are carried as they are.",
    )


CustomFields = Mapping[str, CustomField]
"""Custom fields by their common names."""


def plain_names(fields: CustomFields) -> CustomFields:
    """Refuse a common name that is taken. Raises ``ValueError``; for configurations."""
    taken = sorted({*FIELDS, *FURTHER, COMMENTS, FILES}.intersection(fields))
    if taken:
        raise ValueError(f"{', '.join(taken)}: this name is taken; give the custom field another one")
    odd = [name for name in fields if not name.isidentifier()]
    if odd:
        raise ValueError(f"{odd[0]!r}: the name of a custom field is made of letters, digits and _")
    return fields


class CustomSettings(BaseModel):
    """The part of a connector's configuration that is about custom fields; inherit it."""

    custom: CustomFields = Field(
        default_factory=dict,
        description="Custom fields that take part, by the name that both systems of a link rule give them.",
    )

    _names = field_validator("custom")(plain_names)


@dataclass(frozen=True, slots=True)
class Custom:
    """The codec of a custom field: a text or None in the side's own form, "" for None in the common one."""

    name: str
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def canonical(self, native: Json) -> Canonical:
        """Give the common value; raises ``UnmappedError`` if there is a table and the value is not in it."""
        if native is None or native == "":
            return ""
        text = str(native)
        if self.values and text not in self.values:
            raise UnmappedError(self.name, text, tuple(self.values))
        return self.values.get(text, text)

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the side's value, the first of several that mean the same."""
        if not isinstance(canonical, str):
            raise TypeError(f"{self.name} is a text, not {canonical!r}")
        if not canonical:
            return None
        if not self.values:
            return canonical
        found = [value for value, meaning in self.values.items() if meaning == canonical]
        if not found:
            raise UnmappedError(self.name, canonical, tuple(self.values.values()))
        return found[0]

    def loses(self, canonical: Canonical) -> bool:  # noqa: ARG002 - the protocol's signature
        """Never: a value is taken whole or refused."""
        return False


def custom_codecs(fields: CustomFields) -> dict[str, Codec]:
    """Give the codecs of the configured custom fields, by their common names."""
    return {name: Custom(name, one.values) for name, one in fields.items()}
