"""What a system in memory holds: things, files, accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

from kibcase_connectors.model import MARK_PREFIX, TAGS, Comment, File, Json, Touch


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the system, as its directory lists it; ``email`` may be "" and then nobody finds it by that."""

    id: str
    name: str
    email: str = ""
    active: bool = True

    @property
    def native(self) -> Json:
        """The account as the value of a field."""
        return {"id": self.id, "name": self.name, "email": self.email}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file with its content."""

    file: File
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Thing:
    """One case or ticket of a ``MemorySystem``.

    ``born`` and the values of ``births`` (by the key of a comment or file) are seconds since the epoch.
    """

    key: str
    fields: dict[str, Json]
    version: int
    created: Touch
    comments: list[Comment] = field(default_factory=list)
    touched: dict[str, Touch] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    born: float = 0.0
    files: list[StoredFile] = field(default_factory=list)
    births: dict[str, float] = field(default_factory=dict)

    @property
    def marks(self) -> tuple[str, ...]:
        """The marks that it carries, which are kept among the tags."""
        tags = self.fields[TAGS]
        return tuple(str(tag) for tag in (tags if isinstance(tags, list) else []) if str(tag).startswith(MARK_PREFIX))
