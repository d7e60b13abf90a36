"""What the client sends to stacks of every age, and how it tells that something is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kibcase import Kibana, PersistableStateRequest, UnifiedValue, UnsupportedByStack
from kibcase.client.filters import spelled
from kibcase.server.app import CasesServer

VERSIONS = ("8.17.0", "8.19.0", "9.2.0", "9.3.0", "9.5.0")


@pytest.fixture(params=VERSIONS)
def kibana(request: pytest.FixtureRequest) -> Iterator[Kibana]:
    with (
        CasesServer(stack_version=request.param) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as client,
    ):
        yield client


def test_search_fields_are_spelled_as_the_stack_does(kibana: Kibana) -> None:
    case = kibana.cases.create(title="beacon", description="d", owner="cases")
    kibana.cases.create(title="other", description="beacon", owner="cases")
    for fields in ("title", "cases.title", ["title"]):
        found = kibana.cases.search(owner="cases", search="beacon", search_fields=fields)  # type: ignore[arg-type]
        assert [each.id for each in found.cases] == [case.id]


def test_spelling_of_search_fields() -> None:
    mixed = ["title", "cases.description", "cases-comments.comment", "incremental_id.text", "cases.observables.value"]
    assert spelled(mixed, deep=True) == [
        "cases.title", "cases.description", "cases-comments.comment", "cases.incremental_id.text",
        "cases.observables.value",
    ]
    assert spelled(mixed, deep=False) == [
        "title", "description", "cases-comments.comment", "incremental_id.text", "cases.observables.value",
    ]


def test_unified_shapes_in_bulk(kibana: Kibana) -> None:
    case = kibana.cases.create(title="t", description="d", owner="cases")
    things = [UnifiedValue.of_comment("hello"), UnifiedValue.of_comment("there")]
    if kibana.status.version >= (9, 5, 0):
        assert kibana.attachments.create_many(case, things).ok
        return
    with pytest.raises(UnsupportedByStack, match=r"unified attachments needs stack 9\.5\.0"):
        kibana.attachments.create_many(case, things)
    with pytest.raises(UnsupportedByStack):
        kibana.attachments.create_many(case, [PersistableStateRequest.of_lens({}, time_from="a", time_to="b"), *things])
    assert kibana.attachments.all(case) == []


def test_a_search_without_fields_looks_into_title_and_description(kibana: Kibana) -> None:
    titled = kibana.cases.create(title="beacon", description="d", owner="cases")
    described = kibana.cases.create(title="other", description="beacon", owner="cases")
    kibana.cases.create(title="other", description="d", owner="cases")
    wanted = {titled.id, described.id}
    assert {each.id for each in kibana.cases.search(owner="cases", search="beacon").cases} == wanted
    assert {each.id for each in kibana.cases.iter_search(owner="cases", search="beacon")} == wanted
    assert kibana.cases.search(owner="cases").total == 3


@pytest.mark.parametrize(("kind", "since"), [
    ("observables", (8, 18, 0)), ("extended_fields", (9, 4, 0)), ("template", (9, 4, 0)), ("status", (8, 17, 0)),
])
def test_activity_of_types_that_the_stack_lacks(kibana: Kibana, kind: str, since: tuple[int, int, int]) -> None:
    case = kibana.cases.create(title="t", description="d", owner="cases")
    if kibana.status.version >= since:
        assert kibana.user_actions.find(case, types=[kind]).total == 0
        assert kibana.user_actions.search(case, types=[kind]).total == 0
        return
    said = rf"activity of type {kind} needs stack {since[0]}\.{since[1]}\.0"
    with pytest.raises(UnsupportedByStack, match=said):
        kibana.user_actions.find(case, types=["status", kind])
    with pytest.raises(UnsupportedByStack, match=said):
        kibana.user_actions.search(case, types=[kind])
    with pytest.raises(UnsupportedByStack, match=said):
        list(kibana.user_actions.iter(case, types=[kind]))


def test_observable_types_need_a_stack_with_observables(kibana: Kibana) -> None:
    if kibana.status.version >= (8, 18, 0):
        assert kibana.observables.types(owner="cases")
        return
    with pytest.raises(UnsupportedByStack, match=r"observables needs stack 8\.18\.0; this Kibana is 8\.17\.0"):
        kibana.observables.types(owner="cases")
