"""What stands before every handler: the token bucket, locked logins, counted limits."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from kibcase_connectors.standins.jira.call import Switches, answer
from kibcase_connectors.standins.jira.catalog import JiraUser
from kibcase_connectors.standins.jira.credentials import Caller, claimed
from kibcase_connectors.standins.jira.state import JiraState

_WRITES: Final = ("POST", "PUT", "DELETE")


def drawn(caller: JiraUser | Caller, state: JiraState, switches: Switches) -> tuple[bool, dict[str, str]]:
    """Take a token of Data Center's bucket; gives whether there was one, and the headers of the answer."""
    if state.catalog.cloud:
        return True, {}
    return switches.limits.draw(caller.username if isinstance(caller, JiraUser) else "", state.now())


def locked(request: Request, caller: JiraUser | Caller, state: JiraState, switches: Switches) -> bool:
    """Tell whether the login of the request is locked, and count its wrong passwords.

    Cloud has no passwords; on Data Center tokens go past the lock.
    """
    name = claimed(request.headers.get("authorization"))
    if state.catalog.cloud or name is None or name not in state.catalog.users:
        return False
    with state.lock:
        if name in switches.captcha:
            return True
        if isinstance(caller, JiraUser):
            switches.failures.pop(name, None)
            return False
        switches.failures[name] = switches.failures.get(name, 0) + 1
        if switches.captcha_after is not None and switches.failures[name] >= switches.captcha_after:
            switches.captcha.add(name)
    return False


def captcha(state: JiraState) -> Response:
    """Answer a locked login."""
    page = "<html><head><title>Forbidden (403)</title></head><body>"
    page += "<h1>Basic Authentication Failure - Reason : AUTHENTICATION_DENIED</h1></body></html>"
    return Response(page, 403, media_type="text/html", headers={
        "X-Seraph-LoginReason": "AUTHENTICATION_DENIED",
        "X-Authentication-Denied-Reason": f"CAPTCHA_CHALLENGE; login-url={state.catalog.base}/login.jsp",
    })


def over_limit(
    route: str, request: Request, caller: JiraUser | Caller, state: JiraState, switches: Switches
) -> Response | None:
    """Count a request of a user; gives the 429 if it is over a limit."""
    if not isinstance(caller, JiraUser):
        return None
    ref = request.path_params.get("ref")
    issue = state.resolve(str(ref)) if ref is not None and request.method in _WRITES else None
    refusal = switches.limits.count(state.now(), endpoint=(caller.username, request.method, route), issue=issue)
    if refusal is None:
        return None
    return answer({"errorMessages": ["Rate limit exceeded."], "errors": {}}, 429, refusal.headers)
