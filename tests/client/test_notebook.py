"""What notebooks show: readable, escaped, bounded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from kibcase import Case, FoundCases
from kibcase.alerts import Alert
from kibcase.models.case import FoundSimilarCases

EVIL = "<img src=x onerror=alert(1)>"
Build = Callable[..., dict[str, Any]]


def found(case_json: Build, number: int, **more: Any) -> dict[str, Any]:
    cases = [case_json(id=f"c{each}", **more) for each in range(number)]
    return {"cases": cases, "total": 1234, "page": 1, "per_page": 100}


@pytest.mark.parametrize("kind", [FoundCases, FoundSimilarCases])
def test_a_page_of_cases(kind: Any, case_json: Build) -> None:
    page = kind.model_validate(found(case_json, 3, title="Odd & logon"))
    assert repr(page) == f"{kind.__name__}(page=1, 3 of 1234 cases)"
    html = page._repr_html_()
    assert html.count("<tr>") == 4
    assert html.count("<td>Odd &amp; logon</td>") == 3
    assert "3 of 1234" in html


def test_nothing_of_a_case_is_markup(case_json: Build) -> None:
    fields = {"title": EVIL, "tags": [EVIL], "status": EVIL, "severity": EVIL, "owner": EVIL, "id": EVIL}
    case = Case.model_validate(case_json(**fields))
    page = FoundCases.model_validate({"cases": [case_json(**fields)], "total": 1})
    for html in (case._repr_html_(), page._repr_html_()):
        assert set(re.findall(r"<(\w+)", html)) <= {"table", "tr", "th", "td", "p"}
        assert "&lt;img" in html


def test_a_notebook_is_not_flooded(case_json: Build) -> None:
    page = FoundCases.model_validate(found(case_json, 300, title="x" * 160, tags=["y" * 256] * 50))
    html = page._repr_html_()
    assert html.count("<tr>") == 101
    assert len(html) < 100_000


def test_an_alert() -> None:
    source = {"kibana.alert.rule.name": EVIL, "kibana.alert.severity": "high", "@timestamp": "2024-05-01T10:00:00Z"}
    html = Alert(id="a1", index=".alerts", source=source)._repr_html_()
    assert "&lt;img" in html
    assert "<img" not in html
    assert all(part in html for part in ("high", "2024-05-01", ".alerts", "a1"))
