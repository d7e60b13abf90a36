from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import Case, InvalidAnswer, Kibana, LimitError, Rule, UnknownAttachment, UserComment
from kibcase.client.comments import newest_comment

URL = "http://kibana.test:5601"
COMMENTS = f"{URL}/api/cases/c1/comments"
ELASTIC = {"username": "elastic", "full_name": None, "email": None}
MARA = {"username": "mara", "full_name": "Mara Lindqvist", "email": None}
Build = Callable[..., dict[str, Any]]


def body(remote: responses.RequestsMock, number: int = 0) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def comment(number: int, text: str, user: dict[str, Any] = ELASTIC, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"m{number}", "version": f"v{number}", "type": "user", "owner": "cases", "comment": text,
        "created_at": f"2024-05-01T10:00:0{number}.000Z", "created_by": user, **fields,
    }


def test_add_finds_the_new_comment_in_the_answer(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    held = [
        comment(3, "same", MARA), comment(2, "same"), comment(1, "same"), comment(4, "other"),
        {"id": "m9", "type": "lens", "comment": "same"},
    ]
    remote.post(COMMENTS, json=case_json(comments=held, updated_by=ELASTIC))
    added = kibana.comments.add(Case.model_validate(case_json()), "same\n")
    assert added.id == "m2"
    assert body(remote) == {"type": "user", "comment": "same\n", "owner": "cases"}
    assert len(remote.calls) == 1


def test_of_two_made_at_the_same_moment_the_later_in_the_list_is_newer(case_json: Build) -> None:
    twins = [comment(1, "x"), comment(1, "x", id="m2")]
    case = Case.model_validate(case_json(comments=twins, updated_by=None))
    assert newest_comment(case, "x").id == "m2"


def test_add_without_the_comment_in_the_answer(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.post(COMMENTS, json=case_json())
    with pytest.raises(InvalidAnswer, match="does not hold the comment"):
        kibana.comments.add("c1", "x", "cases")


def test_what_add_refuses(kibana: Kibana) -> None:
    with pytest.raises(ValueError, match="owner"):
        kibana.comments.add("c1", "x")
    with pytest.raises(LimitError, match="length of the comment"):
        kibana.comments.add("c1", "x" * 30_001, "cases")
    with pytest.raises(ValueError, match="cannot be empty"):
        kibana.comments.add("c1", "\n", "cases")


def test_iter_goes_through_all_pages(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{COMMENTS}/_find", json={"comments": [comment(1, "a"), {"type": "?", "id": "m2"}], "total": 3})
    remote.get(f"{COMMENTS}/_find", json={"comments": [comment(3, "c")], "total": 3})
    found = list(kibana.comments.iter("c1", per_page=2))
    assert [each.id for each in found] == ["m1", "m2", "m3"]
    assert isinstance(found[1], UnknownAttachment)
    sent = dict(parse_qsl(urlsplit(str(remote.calls[1].request.url)).query))
    assert sent == {"page": "2", "perPage": "2", "sortOrder": "asc"}


def test_update_sends_the_comments_version_and_returns_it_anew(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.patch(COMMENTS, json=case_json(comments=[comment(1, "a"), comment(2, "new", version="v3")]))
    before = UserComment.model_validate(comment(2, "old"))
    assert kibana.comments.update("c1", before, "new").version == "v3"
    assert body(remote) == {"id": "m2", "version": "v2", "type": "user", "comment": "new", "owner": "cases"}


def test_get_and_delete(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{COMMENTS}/m1", json=comment(1, "a"))
    remote.delete(f"{COMMENTS}/m1", status=204)
    remote.delete(COMMENTS, status=204)
    assert kibana.comments.get("c1", "m1").type == "user"
    kibana.comments.delete("c1", "m1")
    kibana.comments.delete_all("c1")


def test_attach_alerts(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(COMMENTS, json=case_json(totalAlerts=2))
    case = Case.model_validate(case_json())
    assert kibana.alerts.attach(case, ["a", "b"], "idx", Rule(id="r", name="Rule")).total_alerts == 2
    kibana.alerts.attach("c1", "a", ["idx"], {"name": "Rule"}, "cases")
    kibana.alerts.attach("c1", "a", "idx", owner="cases")
    one = {"type": "alert", "owner": "cases", "alertId": ["a"], "index": ["idx"]}
    assert [body(remote, n) for n in range(3)] == [
        {**one, "alertId": ["a", "b"], "index": ["idx", "idx"], "rule": {"id": "r", "name": "Rule"}},
        {**one, "rule": {"id": None, "name": "Rule"}},
        {**one, "rule": {"id": None, "name": None}},
    ]


def test_what_attach_refuses(kibana: Kibana) -> None:
    with pytest.raises(ValueError, match="2 alerts but 1 indices"):
        kibana.alerts.attach("c1", ["a", "b"], ["i"], owner="cases")
    with pytest.raises(LimitError, match="number of alerts"):
        kibana.alerts.attach("c1", ["a"] * 1001, "i", owner="cases")
    with pytest.raises(ValueError, match="no alerts"):
        kibana.alerts.attach("c1", [], "i", owner="cases")
    with pytest.raises(ValueError, match="owner"):
        kibana.alerts.attach("c1", "a", "i")


def test_alerts_of_a_case_and_cases_of_an_alert(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/c1/alerts", json=[{"id": "a", "index": "i", "attached_at": "2024-05-01T10:00:00Z"}])
    remote.get(f"{URL}/api/cases/alerts/a%2F1", json=[{"id": "c1", "title": "t"}])
    assert kibana.alerts.of_case("c1")[0].index == "i"
    assert kibana.alerts.cases_of("a/1", owner="cases")[0].totals is None


def test_activity(kibana: Kibana, remote: responses.RequestsMock) -> None:
    entry = {
        "id": "1", "type": "status", "action": "update", "created_at": "2024-05-01T10:00:00Z",
        "payload": {"status": "closed"},
    }
    url = f"{URL}/api/cases/c1/user_actions/_find"
    remote.get(url, json={"userActions": [entry, {**entry, "id": "2"}], "page": 1, "perPage": 2, "total": 3})
    remote.get(url, json={"userActions": [{**entry, "id": "3"}], "page": 2, "perPage": 2, "total": 3})
    found = list(kibana.user_actions.iter("c1", types=["status", "tags"], sort_order="desc", per_page=2))
    assert [each.id for each in found] == ["1", "2", "3"]
    assert parse_qsl(urlsplit(str(remote.calls[0].request.url)).query) == [
        ("page", "1"), ("perPage", "2"), ("sortOrder", "desc"), ("types", "status"), ("types", "tags"),
    ]
