"""What type checkers and other code see of the models."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

import kibcase.models
from kibcase import Case, Changes, JiraFields, Observable
from kibcase.models.active import ActiveCase

FOLDER = Path(str(kibcase.models.__file__)).parent


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_type_checkers_see_the_names_of_the_fields(path: Path) -> None:
    # An alias in the default takes the field's own name away from who checks a script without pydantic's plugin
    # (PEP 681); in Annotated it does not.
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call):
            assert "alias" not in [each.arg for each in node.value.keywords], ast.unparse(node)


def test_both_spellings_still_make_a_model() -> None:
    assert JiraFields(issue_type="1") == JiraFields.model_validate({"issueType": "1"})
    assert JiraFields(issue_type="1").to_connector() == {"issueType": "1", "priority": None, "parent": None}
    assert Observable(type_key="k", value="v").to_api() == {"typeKey": "k", "value": "v"}


def test_what_a_case_can_change_is_typed() -> None:
    unpacked = typing.get_type_hints(ActiveCase.update, localns={"Case": Case, "Changes": Changes})["changes"]
    assert typing.get_args(unpacked) == (Changes,)
