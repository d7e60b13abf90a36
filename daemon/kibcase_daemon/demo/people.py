"""The two people of the demo, each with the means they have at work: Kibana's API, Jira's REST API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import requests

from kibcase import Case, Kibana, KibcaseError, UserComment
from kibcase.alerts import Alert

OWNER: Final = "securitySolution"
_TIMEOUT: Final = (5.0, 20.0)


class TicketingRefused(KibcaseError):
    """Jira refused what the demo asked for; the message holds the request and Jira's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who can log in; ``name`` is the full name."""

    name: str
    login: str
    secret: str = field(repr=False)


class Analyst:
    """Works in Kibana, through the library."""

    def __init__(self, url: str, account: Account) -> None:
        self.name = account.name
        self.kibana = Kibana(url, username=account.login, password=account.secret)

    def open_case(
        self, *, title: str, description: str, severity: str, tags: Sequence[str],
        groups: Sequence[tuple[str, str, Sequence[Alert]]],
    ) -> Case:
        """Open a case and attach alerts; ``groups`` are (rule uuid, rule name, alerts). Gives the case with them."""
        case = self.kibana.cases.create(
            title=title, description=description, owner=OWNER, severity=severity, tags=tags, sync_alerts=True
        )
        for uuid, name, alerts in groups:
            self.kibana.alerts.attach(
                case, [alert.id for alert in alerts], [alert.index for alert in alerts], {"id": uuid, "name": name}
            )
        return self.kibana.cases.get(case.id)

    def comment(self, case_id: str, text: str) -> UserComment:
        """Write a comment."""
        return self.kibana.comments.add(case_id, text, OWNER)

    def edit_comment(self, case_id: str, comment_id: str, text: str) -> None:
        """Replace the text of a comment, as it is now."""
        comment = self.kibana.comments.get(case_id, comment_id)
        if not isinstance(comment, UserComment):
            raise TypeError(f"attachment {comment_id} of case {case_id} is no comment")
        self.kibana.comments.update(case_id, comment, text)

    def tag(self, case_id: str, tag: str) -> None:
        """Add a tag to those that are there."""
        case = self.kibana.cases.get(case_id)
        self.kibana.cases.update(case, tags=[*case.tags, tag])

    def set_severity(self, case_id: str, severity: str) -> None:
        """Set the severity."""
        self.kibana.cases.update(case_id, severity=severity)

    def set_status(self, case_id: str, status: str) -> None:
        """Set the status; alerts follow (Kibana Cases API, PATCH /api/cases with syncAlerts)."""
        self.kibana.cases.update(case_id, status=status)

    def retitle(self, case_id: str, title: str) -> None:
        """Give the case another title."""
        self.kibana.cases.update(case_id, title=title)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kibana.close()


class Engineer:
    """Works in Jira, through its REST API v2; every method raises ``TicketingRefused`` or ``requests`` errors."""

    def __init__(self, url: str, account: Account) -> None:
        self.name = account.name
        self._root = f"{url}/rest/api/2"
        self._session = requests.Session()
        self._session.auth = (account.login, account.secret)
        # Environment proxies have no business with a server on this very machine.
        self._session.trust_env = False

    def get(self, path: str, **query: str) -> Any:
        """Read one resource below ``/rest/api/2``."""
        return self._send("GET", path, params=query)

    def comment(self, key: str, text: str) -> None:
        """Write a comment in wiki markup."""
        self._send("POST", f"/issue/{key}/comment", json={"body": text})

    def label(self, key: str, label: str) -> None:
        """Add a label to those that are there."""
        self._send("PUT", f"/issue/{key}", json={"update": {"labels": [{"add": label}]}})

    def set_priority(self, key: str, name: str) -> None:
        """Set the priority."""
        self._send("PUT", f"/issue/{key}", json={"fields": {"priority": {"name": name}}})

    def retitle(self, key: str, summary: str) -> None:
        """Give the ticket another summary."""
        self._send("PUT", f"/issue/{key}", json={"fields": {"summary": summary}})

    def move(self, key: str, *statuses: str, resolution: str = "Done") -> None:
        """Take the ticket through these statuses, one transition each; the last may demand a resolution."""
        for status in statuses:
            offered = self.get(f"/issue/{key}/transitions", expand="transitions.fields")["transitions"]
            chosen = next((each for each in offered if each["to"]["name"] == status), None)
            if chosen is None:
                names = ", ".join(each["to"]["name"] for each in offered)
                raise TicketingRefused(f"{key} cannot go to {status!r} now; open are: {names or 'none'}")
            fields = {"resolution": {"name": resolution}} if "resolution" in chosen.get("fields", {}) else {}
            body = {"transition": {"id": chosen["id"]}, **({"fields": fields} if fields else {})}
            self._send("POST", f"/issue/{key}/transitions", json=body)

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(
            method, self._root + path, timeout=_TIMEOUT, allow_redirects=False, **arguments
        )
        if not answer.ok:
            raise TicketingRefused(f"{method} {path}: Jira answered {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()
