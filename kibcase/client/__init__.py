"""The client of the Kibana Cases API: one noun per module, assembled by ``Kibana``."""

from kibcase.client.changes import CaseChange, Changes, UpdateResult
from kibcase.client.filters import Filters
from kibcase.client.kibana import Kibana

__all__ = ["CaseChange", "Changes", "Filters", "Kibana", "UpdateResult"]
