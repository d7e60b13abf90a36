"""The table of endpoints holds whatever the library sends: ``conftest`` checks it in every test of this folder."""

from __future__ import annotations

import pytest

from kibcase import Kibana, Request
from kibcase.client.endpoints import endpoint_of


def test_what_is_in_no_row_fails(kibana: Kibana) -> None:
    with pytest.raises(AssertionError, match="GET /api/cases/a/b/c/d is in no row"):
        kibana.cases._transport.send(Request(method="GET", path="/api/cases/a/b/c/d"))


@pytest.mark.parametrize(("method", "path", "library"), [
    ("POST", "/api/saved_objects/_export", "saved_objects.export_cases"),
    ("POST", "/api/saved_objects/_import", "saved_objects.import_"),
    ("GET", "/api/files/files/casesFilesCases/f1", "files.info"),
    ("GET", "/api/files/files/casesFilesCases/f1/blob", "files.download"),
])
def test_what_lies_beside_cases_is_in_the_table(method: str, path: str, library: str) -> None:
    found = endpoint_of(method, path)
    assert found is not None
    assert found.library == library
