"""The two spellings of texts in Jira: wiki markup (REST v2) and the Atlassian Document Format (REST v3); pure.

Snapshots hold a description as a text in either: the wiki markup itself, or the Markdown in normal form that a
document reads as. Both depend on nothing but what Jira stores, so a text that nobody touched never differs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kibcase_connectors.mapping import Codec, Text
from kibcase_connectors.markup import (
    adf_to_markdown,
    cut,
    cut_markdown_to_adf,
    markdown_to_adf,
    markdown_to_wiki,
    normalise,
    strip_kibana_footer,
    wiki_to_markdown,
)
from kibcase_connectors.model import Canonical, Json, Unset

TEXT_LIMIT: Final = 32_767
_CUT_NOTE: Final = "(Cut here: Jira takes no more than {limit:,} characters. The full text is in the case.)"

_LINES: Final = frozenset({"paragraph", "heading", "codeBlock", "tableRow", "blockquote", "listItem", "taskItem"})


class Dialect(Protocol):
    """How texts travel in one version of the REST API. *Native* texts are those of snapshots."""

    @property
    def limit(self) -> int:
        """How many UTF-16 units a text may have."""
        ...

    def native(self, raw: Any) -> str:
        """Give the native text of a description or comment that Jira sent; None and odd things read as empty."""
        ...

    def wire(self, native: str) -> Json:
        """Give what to send for a native text."""
        ...

    def logged(self, text: str | None) -> str:
        """Give the native text for one that stands in a changelog, which always speaks wiki markup."""
        ...

    def read(self, native: str) -> str:
        """Give the Markdown of a native text, without what Kibana's own push appends."""
        ...

    def write(self, markdown: str) -> str:
        """Give the native text for Markdown, cut visibly where Jira takes no more."""
        ...

    def digest(self, native: str) -> str:
        """Give a text that differs if the native text does."""
        ...

    def codec(self) -> Codec:
        """Give the codec of descriptions."""
        ...

    def plain(self, raw: Any) -> str:
        """Give the plain text, line by line, of a multi-line custom field."""
        ...

    def plain_wire(self, text: str) -> Json:
        """Give what to send for the plain text of a multi-line custom field."""
        ...


@dataclass(frozen=True, slots=True)
class Wiki:
    """REST v2: texts are strings of wiki markup; custom fields hold theirs as it is."""

    limit: int = TEXT_LIMIT

    def native(self, raw: Any) -> str:
        """Give the text as it is."""
        return "" if raw is None else str(raw)

    def wire(self, native: str) -> Json:
        """Give the text as it is."""
        return native

    def logged(self, text: str | None) -> str:
        """Give the text as it is."""
        return text or ""

    def read(self, native: str) -> str:
        """Give the Markdown of wiki markup."""
        return normalise(wiki_to_markdown(strip_kibana_footer(normalise(native))))

    def write(self, markdown: str) -> str:
        """Give the wiki markup of Markdown."""
        return cut(markdown_to_wiki(markdown), self.limit, _CUT_NOTE.format(limit=self.limit))[0]

    def digest(self, native: str) -> str:
        """Give the hash of the text."""
        return _hash(native)

    def codec(self) -> Codec:
        """Give the codec."""
        return Text(read=self.read, write=self.write, uncut=markdown_to_wiki, limit=self.limit)

    def plain(self, raw: Any) -> str:
        """Give the text with plain line ends."""
        return _lines(self.native(raw))

    def plain_wire(self, text: str) -> Json:
        """Give the text as it is, None for an empty one."""
        return text or None


