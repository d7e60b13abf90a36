"""What can be done to one side: values that say what to write, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO, TypeAlias

from kibcase_connectors.model import Canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make a copy of the other side's thing, carrying ``mark``.

    ``fields`` are canonical. A status is not among them: a new thing starts where its system starts it.
    ``origin_label`` is what people call the thing that is copied.
    """

    mark: str
    fields: Mapping[str, Canonical]
    origin_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBack:
    """Put a link to the other side's thing where people click it; doing it again changes nothing.

    Asked only of connectors with ``Capabilities.links_back``.
    """

    key: str
    mark: str
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    """Change fields of one thing.

    The scalar fields change all or none, in one request. Elements of a set may take a request each; those that
    were written before one failed stay written, and what failed is then ``OutcomeUnknown``. Sync asks for the
    assignee, observables and each custom field in an action of their own.

    ``version`` is the one of the snapshot that the decision was made on. ``fields`` holds scalar
    fields in canonical form; ``add`` and ``remove`` hold elements of sets, in the form of *this* side.
    """

    key: str
    version: str
    fields: Mapping[str, Canonical] = field(default_factory=lambda: MappingProxyType({}))
    add: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    remove: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Bring one thing to a canonical status, by as many steps as its workflow needs."""

    key: str
    version: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddComment:
    """Write the mirror of a comment; ``body`` is Markdown."""

    key: str
    mark: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditComment:
    """Bring the mirror ``comment`` up to date with its original; ``body`` is Markdown."""

    key: str
    comment: str
    mark: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddFile:
    """Attach a copy of a file of the other side; asked only of connectors with ``Capabilities.files``.

    ``content`` stands at its beginning and holds ``size`` bytes; it is there when ``Connector.apply`` is called,
    and no part of what the action is.
    """

    key: str
    name: str
    size: int
    media_type: str
    content: BinaryIO | None = field(default=None, compare=False, repr=False)


Action: TypeAlias = Create | LinkBack | SetFields | SetStatus | AddComment | EditComment | AddFile
