from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase import errors


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "bad", errors.BadRequestError),
        (401, "who", errors.AuthenticationError),
        (403, 'Unauthorized to create case with owners: "cases"', errors.PermissionDenied),
        (404, "Not Found", errors.EndpointNotFound),
        (404, "Saved object [cases/x] not found", errors.NotFoundError),
        (406, "All update fields are identical to current version.", errors.NothingToUpdate),
        (406, "cannot", errors.NotAcceptable),
        (409, "changed", errors.ConflictError),
        (413, "big", errors.PayloadTooLarge),
        (424, "jira down", errors.FailedDependency),
        (429, "slow", errors.TooManyRequests),
        (500, "oops", errors.ServerError),
        (503, "later", errors.ServerError),
        (418, "teapot", errors.ApiError),
    ],
)
def test_the_kind_follows_from_status_and_text(status: int, message: str, kind: type[errors.ApiError]) -> None:
    assert type(errors.api_error(status, message)) is kind


def test_the_message_says_what_failed_where_what_was_said_and_what_to_do() -> None:
    error = errors.api_error(409, "It changed.", method="PATCH", path="/api/cases")
    assert str(error) == (
        "conflict (409) on PATCH /api/cases: Kibana said: It changed. "
        "Read it again and apply the change to the new version."
    )


def test_a_licence_refusal_names_feature_and_tier() -> None:
    text = "In order to assign users to cases, you must be subscribed to an Elastic Platinum license, ids: [a]"
    error = errors.api_error(403, text)
    assert isinstance(error, errors.LicenseRequired)
    assert (error.feature, error.tier) == ("assign users to cases", "platinum")


def test_another_server_is_named() -> None:
    assert "Elasticsearch said: no" in str(errors.api_error(403, "no", server="Elasticsearch"))


def test_a_read_that_got_no_answer_is_not_called_doubtful() -> None:
    assert "may have reached" in str(errors.RequestTimeout("late", method="POST", path="/x"))
    assert "may have reached" not in str(errors.RequestTimeout("late", method="GET", path="/x"))
    assert "may have reached" not in str(errors.RequestTimeout("late", method="POST", path="/x", sent=False))


ONE_OF_EACH = [
    errors.api_error(404, "Not Found", method="GET", path="/x", body={"a": 1}),
    errors.api_error(429, "slow", retry_after=2.5),
    errors.LicenseRequired("observables", "platinum"),
    errors.LostRace(200, "left out", "PATCH", "/api/cases"),
    errors.ConnectionFailed("refused", method="POST", path="/x", sent=False),
    errors.InvalidAnswer("html", status=200, content_type="text/html"),
    errors.LimitError("length of the title", 160, 200),
    errors.UnsupportedByStack("closeReason", "9.4.0", "9.2.0"),
    errors.MissingExtraError("server", "starlette"),
]


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_errors_survive_pickling_and_copying(error: errors.KibcaseError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.__dict__ == error.__dict__


def test_limit_errors_are_value_errors_and_missing_extras_import_errors() -> None:
    assert issubclass(errors.LimitError, ValueError)
    assert issubclass(errors.MissingExtraError, ImportError)


@given(st.text(max_size=3000), st.integers(100, 599))
def test_remote_text_is_bounded_and_on_one_line(text: str, status: int) -> None:
    shown = str(errors.api_error(status, text, method="GET", path="/api/" + text))
    assert len(shown) < 1200
    assert "\n" not in shown


@given(st.text(), st.integers(3, 600))
def test_bounded_keeps_to_its_limit_and_is_stable(text: str, limit: int) -> None:
    once = errors.bounded(text, limit)
    assert len(once) <= limit
    assert errors.bounded(once, limit) == once
