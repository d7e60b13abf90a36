"""What the nouns that hang on a case have in common: how they are sent, and whose case it is."""

from __future__ import annotations

from kibcase.client.status import StatusApi
from kibcase.errors import InvalidValue
from kibcase.models.case import Case
from kibcase.transport import Transport


class AttachmentCalls:
    """Has what requests are sent through, and what tells the version of the stack."""

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._send = transport.send
        self._status = status


def case_and_owner(case: Case | str, owner: str | None) -> tuple[str, str]:
    """Return a case's id and owner; raises ``InvalidValue`` if the owner is not known."""
    if isinstance(case, Case):
        return case.id, owner or case.owner
    if owner is None:
        raise InvalidValue("name the owner of the case, or give the Case itself")
    return case, owner


def case_id_of(case: Case | str) -> str:
    """Return the id of a case."""
    return case if isinstance(case, str) else case.id
