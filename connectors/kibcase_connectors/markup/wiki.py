"""Markdown <-> Jira wiki markup."""

from __future__ import annotations

from .characters import clean
from .read_markdown import blocks_of_markdown
from .read_wiki import read_wiki
from .write_markdown import write_markdown
from .write_wiki import write_wiki


def markdown_to_wiki(text: str) -> str:
    r"""Return Markdown (CommonMark, GFM tables and strikethrough) as Jira wiki markup.

    Plain text shows in Jira as it was typed: marks are escaped with a backslash, and with an HTML entity
    where the wiki renderer knows no backslash escape (the backslash, the dot of ``h1.``). HTML is plain
    text. Images become links, so that reading a ticket fetches nothing. Not expressible and therefore
    dropped: alignment of table columns, start numbers and looseness of lists. Characters that XML 1.0
    forbids are dropped because Jira refuses them.

    A text longer than ``MARKDOWN_LIMIT`` characters (Kibana stores 30,000) or nested deeper than 20 levels
    is not parsed but carried over whole inside ``{noformat}``.
    """
    return write_wiki(blocks_of_markdown(text))


def wiki_to_markdown(text: str) -> str:
    """Return Jira wiki markup as Markdown that shows the same text.

    Colours, panel borders, inserted-text marks and the names of smart links are dropped, their content
    stays; mentions become ``@name``, attached images and files their name, images on the web a link;
    superscript, subscript and unknown macros stay as typed; a link to ``javascript:``, ``vbscript:``,
    ``data:`` or ``file:`` stays plain text. Runs in time proportional to ``n log n``.
    """
    return write_markdown(read_wiki(clean(text)))
