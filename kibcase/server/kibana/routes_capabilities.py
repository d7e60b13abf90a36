"""The route by which Kibana's pages ask what the account may do."""

from __future__ import annotations

import re
from typing import Any, Final

from kibcase.server.cases.actions_schema import Schema, SchemaError, list_of, obj, text
from kibcase.server.cases.spaces import Spaces
from kibcase.server.errors import BadRequest
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, ok
from kibcase.server.privileges_capabilities import cases_capabilities
from kibcase.server.stack import Stack
from kibcase.server.users import Directory

_FLAG: Final = "useDefaultCapabilities"


def capability_routes(directory: Directory, spaces: Spaces, stack: Stack) -> list[Endpoint]:
    """Build ``POST /api/core/capabilities``.

    It takes ``{"applications": [...]}``, the applications whose links a page shows, and answers ``navLinks`` for
    them, ``management`` and ``catalogue``, and what the account may do in the space by feature. Of the features, the
    three of cases are told. Without credentials everything is denied; wrong ones are refused.
    """
    return [
        Endpoint(
            method="POST", path="/api/core/capabilities", internal=True, anonymous=True,
            handle=lambda call: _capabilities(directory, spaces, stack, call),
        )
    ]


def _capabilities(directory: Directory, spaces: Spaces, stack: Stack, call: Call) -> Reply:
    if call.principal is None and call.authorization:
        raise directory.refusal(call.authorization)
    undisturbed = _undisturbed(call)
    try:
        given = _BODY(call.body, ("request body",))
    except SchemaError as error:
        raise BadRequest(str(error)) from error
    # Nobody has rights in any space, so which one is asked about makes no difference to them.
    space = "default" if call.caller is None else call.caller.space
    hidden = frozenset[str]() if undisturbed else spaces.disabled_features(space) or frozenset()
    told = cases_capabilities(call.principal, space, hidden, stack)
    links = dict.fromkeys(given["applications"], True)
    return ok({"navLinks": links, "management": {}, "catalogue": {}, **told})


def _undisturbed(call: Call) -> bool:
    """Tell whether the features that the space hides are to be told all the same."""
    for name in call.query:
        if name != _FLAG:
            raise BadRequest(f"[request query.{name}]: definition for this key is missing")
    given = call.query.get(_FLAG, "false")
    if given not in ("true", "false"):
        kind = "Array" if isinstance(given, list) else "string"
        raise BadRequest(f"[request query.{_FLAG}]: expected value of type [boolean] but got [{kind}]")
    return given == "true"


def _application(value: Any, path: tuple[str, ...]) -> Any:
    if not re.fullmatch(r"[a-zA-Z0-9_:-]+", text(value, path)):
        raise SchemaError(path, "Invalid application id")
    return value


_BODY: Final[Schema] = obj({"applications": list_of(_application)})
