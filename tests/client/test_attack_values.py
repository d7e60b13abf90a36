"""What people and data of the world hand in: nothing, odd characters, names, numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from kibcase import (
    CaseChange,
    InvalidAnswer,
    InvalidValue,
    Kibana,
    KibcaseError,
    LimitError,
    Transport,
)
from kibcase.address import segment, well_formed
from kibcase.alerts import AlertIndices
from kibcase.client.files_names import upload_name
from kibcase.client.limits import check_text, trimmed
from kibcase.paging import Page, walk

URL = "http://kibana.test:5601"
Build = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", ["title", "description", "status", "severity", "close_reason"])
@pytest.mark.parametrize("nothing", [None, 5, b"x"])
def test_what_is_no_text_is_not_made_one(kibana: Kibana, case_json: Build, name: str, nothing: object) -> None:
    # "None" as the description of a case is what a script gets that reads a column which is empty.
    case = kibana.cases.update
    with pytest.raises(TypeError, match=f"^{name} is a text, not {type(nothing).__name__}$"):
        case("c1", version="v", **{name: nothing})  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["tags", "category"])
def test_what_is_no_text_is_no_tag_either(kibana: Kibana, field: str) -> None:
    with pytest.raises(TypeError, match="is a text, not int"):
        kibana.cases.update("c1", version="v", **{field: [5] if field == "tags" else 5})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="title is a text, not NoneType"):
        kibana.cases.create(title=None, description="d", owner="cases")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="extended field a_as_boolean is a text, not bool"):
        kibana.cases.update("c1", version="v", extended_fields={"a_as_boolean": True})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="each of tags is a text, not NoneType"):
        kibana.cases.find(tags=[None])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="created_from is a text, not date"):
        kibana.cases.find(created_from=date(2024, 1, 1))  # type: ignore[arg-type]


def test_a_custom_field_without_a_key_is_left_to_kibana(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.patch(f"{URL}/api/cases", status=400, json={"message": "Invalid value"})
    with pytest.raises(KibcaseError, match="Invalid value"):
        kibana.cases.update("c1", version="v", custom_fields=[{"type": "text", "value": "x"}])


def test_white_space_is_that_of_kibana() -> None:
    # JavaScript's trim takes the byte order mark away and leaves the separators that Python's strip takes.
    assert trimmed("\ufeff\u00a0\u2028 a\x1c \u3000") == "a\x1c"
    check_text("title", "\ufeff" + "x" * 160, 160)
    check_text("title", "\x1c", 160)
    with pytest.raises(LimitError):
        check_text("title", "\x85" + "x" * 160, 160)
    with pytest.raises(InvalidValue, match="title cannot be empty"):
        check_text("title", "\ufeff \u2029", 160)


def test_a_value_that_is_refused_here_is_an_error_of_the_library(kibana: Kibana) -> None:
    for act in (
        lambda: kibana.cases.get(".."), lambda: kibana.cases.get(""), lambda: kibana.comments.add("c1", " ", "cases"),
        lambda: kibana.comments.add("c1", "no owner"), lambda: kibana.files.upload("c1", b"x", name="README"),
        lambda: kibana.alerts.attach("c1", [], "i", owner="cases"), lambda: kibana.cases.delete([]),
        lambda: kibana.alerts.attach("c1", ["a"], ["i", "j"], owner="cases"),
        lambda: kibana.alerts.attach("c1", ["a", " "], "i", owner="cases"),
        lambda: kibana.alerts.attach("c1", ["a"], "", owner="cases"),
    ):
        with pytest.raises(InvalidValue) as caught:
            act()
        assert isinstance(caught.value, ValueError)
        assert isinstance(copy.copy(caught.value), InvalidValue)


def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    assert well_formed("a\ud800b😀") == "a\ufffdb😀"
    assert segment("\udcff") == "%EF%BF%BD"
    remote.get(f"{URL}/api/cases/_find", json={"cases": [], "total": 0})
    kibana.cases.find(search="\ud800", tags="\udfff")
    assert "search=%EF%BF%BD" in str(remote.calls[0].request.url)
    assert "tags=%EF%BF%BD" in str(remote.calls[0].request.url)


def test_a_file_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    assert upload_name("b\udcff.txt").stem == "b\ufffd"
    assert upload_name("x/b\udcff.txt", "application/zip").stem == "b\ufffd.txt"


@pytest.mark.parametrize("per_page", [30, 97, 99, 100, 7])
def test_a_walk_reaches_the_last_of_ten_thousand(per_page: int) -> None:
    asked: list[tuple[int, int]] = []

    def fetch(page: int, size: int) -> Page[int]:
        asked.append((page, size))
        assert page * size <= 10_000
        return Page(items=range((page - 1) * size, min(page * size, 9_999)), total=9_999)

    assert list(walk(fetch, key=lambda item: item, per_page=per_page)) == list(range(9_999))
    assert len(asked) <= 10_000 / per_page + 11


@pytest.mark.parametrize("per_page", [30, 100])
def test_a_walk_tells_that_there_is_more(per_page: int) -> None:
    def fetch(page: int, size: int) -> Page[int]:
        return Page(items=range((page - 1) * size, page * size), total=10_001)

    seen: list[int] = []
    with pytest.raises(LimitError, match="10000, given 10001"):
        seen.extend(walk(fetch, key=lambda item: item, per_page=per_page))
    assert seen == list(range(10_000))


def test_nothing_to_do_is_done(kibana: Kibana) -> None:
    assert kibana.cases.update_many([]).ok
    assert kibana.cases.delete_many([]).ok
    assert kibana.cases.bulk_get([]).cases == []


def test_an_answer_that_is_too_large_says_what_to_do(transport: Transport, remote: responses.RequestsMock) -> None:
    small = Kibana(URL, username="u", password="p", max_answer_bytes=100, proxies={})
    remote.get(f"{URL}/api/cases/_find", body=b"{" + b" " * 200, content_type="application/json")
    with pytest.raises(InvalidAnswer, match="max_answer_bytes") as caught:
        small.cases.find()
    assert "login page" not in str(caught.value)


def test_tags_are_compared_as_kibana_stores_them(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.get(f"{URL}/api/cases/c1", json=case_json(tags=["a", "b"]))
    sent: list[Any] = []

    def patch(request: Any) -> tuple[int, dict[str, str], str]:
        sent.append(json.loads(request.body)["cases"][0]["tags"])
        return 200, {}, json.dumps([case_json(tags=sent[-1])])

    handle = kibana.case("c1").add_tags(" a ", "b\u00a0")
    assert not sent
    remote.add_callback(responses.PATCH, f"{URL}/api/cases", callback=patch, content_type="application/json")
    handle.add_tags(" new ", "new").remove_tags(" b")
    assert sent == [["a", "b", "new"], ["a", "new"]]


@given(st.text())
def test_what_is_well_formed_stays(text: str) -> None:
    assert well_formed(text) == text


def test_ids_that_are_long_go_in_several_deletes(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.delete(f"{URL}/api/cases", status=204)
    ids = [f"{'ä' * 60}{number}" for number in range(100)]
    assert kibana.cases.delete_many(ids).done == ids
    # Node takes 16 KiB of request line and headers, proxies often 8.
    assert all(len(str(call.request.url)) < 8000 for call in remote.calls)


def test_a_change_of_many_is_checked_before_anything_is_sent(kibana: Kibana) -> None:
    with pytest.raises(TypeError, match="title is a text"):
        kibana.cases.update_many([CaseChange(id="c1", version="v", changes={"title": None})])  # type: ignore[typeddict-item]


@pytest.mark.parametrize("timeout", [0, -1.0, (1.0, 0.0)])
def test_one_time_out_is_both(timeout: float | tuple[float, float]) -> None:
    assert Kibana(URL, timeout=3).url == URL
    with pytest.raises(ValueError, match="more than 0"):
        Kibana(URL, timeout=timeout)


def test_pages_of_alerts_are_checked_before_anything_is_sent() -> None:
    alerts = AlertIndices("http://127.0.0.1:9")
    for act in (lambda: alerts.stream(page=0), lambda: alerts.find(size=-1)):
        with pytest.raises(InvalidValue, match="is at least"):
            act()
    with pytest.raises(LimitError):
        alerts.stream(page=10_001)
    alerts.close()
