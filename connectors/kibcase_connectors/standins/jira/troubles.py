"""What a person at the controls of a stand-in can make go wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from kibcase.server.faults import Fault, Faults
from kibcase_connectors.standins.jira.call import Switches
from kibcase_connectors.standins.jira.limits import BUCKET, ISSUE_WRITES, Reason, Spelling, waiting
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.records import Comment
from kibcase_connectors.standins.jira.state import JiraState

HTML = ("Content-Type", "text/html; charset=utf-8")
MAINTENANCE = Fault(
    times=None, status=503, headers=(HTML,),
    body=b"<html><head><title>Jira is down for maintenance</title></head><body>Back soon.</body></html>",
)
LOGIN_PAGE = Fault(
    times=None, status=200, headers=(HTML,),
    body=b"<html><head><title>Log in</title></head><body><form action='/login.jsp'></form></body></html>",
)
_CONFLICT = b'{"errorMessages":["The issue was changed by somebody else at the same time. Try again."],"errors":{}}'
_LIMITED = b'{"errorMessages":["Rate limit exceeded."],"errors":{}}'


class Troubles:
    """Switches of a running stand-in; those that arm a fault give its number, for ``faults.disarm``.

    All answers bear the clock of the instance in ``Date``, those of faults too, unless they bring their own.
    """

    faults: Faults
    state: JiraState
    _switches: Switches

    def expire_credentials(self) -> None:
        """Let all credentials count as expired.

        Jira Cloud then serves callers as anonymous: search answers 200 without issues and the header
        ``X-Seraph-LoginReason: AUTHENTICATED_FAILED``, ``/myself`` answers 401.
        """
        self._switches.expired = True

    def renew_credentials(self) -> None:
        """End what ``expire_credentials`` began."""
        self._switches.expired = False

    def require_captcha(self, username: str) -> None:
        """Lock a login on Data Center: Basic answers 403 with ``X-Authentication-Denied-Reason``, tokens work on."""
        self._switches.captcha.add(self.state.user(username).username)

    def solve_captcha(self, username: str) -> None:
        """Unlock a login, as its owner does in the browser."""
        self._switches.captcha.discard(username)
        self._switches.failures.pop(username, None)

    def captcha_after(self, failures: int | None) -> None:
        """Set how many wrong passwords lock a login on Data Center (3 at first); None: never."""
        self._switches.captcha_after = failures

    def limit_pages(self, issues: int | None) -> None:
        """Let a page of search results hold at most that many issues; None gives the vendor's limits."""
        self._switches.page_cap = issues

    def limit_uploads(self, size: int | None) -> None:
        """Set the most bytes of an attachment (413 above; a request is 16 MiB at most); None disables attachments."""
        self.state.upload_limit = size

    def limit_issue_writes(self, *windows: tuple[int, float], spelling: Spelling = "integer") -> None:
        """Count the REST writes to each issue and refuse those over a window of (number, seconds) with 429.

        Without windows those of Jira Cloud: 20 in 2 seconds and 100 in 30.
        """
        self._switches.limits.issue_writes = windows or ISSUE_WRITES
        self._switches.limits.spelling = spelling
        self._switches.limits.forget()

    def limit_bursts(self, *windows: tuple[int, float], spelling: Spelling = "integer") -> None:
        """Count the requests of each user to each endpoint and method; 429 over a window of (number, seconds)."""
        self._switches.limits.burst = windows
        self._switches.limits.spelling = spelling
        self._switches.limits.forget()

    def limit_rate(self, capacity: int, fill: int, interval: int) -> None:
        """Set Data Center's token bucket per user: ``fill`` tokens every ``interval`` seconds, up to ``capacity``."""
        self._switches.limits.bucket = (capacity, fill, interval)
        self._switches.limits.forget()

    def lift_limits(self) -> None:
        """End what the ``limit_issue_writes``, ``limit_bursts`` and ``limit_rate`` began."""
        limits = self._switches.limits
        limits.issue_writes, limits.burst, limits.bucket = (), (), BUCKET
        limits.forget()

    def throttle(
        self, seconds: float = 7.0, *, spelling: Spelling = "integer", reason: Reason | None = "jira-burst-based",
        times: int | None = 1, method: str | None = None, path: str = ".*",
    ) -> int:
        """Answer the next requests with 429 that says to wait ``seconds`` from now."""
        headers = waiting(seconds, spelling, self.state.now())
        headers |= {"RateLimit-Reason": reason} if reason and self.state.catalog.cloud else {}
        return self.faults.arm(Fault(
            method=method, path=path, times=times, status=429, headers=tuple(headers.items()), body=_LIMITED
        ))

    def outage(
        self, status: Literal[500, 502, 503, 504] = 503, *, retry_after: str | None = None, times: int | None = 1,
        when: Literal["before", "after"] = "before", method: str | None = None, path: str = ".*",
    ) -> int:
        """Answer the next requests as a proxy before Jira does: with HTML, and ``Retry-After`` if given."""
        headers = (HTML, *((("Retry-After", retry_after),) if retry_after is not None else ()))
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>".encode()
        return self.faults.arm(Fault(
            method=method, path=path, when=when, times=times, status=status, headers=headers, body=page
        ))

    def maintenance(self) -> int:
        """Answer everything with 503 and an HTML page until ``end_troubles``."""
        return self.faults.arm(MAINTENANCE)

    def login_page(self, times: int | None = 1) -> int:
        """Answer the next requests as a proxy with single sign-on does: 200 and an HTML page."""
        return self.faults.arm(replace(LOGIN_PAGE, times=times))

    def conflict(self, times: int | None = 1) -> int:
        """Refuse the next edits of issues with 409, as Cloud does when two edits meet."""
        path = r".*/rest/api/[^/]+/issue/[^/]+"
        return self.faults.arm(Fault(method="PUT", path=path, times=times, status=409, body=_CONFLICT))

    def end_troubles(self) -> None:
        """Disarm all faults."""
        self.faults.disarm()

    def skew_clock(self, seconds: float) -> None:
        """Let the clock of the instance run ahead by that much: all times in answers, and the ``Date`` header."""
        self.state.skew = timedelta(seconds=seconds)

    def customer_comments(self, ref: str) -> tuple[Comment, ...]:
        """Give the comments that the customer of a service desk reads: those that are not internal.

        Raises ``JiraProblem`` (404) if there is no such issue, and (400) if its project is no service desk.
        """
        issue_id = self.state.resolve(ref)
        issue = self.state.peek(issue_id) if issue_id is not None else None
        if issue is None:
            raise JiraProblem(404, f"There is no issue {ref}.")
        if self.state.catalog.projects[issue.project].kind != "service_desk":
            raise JiraProblem(400, f"{issue.project} is no service desk; its issues have no customer.")
        return tuple(each for each in issue.comments if not each.internal)
