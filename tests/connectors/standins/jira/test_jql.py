"""The JQL parser on its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.jira import JiraProblem
from kibcase_connectors.standins.jira.jql import Both, Clause, Either, Not, Operand, Order, parse
from kibcase_connectors.standins.jira.matching import read_date


def clause(field: str, *values: str, operator: str = "=", quoted: bool = False) -> Clause:
    operands = tuple(Operand(kind="value", text=each, quoted=quoted) for each in values)
    return Clause(field=field, operator=operator, operands=operands)


def test_precedence_and_order() -> None:
    query = parse("a = 1 OR b in (2, 3) AND NOT (c != 4) ORDER BY updated ASC, key DESC, id")
    assert query.where == Either(parts=(
        clause("a", "1"),
        Both(parts=(clause("b", "2", "3", operator="in"), Not(part=clause("c", "4", operator="!=")))),
    ))
    assert query.order == (
        Order(field="updated", descending=False), Order(field="key", descending=True),
        Order(field="id", descending=None),
    )


@given(st.text(max_size=60))
def test_a_quoted_string_reads_as_it_was(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse(f'labels = "{escaped}"').where == clause("labels", text, quoted=True)


def outcome(text: str) -> str:
    try:
        return repr(parse(text))
    except JiraProblem as problem:
        return f"{problem.status} {problem.messages[0]}"


@given(st.text(alphabet="ab()=\"' ANDORinot,<>~!\\\n0", max_size=60))
def test_any_text_parses_or_is_refused_in_jiras_way(text: str) -> None:
    assert outcome(text).startswith(("Query(", "400 Error in the JQL Query: "))


OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
WORD = "is a reserved JQL word. You must surround it in quotation marks to use it as"
CHARACTER = "is a reserved JQL character. You must enclose it in a string or use the escape"
NO_MORE = "but there were no more characters."


@pytest.mark.parametrize(("jql", "text"), [
    ("project", f"Expecting operator but got ''. The valid operators are {OPERATORS}. (line 1, character 8)"),
    ("project = ", f"Expecting either a value, list or function {NO_MORE} (line 1, character 11)"),
    ("reporter=a/user", f"The character '/' {CHARACTER} '\\u002f' instead. (line 1, character 11)"),
    ('labels = "open', "The quoted string 'open' has not been completed. (line 1, character 10)"),
    ("project = SOC\nlabels = x", "Expecting either 'OR' or 'AND' but got 'labels'. (line 2, character 1)"),
    ("project = order", f"'order' {WORD} a value. (line 1, character 11)"),
    ("labels in (a, b", f"Expecting ')' {NO_MORE} (line 1, character 16)"),
    ("labels is x", "The operator 'is' can only be used with EMPTY or NULL."),
    ("a = 1 order key", "Expecting 'by' but got 'key'. (line 1, character 13)"),
    ("not " * 200 + "a = 1", "The query is nested too deeply."),
    ("a = " + "x" * 100_000, "The query is too long."),
])
def test_refusals(jql: str, text: str) -> None:
    with pytest.raises(JiraProblem) as refused:
        parse(jql)
    assert refused.value.messages == (f"Error in the JQL Query: {text}",)


def test_unicode_escape() -> None:
    assert parse(r'labels = "a\u0040b"').where == clause("labels", "a@b", quoted=True)


NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "quoted", "zone", "moment"), [
    ("1732877091000", False, "UTC", datetime(2024, 11, 29, 10, 44, 51, tzinfo=UTC)),
    ("2026/11/01 10:00", True, "America/New_York", datetime(2026, 11, 1, 15, 0, tzinfo=UTC)),
    ("2026-07-01 10:00", True, "America/New_York", datetime(2026, 7, 1, 14, 0, tzinfo=UTC)),
    ("2026-07-01", False, "Europe/Athens", datetime(2026, 6, 30, 21, 0, tzinfo=UTC)),
    ("-90m", True, "Europe/Athens", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
    ("1w", True, "UTC", datetime(2026, 11, 8, 12, 0, tzinfo=UTC)),
])
def test_dates(text: str, quoted: bool, zone: str, moment: datetime) -> None:
    assert read_date("updated", Operand(kind="value", text=text, quoted=quoted), NOW, zone) == moment


@pytest.mark.parametrize("text", [
    "2026-07-01T10:00:00Z", "2026/07/01 10:00:30", "1732877091000", "soon", "-5", "-999999999w",
])
def test_bad_dates(text: str) -> None:
    with pytest.raises(JiraProblem, match="Error in the JQL Query"):
        read_date("updated", Operand(kind="value", text=text, quoted=True), NOW, "UTC")
