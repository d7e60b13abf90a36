"""Copy, export and import of cases, against embedded servers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from kibcase import (
    AuthenticationError,
    BadRequestError,
    Case,
    ConnectionFailed,
    Kibana,
    LimitError,
    NotFoundError,
    Observable,
    PermissionDenied,
)
from kibcase.client.export_format import UnreadableExport
from kibcase.client.export_restore import Left, Restored
from kibcase.client.export_run import BrokenOff
from kibcase.models.configuration import CustomFieldDefinition
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault

OWNER = "securitySolution"


class Place:
    """A server and a client of it."""

    def __init__(self, ends: ExitStack, **options: Any) -> None:
        self.server = ends.enter_context(CasesServer(**options))
        self.server.cases.spaces.create({"id": "soc", "name": "SOC"})
        self.kibana = ends.enter_context(Kibana(self.server.kibana_url, username="elastic", password="changeme"))


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as ends:
        yield ends


@pytest.fixture
def here(ends: ExitStack) -> Place:
    return Place(ends)


def full_case(kibana: Kibana) -> Case:
    case = kibana.cases.create(
        title="Beacon", description="Seen *by* EDR.", owner=OWNER, tags=["edr", "c2"], severity="critical",
        category="malware", assignees=["u_1"], sync_alerts=False,
    )
    handle = kibana.case(case)
    handle.comment("Isolated.")
    handle.attach_alerts(["a1", "a2"], ".alerts", {"id": "r", "name": "Rule"})
    kibana.files.upload(case.id, b"evidence " * 100_000, name="dump.txt")
    kibana.observables.add_many(case.id, [Observable(type_key="observable-type-ipv4", value="10.0.0.7")])
    return handle.refresh().close().case


def said(restored: Restored) -> dict[str, str]:
    return {left.what: left.why for left in restored.left}


def texts(kibana: Kibana, case: Case) -> list[str]:
    return [str(each.comment) for each in kibana.comments.iter(case.id) if each.type == "user"]  # type: ignore[union-attr]


def check_same(copy: Case, original: Case) -> None:
    for name in ("title", "description", "tags", "severity", "category", "status"):
        assert getattr(copy, name) == getattr(original, name), name
    assert copy.settings is not None
    assert original.settings is not None
    assert copy.settings.sync_alerts == original.settings.sync_alerts
    assert [each.identity for each in copy.observables] == [each.identity for each in original.observables]


def test_copy_to_another_space_takes_everything(here: Place) -> None:
    original = full_case(here.kibana)
    soc = here.kibana.space("soc")
    restored = here.kibana.transfer.copy(original, soc)
    assert said(restored) == {}
    copy = restored.case
    assert copy is not None
    check_same(copy, original)
    assert (copy.total_alerts, [each.uid for each in copy.assignees], copy.owner) == (2, ["u_1"], OWNER)
    first, second = texts(soc, copy)
    assert first.startswith(f"*Copied from case {original.id} (space default, securitySolution), opened by elastic on ")
    assert second.startswith("*elastic wrote on ")
    assert second.endswith(":*\n\nIsolated.")
    (file,) = soc.files.list(copy)
    assert (file.file_name, soc.files.read(file)) == ("dump.txt", b"evidence " * 100_000)
    assert copy.refresh().reopen().status == "open"


def test_copy_to_another_cluster_tells_what_stays(here: Place, ends: ExitStack) -> None:
    original = full_case(here.kibana)
    there = Place(ends, stack_version="8.17.0", license="basic").kibana
    restored = here.kibana.transfer.copy(original.id, there, owner="observability", note=False)
    copy = restored.case
    assert copy is not None
    left = said(restored)
    assert set(left) == {"the assignees", "1 observable", "2 alerts"}
    assert left["2 alerts"] == "alerts stay where they are unless asked for"
    assert (copy.owner, copy.status, copy.total_alerts, copy.total_comments) == ("observability", "closed", 0, 1)
    assert [file.file_name for file in there.files.list(copy)] == ["dump.txt"]


def test_only_custom_fields_that_are_configured_come_along(here: Place) -> None:
    fields = [
        CustomFieldDefinition(key="site", label="Site", type="text"),
        CustomFieldDefinition(key="vip", label="VIP", type="toggle"),
    ]
    here.kibana.configuration.replace(OWNER, custom_fields=fields)
    case = here.kibana.cases.create(
        title="t", description="d", owner=OWNER,
        custom_fields=[
            {"key": "site", "type": "text", "value": "Bern"}, {"key": "vip", "type": "toggle", "value": True},
        ],
    )
    soc = here.kibana.space("soc")
    bare = here.kibana.transfer.copy(case, soc)
    assert bare.case is not None
    assert set(said(bare)) == {"custom field site", "custom field vip"}
    soc.configuration.replace(OWNER, custom_fields=fields[:1])
    half = here.kibana.transfer.copy(case, soc)
    assert half.case is not None
    assert set(said(half)) == {"custom field vip"}
    assert {each.key: each.value for each in half.case.custom_fields} == {"site": "Bern"}


FIELD = "name: {name}\ntype: keyword\ncontrol: INPUT_TEXT\nlabel: {name}\n"


def test_extended_fields_and_settings_come_along(ends: ExitStack) -> None:
    place = Place(ends, stack_version="9.5.0")
    soc = place.kibana.space("soc")
    for kibana, names in ((place.kibana, ("site", "shift")), (soc, ("site",))):
        for name in names:
            kibana.fields.create(owner=OWNER, definition=FIELD.format(name=name), is_global=True)
    given = {"site_as_keyword": "HQ", "shift_as_keyword": "night"}
    original = place.kibana.cases.create(
        title="t", description="10.1.2.3", owner=OWNER, extended_fields=given, extract_observables=False
    )
    restored = place.kibana.transfer.copy(original, soc)
    assert restored.case is not None
    assert restored.case.extended_fields == {"site_as_keyword": "HQ"}
    assert restored.case.settings == original.settings
    assert said(restored) == {"extended field shift_as_keyword": f"cases of {OWNER} do not have it there"}


@pytest.mark.parametrize("version", ["8.19.0", "9.2.0", "9.4.0"])
def test_what_an_older_stack_lacks_is_told(ends: ExitStack, version: str) -> None:
    place, older = Place(ends, stack_version="9.5.0"), Place(ends, stack_version=version)
    place.kibana.fields.create(owner=OWNER, definition=FIELD.format(name="site"), is_global=True)
    template = place.kibana.templates.create(owner=OWNER, definition="name: Phishing\nfields: []\n")
    original = place.kibana.cases.create(
        title="t", description="d", owner=OWNER, extended_fields={"site_as_keyword": "HQ"}, extract_observables=False,
        template={"id": template.id, "version": 1},
    )
    restored = place.kibana.transfer.copy(original, older.kibana)
    assert restored.case is not None
    assert list(said(restored)) == [f"the template {template.id}", "extended fields"]


def test_a_long_comment_comes_in_parts(here: Place) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    case.comment("x" * 30_000)
    restored = here.kibana.transfer.copy(case, here.kibana, note=False)
    assert restored.case is not None
    parts = texts(here.kibana, restored.case)
    assert len(parts) == 2
    assert "".join(parts).endswith("x" * 30_000)


def test_a_refused_part_is_told_and_the_rest_comes(here: Place) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    case.comment("one")
    case.comment("two")
    here.server.kibana.arm(Fault(method="POST", path="/s/soc/api/cases/[^/]+/comments", status=403, body=b"{}"))
    restored = here.kibana.transfer.copy(case, here.kibana.space("soc"), note=False)
    assert restored.case is not None
    assert [each.what for each in restored.left] == ["a comment"]
    assert restored.case.total_comments == 1


def test_a_refused_case_is_told_without_an_exception(here: Place) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    restored = here.kibana.transfer.copy(case, here.kibana, owner="nobody")
    assert restored.case is None
    assert [each.what for each in restored.left] == ["the case"]
    with pytest.raises(NotFoundError):
        here.kibana.transfer.copy("nowhere", here.kibana)


def test_wrong_credentials_are_no_report(here: Place) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    with (
        Kibana(here.server.kibana_url, username="elastic", password="wrong") as stranger,
        pytest.raises(AuthenticationError),
    ):
        here.kibana.transfer.copy(case, stranger)


@pytest.mark.parametrize("version", ["8.17.0", "8.19.0", "9.2.0", "9.5.0"])
def test_export_and_import_round_trip(version: str, here: Place, ends: ExitStack) -> None:
    original = full_case(here.kibana)
    other = here.kibana.cases.create(title="Other", description="d", owner="cases")
    file = io.BytesIO()
    assert here.kibana.transfer.export([original, other.id], file, files=True).cases == 2
    file.seek(0)
    there = Place(ends, stack_version=version).kibana
    first, second = there.transfer.import_(file)
    assert first.case is not None
    assert second.case is not None
    assert second.case.title == "Other"
    assert there.files.read(there.files.list(first.case)[0]) == b"evidence " * 100_000
    if version != "8.17.0":
        check_same(first.case, original)
    assert first.left[0] == Left(what="the assignees", why="profile uids mean nothing in another cluster")


def test_an_export_of_an_import_is_the_same(here: Place, ends: ExitStack) -> None:
    full_case(here.kibana)
    first, second = io.BytesIO(), io.BytesIO()
    here.kibana.transfer.export(here.kibana.cases.iter(), first, files=True)
    there = Place(ends).kibana
    first.seek(0)
    list(there.transfer.import_(first, alerts=True, note=False))
    there.transfer.export(there.cases.iter(), second, files=True)

    def kinds(file: io.BytesIO) -> list[str]:
        lines = [json.loads(line) for line in file.getvalue().splitlines()]
        return [f"{each['kind']} {each.get('attachment', {}).get('type', '')}" for each in lines]

    assert kinds(first) == kinds(second)
    assert kinds(first).count("chunk ") == 3


def test_files_that_were_not_exported_are_told(here: Place) -> None:
    original = full_case(here.kibana)
    file = io.BytesIO()
    here.kibana.transfer.export([original], file)
    file.seek(0)
    (restored,) = here.kibana.transfer.import_(file)
    assert said(restored)["the file dump.txt"] == "its content was not exported"


class Pipe(io.BytesIO):
    """A source that can be read once."""

    def seekable(self) -> bool:
        return False

    def seek(self, place: int, whence: int = 0) -> int:
        raise OSError("a pipe cannot go back")


def exported(kibana: Kibana, number: int) -> bytes:
    cases = [kibana.cases.create(title=f"t{each}", description="d", owner=OWNER) for each in range(number)]
    file = io.BytesIO()
    kibana.transfer.export(cases, file)
    return file.getvalue()


def test_a_pipe_that_is_cut_off_keeps_what_was_whole(here: Place) -> None:
    found = here.kibana.transfer.import_(Pipe(exported(here.kibana, 3)[:-40]))
    whole, broken = next(found), next(found)
    assert (whole.source.title, whole.left) == ("t0", ())
    assert broken.source.title == "t1"
    assert broken.case is not None
    assert [each.what for each in broken.left] == ["what comes after"]
    with pytest.raises(UnreadableExport, match=r"line 4: .*; made before that: 2 cases") as caught:
        next(found)
    assert caught.value.made == 2
    assert here.kibana.cases.find().total == 5


@pytest.mark.parametrize("spoil", [
    lambda lines: lines[:-1], lambda lines: lines[:1], lambda lines: [], lambda lines: [*lines[:2], *lines[3:]],
    lambda lines: [*lines[:3], b"{broken\n", *lines[3:]], lambda lines: [*lines[:3], lines[3][:30]],
    lambda lines: [lines[0].replace(b'"format":1', b'"format":99'), *lines[1:]],
    lambda lines: [*lines[:3], b'{"kind":"newer"}\n', *lines[3:]],
], ids=["no end", "header", "empty", "case gone", "no JSON", "cut", "newer format", "unknown record"])
def test_a_broken_file_makes_no_case(here: Place, spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = exported(here.kibana, 3).splitlines(keepends=True)
    here.server.kibana.forget()
    with pytest.raises(UnreadableExport, match="no case was made") as caught:
        here.kibana.transfer.import_(io.BytesIO(b"".join(spoil(lines))))
    assert caught.value.made == 0
    assert here.server.kibana.writes == []


def test_a_file_is_read_from_where_it_stands(here: Place) -> None:
    file = io.BytesIO(b"before\n" + exported(here.kibana, 2))
    file.readline()
    assert [each.source.title for each in here.kibana.transfer.import_(file)] == ["t0", "t1"]


def with_a_file_that_is_gone(place: Place) -> Case:
    case = place.kibana.cases.create(title="t", description="d", owner=OWNER)
    for name in ("one.txt", "two.txt"):
        place.kibana.files.upload(case, name.encode(), name=name)
    one = place.kibana.files.list(case)[0]
    place.server.kibana.arm(Fault(
        method="GET", path=f"/api/files/files/[^/]+/{one.id}/blob", status=404, body=b'{"message":"File not found"}',
        times=None,
    ))
    return case


def test_a_file_whose_content_is_gone_is_told(here: Place) -> None:
    case = with_a_file_that_is_gone(here)
    case.comment("Last.")
    restored = here.kibana.transfer.copy(case, here.kibana.space("soc"), note=False)
    assert restored.case is not None
    assert [each.what for each in restored.left] == ["the file one.txt"]
    assert "File not found" in restored.left[0].why
    soc = here.kibana.space("soc")
    assert [each.file_name for each in soc.files.list(restored.case)] == ["two.txt"]
    assert len(texts(soc, restored.case)) == 1


def test_an_export_tells_of_a_file_whose_content_is_gone(here: Place) -> None:
    case = with_a_file_that_is_gone(here)
    file = io.BytesIO()
    told = here.kibana.transfer.export([case], file, files=True)
    assert told.cases == 1
    (left,) = told.left
    assert left.what == f"the file one.txt of the case {case.id}"
    assert "File not found" in left.why
    file.seek(0)
    (restored,) = here.kibana.transfer.import_(file, note=False)
    assert said(restored).keys() == {"the file one.txt"}
    assert "File not found" in said(restored)["the file one.txt"]


@pytest.mark.parametrize("path", ["/s/soc/api/cases/[^/]+/comments", "/s/soc/api/cases", "/s/soc/api/cases/[^/]+"])
def test_a_copy_that_breaks_off_names_the_case_that_was_begun(here: Place, path: str) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    case.comment("one")
    case = case.close()
    method = {"comments": "POST", "cases": "PATCH"}.get(path.rsplit("/", 1)[-1], "GET")
    here.server.kibana.arm(Fault(method=method, path=path, drop=True, times=None))
    with pytest.raises(BrokenOff) as caught:
        here.kibana.transfer.copy(case, here.kibana.space("soc"))
    here.server.kibana.disarm()
    (begun,) = here.kibana.space("soc").cases.find().cases
    assert caught.value.half is not None
    assert caught.value.half.case is not None
    assert caught.value.half.case.id == begun.id
    assert begun.id in str(caught.value)
    assert isinstance(caught.value.__cause__, ConnectionFailed)


def test_a_copy_whose_original_cannot_be_read_names_it_too(here: Place) -> None:
    case = here.kibana.cases.create(title="t", description="d", owner=OWNER)
    here.server.kibana.arm(Fault(method="GET", path="/api/cases/[^/]+/resolve", status=403, body=b"{}", times=None))
    with pytest.raises(BrokenOff) as caught:
        here.kibana.transfer.copy(case, here.kibana.space("soc"))
    assert isinstance(caught.value.__cause__, PermissionDenied)
    (begun,) = here.kibana.space("soc").cases.find().cases
    assert begun.id in str(caught.value)


def test_an_import_that_breaks_off_tells_how_many_were_made(here: Place) -> None:
    file = io.BytesIO(exported(here.kibana, 3))
    found = here.kibana.space("soc").transfer.import_(file, note=False)
    assert [next(found).source.title, next(found).source.title] == ["t0", "t1"]
    here.server.kibana.arm(Fault(method="POST", path="/s/soc/api/cases", status=401, body=b"{}", times=None))
    with pytest.raises(BrokenOff, match=r"Made before: 2 cases\.$") as caught:
        list(found)
    assert (caught.value.made, caught.value.half) == (2, None)
    assert isinstance(caught.value.__cause__, AuthenticationError)


def test_saved_objects(here: Place) -> None:
    original = full_case(here.kibana)
    file = io.BytesIO()
    told = here.kibana.saved_objects.export_cases([original.id], file)
    assert told.cases == 1
    assert told.objects == len(file.getvalue().splitlines()) > 5
    result = here.kibana.saved_objects.import_(file.getvalue())
    assert result.success
    assert result.success_count == told.objects
    (copy,) = map(here.kibana.cases.get, result.case_ids)
    assert copy.id != original.id
    check_same(copy, original)
    again = here.kibana.saved_objects.import_(file.getvalue(), create_new_copies=False)
    assert not again.success
    assert {each.reason for each in again.errors} == {"conflict"}
    assert here.kibana.saved_objects.import_(file.getvalue(), create_new_copies=False, overwrite=True).success
    with pytest.raises(BadRequestError, match="Error fetching objects"):
        here.kibana.saved_objects.export_cases(["nowhere"], io.BytesIO())


def test_saved_objects_limits_are_checked_before_sending(here: Place) -> None:
    here.server.kibana.forget()
    with pytest.raises(LimitError):
        here.kibana.saved_objects.import_(b" " * 26_214_401)
    with pytest.raises(LimitError):
        here.kibana.saved_objects.export_cases(["x"] * 10_001, io.BytesIO())
    with pytest.raises(ValueError, match="choose one"):
        here.kibana.saved_objects.import_(b"", overwrite=True)
    assert here.server.kibana.requests == []
