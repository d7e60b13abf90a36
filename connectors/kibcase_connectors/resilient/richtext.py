"""Markdown <-> the rich text (HTML) of QRadar SOAR; pure.

The platform sanitises HTML, wraps it in ``<div class="rte">`` and takes attributes out, so that what comes
back is never what was sent. Both are compared in one normal form: ``normal(html)``.
"""

from __future__ import annotations

import re
from typing import Final

from kibcase_connectors.markup import cut_markdown_to_html, html_to_markdown, markdown_to_html, strip_kibana_footer
from kibcase_connectors.markup import normal_html as normal
from kibcase_connectors.markup.hypertext import blocks_of_html
from kibcase_connectors.markup.write_html import write_html

__all__ = [
    "CUT_NOTE",
    "TEXT_LIMIT",
    "blocks_of_html",
    "html_to_markdown",
    "markdown_to_html",
    "normal",
    "without_footer",
    "write_html",
    "write_text",
]

TEXT_LIMIT: Final = 200_000
"""The most characters of HTML that are sent; the platform's own limit is not documented."""

CUT_NOTE: Final = "(Cut here: the text is too long for the incident. All of it is in the case.)"

_WRAPPED = re.compile(r'\s*<div class="rte">(.*)</div>\s*', re.DOTALL)


def without_footer(html: str) -> str:
    """Return HTML without what Kibana's own push appends: text with line ends inside HTML."""
    found = _WRAPPED.fullmatch(html)
    inner = found[1] if found else html
    stripped = strip_kibana_footer(inner)
    return html if stripped == inner.rstrip() else stripped


def write_text(markdown: str) -> str:
    """Give the HTML of a description or note, cut visibly if it is longer than ``TEXT_LIMIT``."""
    return cut_markdown_to_html(markdown, TEXT_LIMIT, CUT_NOTE)[0]
