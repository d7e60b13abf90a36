"""What each node and mark of the Atlassian Document Format may hold.

Source: the published JSON schema, ``@atlaskit/adf-schema`` (``json-schema/v1/full.json``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a node or mark may hold: attributes (``!`` ends the name of a required one), content, marks."""

    attrs: Mapping[str, Check] = field(default_factory=dict)
    content: frozenset[str] | None = None
    least: int = 0
    most: int | None = None
    marks: frozenset[str] = frozenset()
    one_of: tuple[str, ...] = ()
    needs_content: bool = False


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_any(value: object) -> bool:  # noqa: ARG001 - one of the checks
    return True


def _is_widths(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _between(low: float, high: float) -> Check:
    return lambda value: _is_number(value) and low <= value <= high


def _one_of(*values: str) -> Check:
    return lambda value: value in values


def _matches(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _types(names: str) -> frozenset[str]:
    return frozenset(names.split())


_WIDE: Final = ("wide", "full-width", "center", "wrap-right", "wrap-left", "align-end", "align-start")
_LISTS: Final = _types("bulletList orderedList")
_MEDIA: Final = _types("mediaSingle mediaGroup")
_COLOUR: Final = _matches("#[0-9a-fA-F]{6}")

INLINE: Final = _types(
    "text date emoji hardBreak inlineCard mention placeholder status inlineExtension mediaInline"
)
_IN_CAPTION: Final = INLINE - {"inlineExtension", "mediaInline"}
_QUOTED: Final = _types("paragraph codeBlock extension") | _LISTS | _MEDIA
_MANY: Final = _types("paragraph heading codeBlock rule taskList decisionList blockCard extension") | _LISTS | _MEDIA
_IN_PANEL: Final = _MANY
_IN_EXPAND: Final = _MANY | _types("panel blockquote table embedCard")
_IN_NESTED_EXPAND: Final = _IN_EXPAND - {"table", "blockCard", "embedCard"}
_IN_CELL: Final = (_IN_EXPAND - {"table"}) | {"nestedExpand"}
_IN_COLUMN: Final = _IN_EXPAND | {"expand", "bodiedExtension"}
_IN_DOC: Final = _IN_COLUMN | {"layoutSection", "syncBlock", "bodiedSyncBlock"}

_ID: Final = {"localId": _is_text}
_EXTENSION: Final = {
    "extensionKey!": _is_filled, "extensionType!": _is_filled, "parameters": _is_any, "text": _is_text,
    "localId": _is_filled,
}
_BLOCK_EXTENSION: Final = _EXTENSION | {"layout": _one_of("wide", "full-width", "default")}
_EXTENSION_MARKS: Final = _types("dataConsumer fragment")
_MEDIA_MARKS: Final = _types("dataConsumer link annotation border")
_CELL: Final = Rule(
    attrs=_ID | {"colspan": _is_number, "rowspan": _is_number, "colwidth": _is_widths, "background": _is_text},
    content=_IN_CELL, least=1,
)

NODES: Final[Mapping[str, Rule]] = {
    "doc": Rule(content=_IN_DOC, needs_content=True),
    "paragraph": Rule(attrs=_ID, content=INLINE, marks=_types("alignment indentation fontSize")),
    "heading": Rule(attrs=_ID | {"level!": _between(1, 6)}, content=INLINE, marks=_types("alignment indentation")),
    "blockquote": Rule(attrs=_ID, content=_QUOTED, least=1),
    "bulletList": Rule(attrs=_ID, content=_types("listItem"), least=1),
    "orderedList": Rule(attrs=_ID | {"order": _between(0, float("inf"))}, content=_types("listItem"), least=1),
    "listItem": Rule(
        attrs=_ID, content=_types("paragraph taskList mediaSingle codeBlock extension") | _LISTS, least=1
    ),
    "codeBlock": Rule(
        attrs=_ID | {"language": _is_text, "uniqueId": _is_text}, content=_types("text"), marks=_types("breakout")
    ),
    "rule": Rule(attrs=_ID),
    "panel": Rule(
        attrs=_ID | {
            "panelType!": _one_of("info", "note", "tip", "warning", "error", "success", "custom"),
            "panelIcon": _is_text, "panelIconId": _is_text, "panelIconText": _is_text, "panelColor": _is_text,
        },
        content=_IN_PANEL, least=1,
    ),
    "expand": Rule(
        attrs=_ID | {"title": _is_text}, content=_IN_EXPAND | {"nestedExpand"}, least=1, marks=_types("breakout")
    ),
    "nestedExpand": Rule(attrs=_ID | {"title": _is_text}, content=_IN_NESTED_EXPAND, least=1),
    "table": Rule(
        attrs={
            "displayMode": _one_of("default", "fixed"), "isNumberColumnEnabled": _is_flag, "localId": _is_filled,
            "layout": _one_of("wide", "full-width", "center", "align-end", "align-start", "default"),
            "width": _is_number,
        },
        content=_types("tableRow"), least=1, marks=_types("fragment"),
    ),
    "tableRow": Rule(attrs=_ID, content=_types("tableCell tableHeader"), needs_content=True),
    "tableCell": _CELL,
    "tableHeader": _CELL,
    "taskList": Rule(attrs={"localId!": _is_text}, content=_types("taskItem taskList blockTaskItem"), least=1),
    "taskItem": Rule(attrs={"localId!": _is_text, "state!": _one_of("TODO", "DONE")}, content=INLINE),
    "blockTaskItem": Rule(
        attrs={"localId!": _is_text, "state!": _one_of("TODO", "DONE")}, content=_types("paragraph extension"), least=1
    ),
    "decisionList": Rule(attrs={"localId!": _is_text}, content=_types("decisionItem"), least=1),
    "decisionItem": Rule(attrs={"localId!": _is_text, "state!": _is_text}, content=INLINE),
    "layoutSection": Rule(
        attrs=_ID, content=_types("layoutColumn"), least=2, most=3, marks=_types("breakout")
    ),
    "layoutColumn": Rule(attrs=_ID | {"width!": _between(0, 100)}, content=_IN_COLUMN, least=1),
    "mediaSingle": Rule(
        attrs=_ID | {"width": _is_number, "layout!": _one_of(*_WIDE), "widthType": _one_of("percentage", "pixel")},
        content=_types("media caption"), least=1, most=2, marks=_types("link"),
    ),
    "mediaGroup": Rule(content=_types("media"), least=1),
    "media": Rule(
        attrs=_ID | {
            "type!": _one_of("link", "file", "external"), "id": _is_filled, "alt": _is_text, "collection": _is_text,
            "height": _is_number, "width": _is_number, "occurrenceKey": _is_filled, "url": _is_text,
        },
        marks=_MEDIA_MARKS, one_of=("id", "url"),
    ),
    "caption": Rule(attrs=_ID, content=_IN_CAPTION),
    "blockCard": Rule(
        attrs=_ID | {
            "url": _is_text, "data": _is_any, "datasource": _is_any, "width": _is_number, "layout": _one_of(*_WIDE)
        },
        one_of=("url", "data", "datasource"),
    ),
    "embedCard": Rule(
        attrs=_ID | {
            "url!": _is_text, "layout!": _one_of(*_WIDE), "width": _between(0, 100), "originalHeight": _is_number,
            "originalWidth": _is_number,
        }
    ),
    "extension": Rule(attrs=_BLOCK_EXTENSION, marks=_EXTENSION_MARKS),
    "bodiedExtension": Rule(attrs=_BLOCK_EXTENSION, content=_IN_EXPAND, least=1, marks=_EXTENSION_MARKS),
    "syncBlock": Rule(attrs={"resourceId!": _is_text, "localId!": _is_text}, marks=_types("breakout")),
    "bodiedSyncBlock": Rule(
        attrs={"resourceId!": _is_text, "localId!": _is_text}, content=_IN_COLUMN - {"extension", "bodiedExtension"}
        | {"layoutSection"}, least=1, marks=_types("breakout"),
    ),
    "text": Rule(
        marks=_types("link em strong strike subsup underline textColor annotation backgroundColor code")
    ),
    "hardBreak": Rule(attrs=_ID | {"text": _one_of("\n")}),
    "mention": Rule(
        attrs=_ID | {
            "id!": _is_text, "text": _is_text, "accessLevel": _is_text, "userType": _one_of("DEFAULT", "SPECIAL", "APP")
        }
    ),
    "emoji": Rule(attrs=_ID | {"shortName!": _is_text, "id": _is_text, "text": _is_text}),
    "date": Rule(attrs=_ID | {"timestamp!": _is_filled}),
    "status": Rule(
        attrs=_ID | {
            "text!": _is_filled, "style": _is_text,
            "color!": _one_of("neutral", "purple", "blue", "red", "yellow", "green"),
        }
    ),
    "placeholder": Rule(attrs=_ID | {"text!": _is_text}),
    "inlineCard": Rule(attrs=_ID | {"url": _is_text, "data": _is_any}, one_of=("url", "data")),
    "mediaInline": Rule(
        attrs=_ID | {
            "type": _one_of("link", "file", "image"), "id!": _is_filled, "alt": _is_text, "collection!": _is_text,
            "occurrenceKey": _is_filled, "width": _is_number, "height": _is_number, "data": _is_any,
        },
        marks=_MEDIA_MARKS,
    ),
    "inlineExtension": Rule(attrs=_EXTENSION, marks=_EXTENSION_MARKS),
}

MARKS: Final[Mapping[str, Mapping[str, Check]]] = {
    "strong": {}, "em": {}, "strike": {}, "underline": {}, "code": {},
    "link": {
        "href!": _is_text, "title": _is_text, "id": _is_text, "collection": _is_text, "occurrenceKey": _is_text
    },
    "subsup": {"type!": _one_of("sub", "sup")},
    "textColor": {"color!": _COLOUR},
    "backgroundColor": {"color!": _COLOUR},
    "annotation": {"id!": _is_text, "annotationType!": _one_of("inlineComment")},
    "alignment": {"align!": _one_of("center", "end")},
    "indentation": {"level!": _between(1, 6)},
    "fontSize": {"fontSize!": _one_of("small")},
    "breakout": {"mode!": _one_of("wide", "full-width"), "width": _is_number},
    "border": {"size!": _between(1, 3), "color!": _matches("#[0-9a-fA-F]{6}|#[0-9a-fA-F]{8}")},
    "dataConsumer": {"sources!": _is_any},
    "fragment": {"localId!": _is_filled, "name": _is_text},
}

WITH_CODE: Final = _types("code link annotation")
"""The marks that a text marked as ``code`` may bear."""

ALIGNED: Final = _types("doc layoutColumn bodiedSyncBlock tableCell tableHeader")
"""The nodes whose paragraphs and headings may be aligned or indented."""

ATTRS_NEEDED: Final = frozenset(
    name for name, rule in NODES.items() if rule.one_of or any(key.endswith("!") for key in rule.attrs)
)
