"""Markdown <-> HTML, as the rich text fields of ticketing systems hold it.

Such systems sanitise HTML and take attributes out, so that what comes back is never what was sent. Both are
compared in one normal form: ``normal_html(html)``.
"""

from __future__ import annotations

from .characters import clean
from .cut_blocks import cut_blocks, readable
from .least import least
from .nodes import Block
from .normal import normalise
from .read_html import read_html
from .read_markdown import blocks_of_markdown
from .tidy import tidied
from .write_html import plain_links, write_html
from .write_markdown import write_markdown


def markdown_to_html(text: str) -> str:
    """Return Markdown (CommonMark, GFM tables and strikethrough) as HTML in normal form.

    Ends of lines become breaks, as Kibana shows them. HTML in the text is plain text. Not expressible and
    therefore dropped: the language of code blocks, titles of links, runs of blanks, start numbers of lists.
    A link that sanitisers would take out (any but ``http``, ``https`` and ``mailto``) shows its address in
    brackets. A text longer than ``MARKDOWN_LIMIT`` characters or nested deeper than 20 levels is carried
    over whole, preformatted.
    """
    return write_html(html_blocks_of_markdown(text))


def html_to_markdown(html: str) -> str:
    """Return HTML as Markdown in normal form that shows the same text.

    Colours, underlining and sizes are dropped; unknown elements are taken off and scripts vanish. Runs in
    time proportional to the text's length.
    """
    return normalise(write_markdown(blocks_of_html(html)))


def normal_html(html: str) -> str:
    """Return HTML in normal form; equal for texts that differ only in what sanitising makes of them."""
    return write_html(blocks_of_html(html))


def cut_markdown_to_html(text: str, limit: int, note: str) -> tuple[str, bool]:
    """Return Markdown as HTML within ``limit`` characters, and whether it had to be cut.

    A cut text ends in ``note`` (Markdown) in a paragraph of its own; the cut is between two blocks where
    that keeps at least half of what fits, else between items, rows, lines or words.
    Raises ``ValueError`` when ``limit`` cannot hold the note.
    """
    blocks = html_blocks_of_markdown(text)
    if least(blocks) <= limit and len(html := write_html(blocks)) <= limit:
        return html, False
    shown = readable(text, limit)
    if shown != text:
        blocks = html_blocks_of_markdown(shown)
    ending = html_blocks_of_markdown(note)
    kept = cut_blocks(blocks, limit, ending, lambda blocks: len(write_html(blocks)))
    return write_html(tidied(kept)), True


def html_blocks_of_markdown(text: str) -> tuple[Block, ...]:
    """Return the blocks of a Markdown text as far as HTML shows them."""
    return tidied(plain_links(blocks_of_markdown(text)))


def blocks_of_html(html: str) -> tuple[Block, ...]:
    """Return the blocks of HTML."""
    return tidied(read_html(clean(html)))
