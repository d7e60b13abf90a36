from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))


@dataclass(frozen=True)
class Block:
    """One fenced block: its language and text."""

    language: str
    text: str


@dataclass(frozen=True)
class Document:
    """One Markdown file."""

    name: str
    text: str

    def blocks(self, language: str) -> list[str]:
        found = re.findall(r"^```(\w*)\n(.*?)^```$", self.text, flags=re.MULTILINE | re.DOTALL)
        return [text for given, text in found if given == language]

    @property
    def prose(self) -> str:
        return re.sub(r"^```.*?^```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def section(self, heading: str) -> str:
        """Give what stands under a heading of level 2 or 3, up to the next one of any level."""
        match = re.search(rf"^###? {re.escape(heading)}$(.*?)(?=^##|\Z)", self.text, re.MULTILINE | re.DOTALL)
        assert match, f"{self.name} has no section {heading}"
        return match[1]


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def document() -> Callable[[str], Document]:
    def read(name: str) -> Document:
        return Document(name, (ROOT / name).read_text(encoding="utf-8"))

    return read


@pytest.fixture(params=DOCUMENTS)
def any_document(request: pytest.FixtureRequest, document: Callable[[str], Document]) -> Document:
    return document(request.param)
