"""Markdown <-> Jira wiki markup, and text hygiene: pure functions, bounded on hostile input.

The import raises ``MissingExtraError`` if ``markdown-it-py`` (extra: ``connectors``) is not installed.
"""

from .cut import cut
from .escape import escape_wiki
from .footers import strip_kibana_footer
from .normal import label_of, normalise, one_line
from .wiki import markdown_to_wiki, wiki_to_markdown
from .write_markdown_inline import escape_markdown

__all__ = [
    "cut",
    "escape_markdown",
    "escape_wiki",
    "label_of",
    "markdown_to_wiki",
    "normalise",
    "one_line",
    "strip_kibana_footer",
    "wiki_to_markdown",
]
