"""What every external service offers: an incident is created or updated, then its comments follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from kibcase.server.datemath import stamp
from kibcase.server.external.failures import BadAnswer, ServiceError
from kibcase.server.external.http import ExternalHttp

Json = dict[str, Any]
SubAction = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a service works with: the connector's ``config`` and ``secrets``, HTTP and a clock."""

    connector: str
    config: Mapping[str, Any]
    secrets: Mapping[str, Any]
    http: ExternalHttp
    clock: Callable[[], datetime]

    def now(self) -> str:
        """Give the present moment as Kibana writes it."""
        return stamp(self.clock())


class Service(Protocol):
    """An external service; ``sub_actions`` maps the names of Kibana's sub-actions to what does them."""

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give what can be done; each takes ``subActionParams`` and gives ``data``; ``ServiceError`` if it fails."""


def push(
    params: Mapping[str, Any],
    *,
    create: Callable[[Json], Json],
    update: Callable[[str, Json], Json],
    comment: Callable[[Json, Mapping[str, str]], str],
) -> Json:
    """Do ``pushToService``: create or update the incident, then add the comments one by one.

    ``create`` and ``update`` give ``{id, title, url, pushedDate}``; ``comment`` takes that and a comment and gives
    when it was pushed. A failure in the middle leaves what was done before it.
    """
    incident = dict(params["incident"])
    external_id = incident.pop("externalId", None)
    result = create(incident) if external_id is None else update(external_id, incident)
    comments: Sequence[Mapping[str, str]] = params.get("comments") or ()
    if comments:
        result["comments"] = [
            {"commentId": each["commentId"], "pushedDate": comment(result, each)} for each in comments
        ]
    return result


def base_of(url: str) -> str:
    """Give a URL without the slash at its end."""
    return url.removesuffix("/")


def iso(text: str) -> str:
    """Give an ISO 8601 time of an external system as Kibana writes times; raises ``BadAnswer``."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise BadAnswer("Invalid time value") from error
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))


def iso_of_millis(millis: float) -> str:
    """Give a time in milliseconds as Kibana writes times; raises ``BadAnswer``."""
    try:
        return stamp(datetime.fromtimestamp(millis / 1000, UTC))
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadAnswer("Invalid time value") from error


def wrong_configuration(name: str) -> ServiceError:
    """Build the failure of a connector whose settings are incomplete."""
    return ServiceError(f"[Action]{name}: Wrong configuration.")
