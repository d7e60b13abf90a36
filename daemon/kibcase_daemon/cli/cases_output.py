"""What the ``kibcase cases`` commands print: tables for people, one JSON object per line for programs.

Pure but for ``show``, which prints. Text of cases goes through ``plain`` and ``paragraphs``: it can neither be
markup nor steer the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from kibcase.models.attachment_request import FILE_TYPE
from kibcase.models.file import CaseFile
from kibcase_daemon.render import clean, plain

if TYPE_CHECKING:
    from kibcase import Case

STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "open": "green", "in-progress": "cyan"}
_LINES: Final = 400
_WIDEST: Final = 2000


def cases_table(cases: Iterable[Case]) -> Table:
    """Show cases, one per row."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, more in (
        ("id", {"no_wrap": True}), ("created", {"no_wrap": True}), ("severity", {}), ("status", {"no_wrap": True}),
        ("title", {"ratio": 1}), ("tags", {}), ("alerts", {"justify": "right"}), ("comments", {"justify": "right"}),
    ):
        table.add_column(name, **more)
    for case in cases:
        table.add_row(
            plain(case.id), moment(case.created_at), _styled(str(case.severity)), _styled(str(case.status)),
            plain(case.title), plain(", ".join(case.tags)), str(case.total_alerts), str(case.total_comments),
        )
    return table


def case_details(case: Case, attachments: Sequence[Any]) -> Group:
    """Show one case with its description and what is attached."""
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(case).items():
        if value:
            facts.add_row(Text(name, style="dim"), _styled(value))
    parts: list[Any] = [plain(case.title, "bold", 400), facts, "", paragraphs(case.description)]
    for each in attachments:
        parts += ["", _heading(each), paragraphs(_body(each))]
    return Group(*parts)


def paragraphs(text: str) -> Text:
    """Give text of several lines without control characters, cut visibly after 400 lines."""
    lines = text.splitlines()
    shown = [clean(line, _WIDEST) for line in lines[:_LINES]]
    return Text("\n".join([*shown, *(["…"] if len(lines) > _LINES else [])]))


def moment(at: datetime | None) -> str:
    """Give a moment as people read it, in UTC."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def _facts(case: Case) -> dict[str, str]:
    return {
        "id": case.id, "number": str(case.incremental_id or ""), "status": str(case.status),
        "severity": str(case.severity), "owner": case.owner, "tags": ", ".join(case.tags),
        "category": case.category or "", "assignees": ", ".join(each.uid for each in case.assignees),
        "created": _by(case.created_at, case.created_by), "updated": _by(case.updated_at, case.updated_by),
        "closed": _by(case.closed_at, case.closed_by), "alerts": str(case.total_alerts or ""),
        "custom fields": ", ".join(f"{each.key}={each.value}" for each in case.custom_fields if each.value is not None),
        "observables": ", ".join(each.value for each in case.observables),
        "ticket": "" if case.external_service is None else case.external_service.external_url or "",
    }


def _by(at: datetime | None, user: Any) -> str:
    return "" if at is None else f"{moment(at)}" + (f" by {user.display_name}" if user else "")


def _styled(value: str) -> Text:
    return plain(value, STYLES.get(value, ""), 400)


def _heading(attachment: Any) -> Text:
    file = CaseFile.of(attachment)
    kind = f"file {file.file_name}" if file else "comment" if attachment.type == "user" else str(attachment.type)
    who = _by(getattr(attachment, "created_at", None), getattr(attachment, "created_by", None))
    return plain(f"{kind} {who}", "bold", 400)


def _body(attachment: Any) -> str:
    for name in ("comment", "alert_ids", "event_ids"):
        value = getattr(attachment, name, None)
        if value:
            return value if isinstance(value, str) else "\n".join(value)
    kind = getattr(attachment, "reference_type_id", "")
    return "" if kind == FILE_TYPE else str(kind)
