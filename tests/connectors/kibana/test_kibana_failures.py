"""What an error of the library means for sync."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase import (
    CertificateRefused,
    ConnectionFailed,
    InvalidAnswer,
    KibcaseError,
    LimitError,
    LostRace,
    RequestTimeout,
    UnsupportedByStack,
)
from kibcase.errors import api_error
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.kibana.failures import translated, translation

WRITE = {"writes": True}
WHOLE = {"whole": True}
LICENCE = "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"


@pytest.mark.parametrize(
    ("error", "how", "expected"),
    [
        (ConnectionFailed("refused", method="POST", sent=False), WRITE, Unavailable),
        (CertificateRefused("expired", method="POST", sent=False), WRITE, Unavailable),
        (ConnectionFailed("reset", method="POST"), WRITE, OutcomeUnknown),
        (ConnectionFailed("reset", method="GET"), {}, Unavailable),
        (RequestTimeout("slow", method="PATCH"), WRITE, OutcomeUnknown),
        (RequestTimeout("slow", method="PATCH", sent=False), WRITE, Unavailable),
        (RequestTimeout("slow", method="GET"), {}, Unavailable),
        (InvalidAnswer("a login page", method="POST"), WRITE, OutcomeUnknown),
        (InvalidAnswer("a login page", method="GET"), {}, Unavailable),
        (api_error(400, "The length of the title is too long."), WRITE, Refused),
        (api_error(401, "no"), WRITE, Denied),
        (api_error(403, "Unauthorized to update case"), WRITE, Refused),
        (api_error(403, "Unauthorized to find cases of any owner"), WHOLE, Denied),
        (api_error(403, LICENCE), WHOLE, Refused),
        (api_error(404, "Saved object [cases/1] not found", body={"statusCode": 404}), {}, NotFound),
        (api_error(404, "This comment 1 does not exist anymore.", body={"statusCode": 404}), WRITE, NotFound),
        (api_error(404, "<html>nginx</html>", body="<html>nginx</html>"), {}, Unavailable),
        (api_error(404, "not found", body={"error": "not found"}), WRITE, Unavailable),
        (api_error(404, "Not Found"), {}, Unavailable),
        (api_error(404, "Saved object [space/soc] not found"), {}, Unavailable),
        (api_error(408, "timeout"), WRITE, OutcomeUnknown),
        (api_error(409, "These cases 1 have been updated."), WRITE, Conflict),
        (LostRace(200, "gone", "PATCH", "/api/cases"), WRITE, Conflict),
        (api_error(413, "too large"), WRITE, Refused),
        (api_error(429, "slow down"), WRITE, Throttled),
        (api_error(500, "boom"), WRITE, OutcomeUnknown),
        (api_error(500, "boom"), {}, Unavailable),
        (api_error(502, "bad gateway"), WRITE, OutcomeUnknown),
        (api_error(503, "Kibana server is not ready yet"), WRITE, Unavailable),
        (api_error(503, "upstream"), WRITE, OutcomeUnknown),
        (LimitError("tags", 200, 300), WRITE, Refused),
        (UnsupportedByStack("category", "8.10", "8.2.0"), WRITE, Refused),
    ],
)
def test_each_error_has_its_meaning(
    error: KibcaseError, how: dict[str, bool], expected: type[ConnectorError]
) -> None:
    assert type(translation(error, "soc", "change case 1", **how)) is expected


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("The length of the title is too long. The maximum length is 160.", "title"),
        ("The description field cannot be an empty string.", "description"),
        ("The length of the tag is too long. The maximum length is 256.", "tags"),
        ("The length of the field tags is too long. Array must be of length <= 200.", "tags"),
        ("Cannot close case 1, required fields must be filled", "status"),
        ('Invalid value "x" supplied to "severity"', "severity"),
        ("The title and the description are odd", None),
        ("Something else", None),
    ],
)
def test_the_field_at_fault_is_named_if_kibana_names_one(text: str, field: str | None) -> None:
    assert translation(api_error(400, text), "soc", "change case 1", writes=True).field == field


def test_a_throttle_keeps_the_time_to_wait() -> None:
    error = translation(api_error(429, "slow", retry_after=7.5), "soc", "read case 1")
    assert isinstance(error, Throttled)
    assert error.retry_after == 7.5


def test_the_message_says_who_what_why_and_what_to_do() -> None:
    with pytest.raises(Refused) as caught, translated("soc", "change case 1", writes=True):
        raise api_error(403, "Unauthorized to update case")
    text = str(caught.value)
    assert text.startswith("soc: change case 1: Kibana said: Unauthorized to update case (403)")
    assert "privilege" in text


def test_other_errors_pass() -> None:
    own: Any = Conflict("soc", "change case 1")
    with pytest.raises(Conflict) as caught, translated("soc", "other"):
        raise own
    assert caught.value is own
    with pytest.raises(ZeroDivisionError), translated("soc", "other"):
        raise ZeroDivisionError
