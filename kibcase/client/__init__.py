"""The client of the Kibana Cases API: one noun per module, assembled by ``Kibana``."""

from kibcase.client.adding import AddedObservables, ObservableResult
from kibcase.client.batches import BatchReport, Fate, Outcome
from kibcase.client.changes import CaseChange, UpdateReport
from kibcase.client.configuration import ConfigurationChanges
from kibcase.client.files import Downloaded
from kibcase.client.filters import Filters, SearchFilters
from kibcase.client.kibana import Kibana
from kibcase.models.changes import Changes

__all__ = [
    "AddedObservables",
    "BatchReport",
    "CaseChange",
    "Changes",
    "ConfigurationChanges",
    "Downloaded",
    "Fate",
    "Filters",
    "Kibana",
    "ObservableResult",
    "Outcome",
    "SearchFilters",
    "UpdateReport",
]
