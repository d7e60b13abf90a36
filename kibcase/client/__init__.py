"""The client of the Kibana Cases API: one noun per module, assembled by ``Kibana``."""

from kibcase.client.adding import AddedObservables, ObservableResult
from kibcase.client.batches import BatchReport, Fate, Outcome
from kibcase.client.changes import CaseChange, UpdateReport
from kibcase.client.configuration import ConfigurationChanges
from kibcase.client.copying import Exported
from kibcase.client.export_format import UnreadableExport
from kibcase.client.export_restore import Restored
from kibcase.client.export_run import BrokenOff
from kibcase.client.files import Downloaded
from kibcase.client.filters import Filters, SearchFilters
from kibcase.client.handles import CaseHandle
from kibcase.client.kibana import Kibana
from kibcase.client.profiles import NoProfile
from kibcase.models.changes import Changes

__all__ = [
    "AddedObservables",
    "BatchReport",
    "BrokenOff",
    "CaseChange",
    "CaseHandle",
    "Changes",
    "ConfigurationChanges",
    "Downloaded",
    "Exported",
    "Fate",
    "Filters",
    "Kibana",
    "NoProfile",
    "ObservableResult",
    "Outcome",
    "Restored",
    "SearchFilters",
    "UnreadableExport",
    "UpdateReport",
]
