"""The whole cases state of one server."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from kibcase.server.cases.attaching import Attachments
from kibcase.server.cases.cases import Cases
from kibcase.server.cases.configuring import Configurations
from kibcase.server.cases.context import AlertWriter, Context
from kibcase.server.cases.history import History
from kibcase.server.cases.patching import Patching
from kibcase.server.cases.spaces import Spaces
from kibcase.server.cases.store import CaseStore
from kibcase.server.database import Database
from kibcase.server.stack import Stack


class CaseState:
    """State and rules of cases, without HTTP: one attribute per noun.

    ``cases`` and ``patching`` create, read and change cases, ``attachments`` and ``history`` what belongs to a
    case, ``configurations`` and ``spaces`` what surrounds them. Methods take the caller (``Caller``), JSON
    bodies and query values, give JSON answers and raise ``KibanaError``.

    ``incremental_ids`` None means "if the stack has them" (9.2); ``incremental_id_delay`` is the age in
    seconds at which a case that is read gets its number.
    """

    def __init__(
        self,
        database: Database,
        alerts: AlertWriter,
        stack: Stack,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
        incremental_ids: bool | None = None,
        incremental_id_delay: float = 0.0,
    ) -> None:
        store = CaseStore(database)
        context = Context(
            store=store,
            alerts=alerts,
            stack=stack,
            clock=clock,
            new_id=new_id,
            incremental_ids=stack.has_timings if incremental_ids is None else incremental_ids,
            incremental_id_delay=incremental_id_delay,
        )
        self.stack = stack
        self.cases = Cases(context)
        self.patching = Patching(context)
        self.attachments = Attachments(context)
        self.history = History(context)
        self.configurations = Configurations(context)
        self.spaces = Spaces(store)
