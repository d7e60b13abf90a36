"""The story: what happens at the security team and at IT, step by step, over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from kibcase import Case
from kibcase.alerts import Alert, AlertIndices
from kibcase_daemon.demo.alerts import BURSTS, security_alerts
from kibcase_daemon.demo.incidents import BEACON, INCIDENTS, INFECTION, JOURNEY, LATERAL, Incident
from kibcase_daemon.demo.people import Analyst, Engineer
from kibcase_daemon.demo.reading import Unpaired, alert_statuses, case_name, read_pairs, tickets_by_case
from kibcase_daemon.demo.screen import Deed, Screen
from kibcase_daemon.demo.stage import Stage
from kibcase_daemon.demo.views import Pair, compare, counted
from kibcase_daemon.engine import Report

STEPS: Final = 9
"""How many steps are shown, the start of the systems included."""

KIBANA: Final = "Kibana"
JIRA: Final = "Jira"

_TITLE_OF_ANALYST: Final = "Stolen credentials on SRV-FILE-02"
_TITLE_OF_ENGINEER: Final = "SRV-FILE-02: svc_report abused, server offline"


class Story:
    """Plays the story on a stage. Every method raises what the systems answer when something goes wrong.

    ``problems`` fills with what did not go as it should.
    """

    def __init__(
        self, stage: Stage, screen: Screen, *, analyst: Analyst, engineer: Engineer, indices: AlertIndices
    ) -> None:
        self._stage = stage
        self._screen = screen
        self._analyst = analyst
        self._engineer = engineer
        self._indices = indices
        self._cases: dict[str, Case] = {}
        self._tickets: dict[str, str] = {}
        self.problems: list[str] = []

    def play(self, before_check: Callable[[], None]) -> None:
        """Play all steps after the start; ``before_check`` is called just before both sides are compared."""
        self._open_cases(self._detect())
        self._first_sync()
        note = self._work()
        self._sync("Sync: each team sees the other's work")
        self._collide(note)
        self._sync("Sync: the later title stands, the other one is kept")
        self._explain_closing()
        self._explain_conflict()
        before_check()
        self._check()

    def _detect(self) -> list[Alert]:
        count = sum(burst.count for burst in BURSTS)
        self._screen.step(f"{count} alerts of {len(BURSTS)} detection rules arrive in Elasticsearch")
        refs = self._indices.index(security_alerts(datetime.now(UTC)))
        alerts = self._indices.find(ids=[ref.id for ref in refs], status="open")
        self._screen.rows(
            ("Rule", "Severity", "Risk", "Alerts"),
            [
                (burst.rule.name, burst.rule.severity, str(burst.rule.risk_score), str(_count(alerts, burst.rule.uuid)))
                for burst in BURSTS
            ],
        )
        if len(alerts) != count:
            self.problems.append(f"{count} alerts were indexed, {len(alerts)} were found")
        return alerts

    def _open_cases(self, alerts: Sequence[Alert]) -> None:
        self._screen.step(f"{self._analyst.name} opens {len(INCIDENTS)} cases from them in {KIBANA}")
        for incident in INCIDENTS:
            groups = [(rule.uuid, rule.name, some) for rule, some in incident.alerts_among(alerts)]
            self._cases[incident.title] = self._analyst.open_case(
                title=incident.title, description=incident.description(alerts), severity=incident.severity,
                tags=incident.tags, groups=groups,
            )
        self._screen.rows(
            ("Case", "Title", "Severity", "Tags", "Alerts"),
            [
                (case_name(case), case.title, str(case.severity), ", ".join(case.tags), str(case.total_alerts))
                for case in self._cases.values()
            ],
        )

    def _first_sync(self) -> None:
        self._sync("First sync: every case gets its ticket")
        self._tickets = tickets_by_case(self._engineer, self._stage.project)
        lost = [case_name(case) for case in self._cases.values() if case.id not in self._tickets]
        if lost:
            raise Unpaired(f"no ticket links to {', '.join(lost)}")

    def _work(self) -> str:
        """Let both teams work on different things; gives the id of the analyst's first comment."""
        self._screen.step("Both teams work, each in its own system")
        infection, beacon, journey, lateral = map(self._id, (INFECTION, BEACON, JOURNEY, LATERAL))
        self._analyst.set_status(infection, "in-progress")
        note = self._analyst.comment(infection, "Isolated **FIN-LT-014**. Please reimage it, asset tag `LT-014`.").id
        self._analyst.set_severity(beacon, "high")
        self._analyst.tag(beacon, "c2")
        self._analyst.comment(journey, "The second address is our new VPN exit. False positive.")
        self._analyst.set_status(journey, "closed")
        self._engineer.comment(self._ticket(INFECTION), "On it. Courier picks the laptop up at {{14:00}}.")
        self._engineer.label(self._ticket(INFECTION), "reimage")
        self._engineer.move(self._ticket(LATERAL), "In Progress")
        self._analyst.tag(lateral, "svc_report")
        self._engineer.label(self._ticket(LATERAL), "ad-team")
        self._screen.deeds([
            self._at_kibana(INFECTION, "sets the status to in-progress and comments: Isolated FIN-LT-014 ..."),
            self._at_kibana(LATERAL, "adds the tag svc_report"),
            self._at_kibana(BEACON, "raises the severity from low to high, adds the tag c2"),
            self._at_kibana(JOURNEY, "comments, then closes the case: false positive"),
            self._at_jira(INFECTION, "comments: On it ..., and adds the label reimage"),
            self._at_jira(LATERAL, "starts progress and adds the label ad-team"),
        ])
        return note

    def _collide(self, note: str) -> None:
        self._screen.step("Both change the same title; IT resolves a ticket")
        infection = self._id(INFECTION)
        self._analyst.edit_comment(
            infection, note, "Isolated **FIN-LT-014** and FIN-LT-022. Please reimage both: `LT-014`, `LT-022`."
        )
        self._analyst.retitle(self._id(LATERAL), _TITLE_OF_ANALYST)
        self._engineer.retitle(self._ticket(LATERAL), _TITLE_OF_ENGINEER)
        self._engineer.set_priority(self._ticket(LATERAL), "Highest")
        self._engineer.comment(self._ticket(INFECTION), "Both laptops are reimaged and back with their owners.")
        self._engineer.move(self._ticket(INFECTION), "In Review", "Done")
        self._screen.deeds([
            self._at_kibana(INFECTION, "corrects the first comment: two laptops, not one"),
            self._at_kibana(LATERAL, f"changes the title: {_TITLE_OF_ANALYST}"),
            self._at_jira(LATERAL, f"changes the title a moment later: {_TITLE_OF_ENGINEER}"),
            self._at_jira(LATERAL, "sets the priority to Highest"),
            self._at_jira(INFECTION, "comments, asks for review and resolves the ticket"),
        ])

    def _explain_closing(self) -> None:
        alerts = alert_statuses(self._id(INFECTION), self._analyst.kibana, self._indices)
        self._screen.say(
            f"{self._ticket(INFECTION)} is resolved, so {self._name(INFECTION)} is closed, "
            f"and so are its alerts in Elasticsearch: {counted(alerts)}."
        )

    def _explain_conflict(self) -> None:
        kept = [entry for entry in self._stage.audit() if entry.kind == "conflict" and entry.field == "title"]
        if [(entry.old, entry.new) for entry in kept] != [(_TITLE_OF_ANALYST, _TITLE_OF_ENGINEER)]:
            self.problems.append("the title that lost is not in the audit")
            return
        self._screen.say(
            f"{JIRA}'s title was set later and wins. {self._analyst.name}'s \"{kept[0].old}\" is kept in the audit."
        )

    def _check(self) -> None:
        self._screen.step("Read both systems afresh and compare")
        pairs = read_pairs(self._analyst.kibana, self._indices, self._engineer, self._stage.project)
        self._screen.comparison(pairs)
        self.problems += [
            f"{pair.case.label} / {pair.ticket.label}: {row.field}: {row.problem}"
            for pair in pairs for row in compare(pair) if row.problem
        ]
        self.problems += unfinished(pairs)
        alerts: Counter[str] = sum((Counter(pair.alerts) for pair in pairs), Counter())
        self._screen.say(f"Alerts in Elasticsearch: {counted(alerts)}.")
        self._check_idle()

    def _check_idle(self) -> None:
        before = self._stage.writes()
        report = self._stage.sync()
        written = self._stage.writes() - before
        self._note(report)
        self._screen.say(f"One more sync: {written} writes.")
        if written or report.applied:
            self.problems.append(f"a further sync made {written} writes, expected none")

    def _sync(self, title: str) -> None:
        self._screen.step(title)
        report = self._stage.sync()
        self._screen.changes(report.applied, case_system=KIBANA, ticket_system=JIRA)
        self._note(report)

    def _note(self, report: Report) -> None:
        if report.error:
            self.problems.append(f"sync: {report.error}")
        self.problems += [f"{link.labels.case} / {link.labels.ticket}: {link.reason}" for link in report.troubled]
        self.problems += [f"{link.labels.case} / {link.labels.ticket}: {link.reason}" for link in report.gone]

    def _id(self, incident: Incident) -> str:
        return self._cases[incident.title].id

    def _name(self, incident: Incident) -> str:
        return case_name(self._cases[incident.title])

    def _ticket(self, incident: Incident) -> str:
        return self._tickets[self._id(incident)]

    def _at_kibana(self, incident: Incident, what: str) -> Deed:
        return Deed(who=self._analyst.name, where=f"{KIBANA} {self._name(incident)}", what=what)

    def _at_jira(self, incident: Incident, what: str) -> Deed:
        return Deed(who=self._engineer.name, where=f"{JIRA} {self._ticket(incident)}", what=what)


def unfinished(pairs: Sequence[Pair]) -> list[str]:
    """Tell what of the story did not happen; agreement alone would also hold if nothing had."""
    problems = []
    if len(pairs) != len(INCIDENTS):
        problems.append(f"{len(INCIDENTS)} cases were opened, {len(pairs)} are there")
    attached, made = sum(sum(pair.alerts.values()) for pair in pairs), sum(burst.count for burst in BURSTS)
    if attached != made:
        problems.append(f"{made} alerts were made, {attached} are attached to cases")
    closed = {pair.case.title for pair in pairs if pair.case.status == "closed" and set(pair.alerts) == {"closed"}}
    problems += [
        f"the case '{incident.title}' and its alerts should be closed"
        for incident in (INFECTION, JOURNEY) if incident.title not in closed
    ]
    if not any(pair.case.title == pair.ticket.title == _TITLE_OF_ENGINEER for pair in pairs):
        problems.append(f"no case has the title that was set last, '{_TITLE_OF_ENGINEER}'")
    return problems


def _count(alerts: Sequence[Alert], rule: str) -> int:
    return sum(1 for alert in alerts if alert.rule_id == rule)
