from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from kibcase import (
    AuthenticationError,
    Case,
    CaseChange,
    ConflictError,
    ConnectionFailed,
    Fate,
    Kibana,
    LostRace,
    NotFoundError,
    NothingToUpdate,
    PayloadTooLarge,
    ServerError,
)
from kibcase.client.bulk import cut, named_in, run

URL = "http://kibana.test:5601"
Build = Callable[..., dict[str, Any]]
Answer = tuple[int, dict[str, str], str]


def changes(count: int, title: str = "new") -> list[CaseChange]:
    return [CaseChange(id=f"c{number}", version="v", changes={"title": title}) for number in range(count)]


@pytest.fixture
def sent(remote: responses.RequestsMock, case_json: Build) -> list[list[str]]:
    """A Kibana that updates all but ``bad`` (409), ``gone`` (404) and ``raced`` (left out of the answer)."""
    batches: list[list[str]] = []

    def patch(request: Any) -> Answer:
        entries = json.loads(request.body)["cases"]
        ids = [each["id"] for each in entries]
        batches.append(ids)
        for kind, status in (("gone", 404), ("bad", 409)):
            named = [each for each in ids if each.startswith(kind)]
            if named:
                text = f"These cases {', '.join(named)} have been updated or do not exist."
                return status, {}, json.dumps({"message": text})
        done = [case_json(id=each["id"], title=each["title"]) for each in entries if not each["id"].startswith("raced")]
        return 200, {}, json.dumps(done)

    remote.add_callback(responses.PATCH, f"{URL}/api/cases", callback=patch, content_type="application/json")
    return batches


def test_many_updates_go_by_hundreds(kibana: Kibana, sent: list[list[str]]) -> None:
    result = kibana.cases.update_many(changes(250))
    assert [len(batch) for batch in sent] == [100, 100, 50]
    assert len(result.updated) == 250
    assert result.ok
    result.raise_for_failures()


def test_updates_are_cut_by_bytes(kibana: Kibana, sent: list[list[str]]) -> None:
    long = [
        CaseChange(id=f"c{n}", version="v", changes={"title": "t", "description": "é" * 30_000}) for n in range(12)
    ]
    assert len(kibana.cases.update_many(long).updated) == 12
    # An é is six bytes as it is sent: five of them fit below 900,000 bytes, not more.
    assert [len(batch) for batch in sent] == [4, 4, 4]


def test_who_is_named_is_reported_and_the_others_are_sent(kibana: Kibana, sent: list[list[str]]) -> None:
    ids = ("c1", "bad1", "gone1", "c2", "raced")
    named = [CaseChange(id=each, version="v", changes={"title": "t"}) for each in ids]
    result = kibana.cases.update_many(named)
    assert sent == [["c1", "bad1", "gone1", "c2", "raced"], ["c1", "bad1", "c2", "raced"], ["c1", "c2", "raced"]]
    assert [case.id for case in result.updated] == ["c1", "c2"]
    assert [(each.item, each.fate, type(each.error)) for each in result.failed] == [
        ("bad1", Fate.REFUSED, ConflictError), ("gone1", Fate.REFUSED, NotFoundError),
        ("raced", Fate.UNKNOWN, LostRace),
    ]
    assert not result.ok
    with pytest.raises(ConflictError):
        result.raise_for_failures()


def test_a_case_that_the_answer_leaves_out_was_as_wanted_or_lost_a_race(
    kibana: Kibana, sent: list[list[str]], remote: responses.RequestsMock, case_json: Build
) -> None:
    now = [case_json(id="raced1", version="v"), case_json(id="raced2", version="other")]
    remote.post(f"{URL}/internal/cases/_bulk_get", json={"cases": now, "errors": []})
    ids = ("raced1", "c1", "raced2", "raced3")
    report = kibana.cases.update_many([CaseChange(id=each, version="v", changes={"title": "t"}) for each in ids])
    assert [each.fate for each in report.outcomes] == [Fate.UNCHANGED, Fate.DONE, Fate.UNKNOWN, Fate.UNKNOWN]
    assert json.loads(remote.calls[1].request.body or "") == {"ids": ["raced1", "raced2", "raced3"]}
    assert repr(report) == "UpdateReport(1 done, 1 unchanged, 2 unknown)"
    with pytest.raises(LostRace, match="raced2"):
        report.raise_for_failures()


