"""Quoting, and deleting many comments."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from kibcase import AuthenticationError, Case, Fate, Kibana, NotFoundError, Policy, Transport, UserComment
from kibcase.client.comments import quotation
from kibcase.server.app import CasesServer


@pytest.fixture(scope="module", params=["8.19.0", "9.5.0"])
def server(request: pytest.FixtureRequest) -> Iterator[CasesServer]:
    with CasesServer(stack_version=request.param, users={"elastic": "changeme"}) as running:
        yield running


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(
        server.kibana_url, username="elastic", password="changeme", retry=Policy(base=0.0), proxies={},
        timeout=(5.0, 10.0),
    ) as client:
        yield client


@pytest.fixture
def kibana_mock(transport: Transport) -> Kibana:
    return Kibana.over(transport)


@pytest.fixture
def case(kibana: Kibana) -> Case:
    return kibana.cases.create(title="Odd logon", description="At night", owner="securitySolution")


def test_many_are_deleted_however_the_stack_does_it(server: CasesServer, kibana: Kibana, case: Case) -> None:
    comments = [kibana.comments.add(case, f"{number}") for number in range(5)]
    assert kibana.status.version
    server.kibana.forget()
    report = kibana.comments.delete_many(case, [each.id for each in comments[:4]] + [comments[0].id])
    assert report.done == [each.id for each in comments[:4]]
    newer = kibana.status.version >= (9, 5, 0)
    assert [seen.method for seen in server.kibana.requests] == (["POST"] if newer else ["DELETE"] * 4)
    assert [each.id for each in kibana.comments.iter(case)] == [comments[4].id]
    server.kibana.forget()
    assert kibana.comments.delete_many(case, []).ok
    assert server.kibana.requests == []


def test_one_that_is_gone_is_told(kibana: Kibana, case: Case) -> None:
    comment = kibana.comments.add(case, "there")
    report = kibana.comments.delete_many(case, [comment.id, "gone"])
    # Newer stacks delete none of a request if one is missing.
    refused = [comment.id, "gone"] if kibana.status.version >= (9, 5, 0) else ["gone"]
    assert [each.item for each in report.failed] == refused
    assert {each.fate for each in report.failed} == {Fate.REFUSED}
    with pytest.raises(NotFoundError):
        report.raise_for_failures()


def test_what_stops_everything_is_raised(server: CasesServer, case: Case) -> None:
    with Kibana(server.kibana_url, username="elastic", password="wrong", proxies={}) as stranger, \
            pytest.raises(AuthenticationError):
        stranger.comments.delete_many(case, ["a", "b"])


def test_a_stack_that_hides_its_version_is_tried(remote: responses.RequestsMock, kibana_mock: Kibana) -> None:
    base = "http://kibana.test:5601/api/cases/c1/comments"
    remote.get("http://kibana.test:5601/api/status", status=403, json={"message": "no"})
    remote.post(f"{base}/_bulk_delete", status=404, json={"message": "Not Found"})
    remote.delete(f"{base}/a", status=204)
    remote.delete(f"{base}/b", status=204)
    assert kibana_mock.comments.delete_many("c1", ["a", "b"]).done == ["a", "b"]


def test_a_comment_is_quoted(kibana: Kibana, case: Case) -> None:
    comment = kibana.comments.add(case, "First\n\nthird")
    quoted = kibana.comments.quote(comment)
    assert quoted == "> First\n>\n> third\n\n"
    answer = kibana.comments.add(case, f"{quoted}I agree.")
    assert answer.comment == "> First\n>\n> third\n\nI agree."
    assert kibana.comments.quote("a\r\nb") == "> a\n> b\n\n"


@given(st.text())
def test_every_line_is_quoted(text: str) -> None:
    quoted = quotation(text)
    assert quoted.endswith("\n\n")
    lines = quoted.removesuffix("\n\n").split("\n")
    assert all(line.startswith(">") for line in lines)


def test_a_case_may_be_given_instead_of_its_id(kibana: Kibana, case: Case) -> None:
    comment = kibana.comments.add(case, "x")
    assert isinstance(comment, UserComment)
    changed = kibana.comments.update(case, comment, "y")
    assert kibana.comments.get(case, changed.id) == changed
    assert kibana.comments.find(case).total == 1
    kibana.comments.delete(case, changed.id)
    with pytest.raises(NotFoundError):
        kibana.comments.delete_all(case)