@dataclass(frozen=True, slots=True)
class Adf:
    """REST v3: texts are documents; native is their Markdown in normal form."""

    limit: int = TEXT_LIMIT

    def native(self, raw: Any) -> str:
        """Give the Markdown of a document."""
        return adf_to_markdown(raw)

    def wire(self, native: str) -> Json:
        """Give the document, None for an empty text."""
        found: Json = markdown_to_adf(native) if native.strip() else None
        return found

    def logged(self, text: str | None) -> str:
        """Give the Markdown that the document of this wiki markup reads as."""
        return adf_to_markdown(markdown_to_adf(wiki_to_markdown(text or "")))

    def read(self, native: str) -> str:
        """Give the Markdown."""
        return normalise(strip_kibana_footer(normalise(native)))

    def write(self, markdown: str) -> str:
        """Give the normal form of Markdown."""
        return adf_to_markdown(cut_markdown_to_adf(markdown, self.limit, _CUT_NOTE.format(limit=self.limit))[0])

    def digest(self, native: str) -> str:
        """Give the hash of the wiki markup: that is what versions of kibcase without REST v3 hashed."""
        return _hash(markdown_to_wiki(native))

    def codec(self) -> Codec:
        """Give the codec."""
        return AdfText(Text(read=self.read, write=self.write, uncut=_uncut, limit=self.limit), self.limit)

    def plain(self, raw: Any) -> str:
        """Give the text of a document without its layout, one line per paragraph or line break."""
        return _lines(raw if isinstance(raw, str) else "".join(_words(raw)))

    def plain_wire(self, text: str) -> Json:
        """Give a document of one paragraph with these lines, None for an empty text."""
        nodes: list[Json] = []
        for number, line in enumerate(text.split("\n")):
            nodes += [{"type": "hardBreak"}] if number else []
            nodes += [{"type": "text", "text": line}] if line else []
        paragraph: Json = {"type": "paragraph", "content": nodes}
        return {"type": "doc", "version": 1, "content": [paragraph]} if text else None


@dataclass(frozen=True, slots=True)
class AdfText:
    """The codec of descriptions in REST v3; ``text`` does the work, but see ``alike``."""

    text: Text
    limit: int = TEXT_LIMIT

    def canonical(self, native: Json) -> Canonical:
        """Give the text."""
        return self.text.canonical(native)

    def native(self, canonical: Canonical) -> Json | Unset:
        """Give the text in normal form."""
        return self.text.native(canonical)

    def loses(self, canonical: Canonical) -> bool:
        """Tell whether the text is longer than Jira takes."""
        return self.text.loses(canonical)

    def alike(self, native: Json, canonical: Canonical) -> bool:
        """Tell whether a text is what becomes of ``canonical`` by way of wiki markup.

        That is how it was written through REST v2. What wiki markup cannot say is missing from it; nobody has
        changed it for all that, and it must not come back as a change.
        """
        if not isinstance(native, str) or not isinstance(canonical, str):
            return False
        return native == Adf().logged(Wiki(self.limit).write(canonical))


def dialect_of(version: int, limit: int = TEXT_LIMIT) -> Dialect:
    """Give the dialect of a version of the REST API, 2 or 3, for texts of at most ``limit`` UTF-16 units."""
    return Adf(limit) if version == 3 else Wiki(limit)


def _uncut(markdown: str) -> str:
    return adf_to_markdown(markdown_to_adf(markdown))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _words(top: Any) -> list[str]:
    """Give the texts of a document in order; walks without recursion, since people nest as they like."""
    found: list[str] = []
    waiting: list[Any] = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            found.append(node)
        if not isinstance(node, Mapping):
            continue
        found += _own(node)
        inner = node.get("content")
        if node.get("type") in _LINES and found and not found[-1].endswith("\n"):
            found.append("\n")
        waiting += reversed(inner) if isinstance(inner, list) else []
    return found


def _own(node: Mapping[str, Any]) -> list[str]:
    shown = node.get("attrs")
    attrs: Mapping[str, Any] = shown if isinstance(shown, Mapping) else {}
    match node.get("type"):
        case "text":
            return [str(node.get("text", ""))]
        case "hardBreak":
            return ["\n"]
        case "mention" | "emoji" | "status" | "inlineCard" | "date":
            return [str(attrs.get("text") or attrs.get("url") or attrs.get("shortName") or "")]
    return []
