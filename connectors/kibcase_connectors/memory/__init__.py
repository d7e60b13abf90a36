"""A complete system in memory, with a connector, people and faults; for tests of sync, ours and yours.

``MemorySystem`` is the remote system: things with fields, comments, files and a workflow. Its methods ``add``,
``edit``, ``comment``, ``attach`` ... are what people do to it. ``MemoryConnector`` is how kibcase reaches it, and
``MemoryFault`` says what goes wrong on the way::

    system = MemorySystem("ticket", parts=Parts(files=True, assignee=True))
    system.faults.arm(MemoryFault(kind="lost-answer", on="create"))
    connector = MemoryConnector(system)
"""

from kibcase_connectors.memory.connector import MemoryConnector
from kibcase_connectors.memory.faults import MemoryFault, MemoryFaults
from kibcase_connectors.memory.maps import CASE_MAP, FREE, STEPWISE, TICKET_MAP, Workflow
from kibcase_connectors.memory.system import MemorySystem, Parts
from kibcase_connectors.memory.thing import Account, StoredFile, Thing

__all__ = [
    "CASE_MAP",
    "FREE",
    "STEPWISE",
    "TICKET_MAP",
    "Account",
    "MemoryConnector",
    "MemoryFault",
    "MemoryFaults",
    "MemorySystem",
    "Parts",
    "StoredFile",
    "Thing",
    "Workflow",
]
