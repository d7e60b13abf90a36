"""The spaces of a Kibana (Kibana Spaces API, /api/spaces/space)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.address import space_id as checked
from kibcase.client.answers import decode
from kibcase.models.space import Space
from kibcase.transport import Request, Transport

_ONE = TypeAdapter(Space)
_MANY = TypeAdapter(list[Space])
_PATH = "/api/spaces/space"


class SpacesApi:
    """``kibana.spaces``: the spaces of the whole Kibana, whichever space the client is for.

    Every method can raise the errors of ``Transport.send``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport.for_space(None)

    def all(self) -> list[Space]:
        """Return the spaces that the user may see (GET /api/spaces/space)."""
        return decode(self._transport.send(Request(method="GET", path=_PATH)), _MANY)

    def get(self, space_id: str) -> Space:
        """Read a space (GET .../{id}); raises ``NotFoundError``."""
        return decode(self._transport.send(Request(method="GET", path=f"{_PATH}/{segment(space_id)}")), _ONE)

    def create(
        self, space_id: str, name: str, *, description: str | None = None, disabled_features: Sequence[str] = (),
        color: str | None = None, initials: str | None = None, solution: str | None = None,
    ) -> Space:
        """Create a space (POST /api/spaces/space).

        ``solution`` ("security", "oblt", "es", "classic") since stack 8.16. Raises ``ConflictError`` for an id that is
        taken, ``ValueError`` for one that Kibana would refuse.
        """
        checked(space_id)
        body = _body(space_id, name, description, disabled_features, color, initials, solution)
        return decode(self._transport.send(Request(method="POST", path=_PATH, json=body)), _ONE)

    def update(self, space: Space) -> Space:
        """Replace a space by what is given, unknown fields too (PUT .../{id}); raises ``NotFoundError``."""
        request = Request(method="PUT", path=f"{_PATH}/{segment(space.id)}", json=space.to_api())
        return decode(self._transport.send(request), _ONE)

    def delete(self, space_id: str) -> None:
        """Delete a space with all that is in it, cases too (DELETE .../{id}); raises ``NotFoundError``."""
        self._transport.send(Request(method="DELETE", path=f"{_PATH}/{segment(space_id)}"))


def _body(
    space_id: str, name: str, description: str | None, disabled_features: Sequence[str], color: str | None,
    initials: str | None, solution: str | None,
) -> dict[str, Any]:
    optional = {"description": description, "color": color, "initials": initials, "solution": solution}
    given = {key: value for key, value in optional.items() if value is not None}
    return {"id": space_id, "name": name, "disabledFeatures": list(disabled_features), **given}
