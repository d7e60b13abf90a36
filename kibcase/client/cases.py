"""Create, read, find, change and delete cases (Kibana Cases API, /api/cases)."""

from __future__ import annotations

from kibcase.client.case_reads import CaseReads
from kibcase.client.case_writes import CaseWrites
from kibcase.client.retrying import Decide, retry
from kibcase.models.case import Case


class CasesApi(CaseReads, CaseWrites):
    """``kibana.cases``. Every method can raise the errors of ``Transport.send``."""

    def retry(self, case_id: str, decide: Decide, *, attempts: int = 5) -> Case:
        """Change a case in spite of others who change it too; see ``kibcase.client.retrying.retry``.

        ``kibana.cases.retry(id, lambda case: {"tags": [*case.tags, "seen"]} if "seen" not in case.tags else None)``
        reads the case, applies what the function wants, and after a conflict does both again.
        """
        return retry(self.get, self.update, case_id, decide, attempts=attempts)