def test_what_cannot_be_read_again_stays_unknown(
    kibana: Kibana, sent: list[list[str]], remote: responses.RequestsMock
) -> None:
    remote.post(f"{URL}/internal/cases/_bulk_get", status=500, json={"message": "shard failure"})
    report = kibana.cases.update_many([CaseChange(id="raced", version="v", changes={"title": "t"})])
    assert [each.fate for each in report.outcomes] == [Fate.UNKNOWN]


def test_cases_that_are_as_wanted(kibana: Kibana, remote: responses.RequestsMock) -> None:
    text = "All update fields are identical to current version."
    remote.patch(f"{URL}/api/cases", status=406, json={"message": text})
    report = kibana.cases.update_many(changes(2))
    assert (report.of(Fate.UNCHANGED), report.updated, report.ok) == (["c0", "c1"], [], True)


def test_what_stops_the_first_request_is_raised(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.patch(f"{URL}/api/cases", status=401, json={"message": "Unauthorized"})
    with pytest.raises(AuthenticationError):
        kibana.cases.update_many(changes(200))
    assert len(remote.calls) == 1


def test_what_stops_a_later_request_is_reported(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.patch(f"{URL}/api/cases", json=[case_json(id=f"c{number}") for number in range(100)])
    remote.patch(f"{URL}/api/cases", status=500, json={"message": "shard failure"})
    result = kibana.cases.update_many(changes(250))
    assert len(result.updated) == 100
    assert result.of(Fate.UNKNOWN) == [f"c{number}" for number in range(100, 200)]
    assert all(isinstance(each.error, ServerError) for each in result.failed)
    assert result.of(Fate.NOT_TRIED) == [f"c{number}" for number in range(200, 250)]


def test_deleting_many(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.delete(f"{URL}/api/cases", status=404, json={"message": "Saved object [cases/c7] not found"})
    remote.delete(f"{URL}/api/cases", status=204)
    remote.delete(f"{URL}/api/cases", status=204)
    result = kibana.cases.delete_many([Case.model_validate(case_json(id=f"c{n}")) for n in range(120)])
    assert len(result.done) == 119
    assert [(each.index, each.item, each.fate) for each in result.failed] == [(7, "c7", Fate.REFUSED)]


@given(
    st.dictionaries(st.text(min_size=1, max_size=5), st.text(alphabet="abc", max_size=60), max_size=40),
    st.integers(1, 7), st.integers(70, 200),
)
def test_cutting_keeps_order_and_bounds(items: dict[str, str], maximum: int, size: int) -> None:
    batches = cut(items, maximum, size)
    assert [key for batch in batches for key in batch] == list(items)
    for batch in batches:
        assert 1 <= len(batch) <= maximum
        assert len(json.dumps([items[key] for key in batch], separators=(",", ":"))) <= size


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 5))
def test_every_item_ends_in_one_place(kinds: list[int], maximum: int) -> None:
    # Kinds: 0 and 1 are fine, 2 missing, 3 conflicts without a name, 4 too large together, 5 breaks the line.
    ids = [f"i{number}.{kind}" for number, kind in enumerate(kinds)]

    def send(batch: Sequence[str]) -> None:
        marks = {each[-1] for each in batch}
        if "5" in marks:
            raise ConnectionFailed("reset", method="PATCH", path="/")
        if "4" in marks and len(batch) > 1:
            raise PayloadTooLarge(413, "too large")
        if "2" in marks:
            raise NotFoundError(404, f"These cases {next(each for each in batch if each[-1] == '2')} do not exist.")
        if "3" in marks:
            raise ConflictError(409, "somebody else")
        if marks == {"1"}:
            raise NothingToUpdate(406, "identical to current version")

    try:
        report, _ = run(cut(dict.fromkeys(ids), maximum), send)
    except ConnectionFailed:
        return
    assert [each.item for each in report.outcomes] == ids
    assert [each.index for each in report.outcomes] == list(range(len(ids)))
    assert not [each for each in report.done if each[-1] in "25"]
    assert all(each.error for each in report.failed)


def test_ids_are_found_as_whole_words() -> None:
    text = "These cases c1, c22 do not exist. Saved object [cases/x-y] not found"
    assert named_in(text, ["c1", "c2", "c22", "x-y", "y"]) == ["c1", "c22", "x-y"]
