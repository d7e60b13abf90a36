"""Markdown <-> Atlassian Document Format (ADF), in which Jira Cloud's REST API v3 carries rich text."""

from __future__ import annotations

from typing import Any

from .characters import units
from .cut_blocks import cut_blocks, readable
from .least import least
from .read_adf import read_adf
from .read_markdown import blocks_of_markdown
from .write_adf import write_adf
from .write_markdown import write_markdown
from .write_wiki import write_wiki

Json = dict[str, Any]


def markdown_to_adf(text: str) -> Json:
    """Return Markdown (CommonMark, GFM tables and strikethrough) as an ADF document, version 1.

    The document is valid by the published schema; an empty text gives one without content. Ends of lines
    become hard breaks, as Kibana shows them. HTML is plain text, images become links, nobody is mentioned.
    Not expressible and therefore dropped: emphasis of code, alignment of table columns, looseness of lists;
    inside quotes and list items headings become bold paragraphs, tables a paragraph per row, quotes their
    content, and rules go. A text longer than ``MARKDOWN_LIMIT`` characters or nested deeper than 20 levels
    is carried over whole in a code block.
    """
    return write_adf(blocks_of_markdown(text))


def adf_to_markdown(doc: object) -> str:
    """Return an ADF document as Markdown that shows the same text; empty for what is no JSON object.

    Colours, underlining, sub- and superscript, the frames of panels and layouts are dropped, their content
    stays; mentions become ``@name``, dates ``YYYY-MM-DD`` (UTC), cards and external media links, files
    their name, tasks items with ``[ ]`` or ``[x]``, the titles of expands bold; blocks in table cells stand
    on one line. Unknown nodes keep their text. A link to ``javascript:``, ``vbscript:``, ``data:`` or
    ``file:`` stays text. Never raises; runs in time proportional to the size, at bounded depth.
    """
    return write_markdown(read_adf(doc))


def normal_adf(doc: object) -> Json:
    """Return the document that is left when ``doc`` goes to Markdown and back: what compares equal."""
    return markdown_to_adf(adf_to_markdown(doc))


def adf_size(doc: object) -> int:
    """Return the length of a document in UTF-16 code units, as counted against Jira's text limit.

    Jira documents a limit of 32,767 characters for a text but not how it counts an ADF document. Counted
    here is the document as wiki markup, which REST API v2 shows of it: never less than what people read.
    """
    return units(write_wiki(read_adf(doc)))


def cut_markdown_to_adf(text: str, limit: int, note: str) -> tuple[Json, bool]:
    """Return Markdown as an ADF document of at most ``limit`` by ``adf_size``, and whether it had to be cut.

    A cut document ends in ``note`` (Markdown) in a paragraph of its own. The cut is between two blocks where
    that keeps at least half of what fits, else between items, rows, lines or words. A cut text must not be
    written back to where it came from.
    Raises ``ValueError`` when ``limit`` cannot hold the note.
    """
    blocks = blocks_of_markdown(text)
    if least(blocks) <= limit and adf_size(doc := write_adf(blocks)) <= limit:
        return doc, False
    shown, ending = readable(text, limit), blocks_of_markdown(note)
    if shown != text:
        blocks = blocks_of_markdown(shown)
    return write_adf(cut_blocks(blocks, limit, ending, lambda kept: adf_size(write_adf(kept)))), True
