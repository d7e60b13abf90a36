"""Read both systems afresh, as their own users see them: Kibana with the library, Jira with plain requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from kibcase import Case, Kibana, KibcaseError, UserComment
from kibcase.alerts import AlertIndices, AlertRef
from kibcase_daemon.demo.people import OWNER, Engineer
from kibcase_daemon.demo.views import CATEGORIES, MARK, PRIORITIES, Pair, View, tag_meanings, words

_PAGE: Final = "100"


class Unpaired(KibcaseError):
    """A case without a ticket, or a ticket without a case."""


def read_pairs(kibana: Kibana, indices: AlertIndices, jira: Engineer, project: str) -> list[Pair]:
    """Read every case with its ticket, oldest case first.

    What belongs together is read off the link that each ticket has to its case (Jira REST v2,
    GET /issue/{key}/remotelink). Raises ``Unpaired``, and what the readers raise.
    """
    tickets = {_case_of(jira, issue): issue for issue in _issues(jira, project)}
    cases = list(kibana.cases.iter(owner=OWNER, sort_field="createdAt", sort_order="asc"))
    odd = {case.id for case in cases} ^ set(tickets)
    if odd:
        raise Unpaired(f"{len(cases)} cases and {len(tickets)} linked tickets; without a partner: {sorted(odd)}")
    return [
        Pair(
            case=_case_view(case, kibana), ticket=_ticket_view(tickets[case.id]),
            alerts=alert_statuses(case.id, kibana, indices),
        )
        for case in cases
    ]


def tickets_by_case(jira: Engineer, project: str) -> dict[str, str]:
    """Give the key of each case's ticket, by the case's id; raises ``Unpaired`` for a ticket without a case."""
    return {_case_of(jira, issue): str(issue["key"]) for issue in _issues(jira, project)}


def alert_statuses(case_id: str, kibana: Kibana, indices: AlertIndices) -> Mapping[str, int]:
    """Count the alerts of a case by the workflow status that they have in Elasticsearch."""
    refs = [AlertRef(index=alert.index, id=alert.id) for alert in kibana.alerts.of_case(case_id)]
    return Counter(indices.get(ref.index, ref.id).status or "unknown" for ref in refs)


def case_name(case: Case) -> str:
    """Give what people call a case."""
    return f"case {case.incremental_id}" if case.incremental_id is not None else f"case {case.id[:8]}"


def _issues(jira: Engineer, project: str) -> list[Mapping[str, Any]]:
    """Read all issues with their comments, oldest first (Jira Cloud REST v2, GET /search/jql)."""
    query = {"jql": f'project = "{project}" ORDER BY created ASC', "fields": "*all", "maxResults": _PAGE}
    found: list[Mapping[str, Any]] = []
    while True:
        page = jira.get("/search/jql", **query)
        found += page["issues"]
        if not page.get("nextPageToken"):
            return found
        query["nextPageToken"] = page["nextPageToken"]


def _case_of(jira: Engineer, issue: Mapping[str, Any]) -> str:
    links = [link["object"]["url"] for link in jira.get(f"/issue/{issue['key']}/remotelink")]
    cases = [unquote(url.rpartition("/")[2]) for url in links if "/cases/" in url]
    if len(cases) != 1:
        raise Unpaired(f"ticket {issue['key']} has {len(cases)} links to cases")
    return cases[0]


def _case_view(case: Case, kibana: Kibana) -> View:
    comments = [one.comment for one in kibana.comments.iter(case.id) if isinstance(one, UserComment)]
    return _view(
        label=case_name(case), title=case.title, description=case.description, status=str(case.status),
        severity=str(case.severity), tags=case.tags, comments=comments,
    )


def _ticket_view(issue: Mapping[str, Any]) -> View:
    fields = issue["fields"]
    status, priority = fields["status"], (fields.get("priority") or {}).get("name", "")
    resolution = (fields.get("resolution") or {}).get("name")
    return _view(
        label=issue["key"], title=fields["summary"], description=fields.get("description") or "",
        status=CATEGORIES.get(status["statusCategory"]["key"], status["name"]),
        severity=PRIORITIES.get(priority, priority), tags=fields.get("labels") or [],
        comments=[comment["body"] for comment in fields["comment"]["comments"]],
        shown={"status": ", resolution ".join(filter(None, (status["name"], resolution))), "severity": priority},
    )


def _view(
    *, label: str, title: str, description: str, status: str, severity: str, tags: Sequence[str],
    comments: Sequence[str], shown: Mapping[str, str] | None = None,
) -> View:
    meanings, texts = tag_meanings(tags), words(description)
    return View(
        label=label, title=title, status=status, severity=severity, tags=meanings, description=texts,
        comments=tuple(words(comment) for comment in comments),
        shown={
            "title": title, "description": f"{len(texts)} words", "status": status, "severity": severity,
            "tags": ", ".join(sorted(tag for tag in tags if not tag.startswith(MARK))),
            "comments": str(len(comments)), **(shown or {}),
        },
    )
