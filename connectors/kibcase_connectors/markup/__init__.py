"""Markdown <-> Jira wiki markup, ADF and HTML, and text hygiene: pure functions, bounded on hostile input.

The import raises ``MissingExtraError`` if ``markdown-it-py`` (extra: ``connectors``) is not installed.
"""

from .adf import adf_size, adf_to_markdown, cut_markdown_to_adf, markdown_to_adf, normal_adf
from .adf_problem import adf_problem
from .cut import cut
from .escape import escape_wiki
from .footers import strip_kibana_footer
from .hypertext import cut_markdown_to_html, html_to_markdown, markdown_to_html, normal_html
from .normal import label_of, normalise, one_line
from .wiki import markdown_to_wiki, wiki_to_markdown
from .write_markdown_inline import escape_markdown

__all__ = [
    "adf_problem",
    "adf_size",
    "adf_to_markdown",
    "cut",
    "cut_markdown_to_adf",
    "cut_markdown_to_html",
    "escape_markdown",
    "escape_wiki",
    "html_to_markdown",
    "label_of",
    "markdown_to_adf",
    "markdown_to_html",
    "markdown_to_wiki",
    "normal_adf",
    "normal_html",
    "normalise",
    "one_line",
    "strip_kibana_footer",
    "wiki_to_markdown",
]
