"""The whole cases state of one server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from kibcase.server.cases.actions import Connectors
from kibcase.server.cases.actions_store import ConnectorRecord, ConnectorStore
from kibcase.server.cases.advanced_settings import AdvancedSettings
from kibcase.server.cases.applicable_fields import ApplicableFields
from kibcase.server.cases.attaching import Attachments
from kibcase.server.cases.cases import Cases
from kibcase.server.cases.configuring import Configurations
from kibcase.server.cases.containing import Containing
from kibcase.server.cases.context import AlertWriter, Context, Json, nobody
from kibcase.server.cases.customfield_value import CustomFieldValues
from kibcase.server.cases.field_definitions import FieldDefinitions
from kibcase.server.cases.files import Files
from kibcase.server.cases.files_attached import CaseFiles
from kibcase.server.cases.files_tables import STEPS as FILES_STEPS
from kibcase.server.cases.history import History
from kibcase.server.cases.metrics import Metrics
from kibcase.server.cases.observables import Observables
from kibcase.server.cases.patching import Patching
from kibcase.server.cases.people import People
from kibcase.server.cases.profiles import Profiles, profiles_of
from kibcase.server.cases.push import Pushing
from kibcase.server.cases.saved_objects import SavedObjects
from kibcase.server.cases.searching import Searching
from kibcase.server.cases.similar import SimilarCases
from kibcase.server.cases.spaces import Spaces
from kibcase.server.cases.store import CaseStore
from kibcase.server.cases.templates import Templates
from kibcase.server.cases.templates_library import Library
from kibcase.server.cases.templates_store import TemplateStore
from kibcase.server.cases.unified_attaching import UnifiedAttachments
from kibcase.server.cases.unified_tables import STEPS as UNIFIED_STEPS
from kibcase.server.database import Database
from kibcase.server.external.http import ExternalHttp
from kibcase.server.stack import Stack


class CaseState:
    """State and rules of cases, without HTTP: one attribute per noun.

    ``cases`` and ``patching`` create, read and change cases, ``attachments`` and ``history`` what belongs to a
    case, ``configurations`` and ``spaces`` what surrounds them. Methods take the caller (``Caller``), JSON
    bodies and query values, give JSON answers and raise ``KibanaError``.

    ``incremental_ids`` None means "if the stack has them" (9.2); ``incremental_id_delay`` is the age in
    seconds at which a case that is read gets its number. ``people`` gives the users of the server as cases show
    them; those with a ``profile_uid`` have a user profile. ``public_base_url`` is Kibana's
    ``server.publicBaseUrl``, for links in what is pushed; ``external`` makes the calls to external systems.
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
        people: Callable[[], Iterable[Json]] = nobody,
        public_base_url: str | None = None,
        external: ExternalHttp | None = None,
    ) -> None:
        store = CaseStore(database)
        database.migrate("files", FILES_STEPS)
        database.migrate("unified", UNIFIED_STEPS)
        context = Context(
            store=store,
            alerts=alerts,
            stack=stack,
            clock=clock,
            new_id=new_id,
            incremental_ids=stack.has_timings if incremental_ids is None else incremental_ids,
            incremental_id_delay=incremental_id_delay,
            profiles=lambda: profiles_of(people()),
        )
        self.stack = stack
        connectors = ConnectorStore(database)
        library = Library(TemplateStore(database), lambda space, name: _name_of(connectors.get(space, name)))
        self.settings = AdvancedSettings(database)
        self.cases = Cases(context, library)
        self.patching = Patching(context, library, self.settings)
        self.templates = Templates(context, library, self.patching)
        self.field_definitions = FieldDefinitions(context, library)
        self.applicable_fields = ApplicableFields(context, library)
        self.attachments = Attachments(context)
        self.connectors = Connectors(
            store=connectors, stack=stack, clock=clock, new_id=new_id, http=external or ExternalHttp()
        )
        self.containing = Containing(context)
        self.custom_field_values = CustomFieldValues(context, library)
        self.files = Files(context)
        self.case_files = CaseFiles(context, self.attachments, self.files)
        self.unified_attachments = UnifiedAttachments(context, self.attachments)
        self.history = History(context)
        self.metrics = Metrics(context)
        self.observables = Observables(context)
        self.people = People(context)
        self.profiles = Profiles(context)
        self.pushing = Pushing(context=context, connectors=self.connectors, public_base_url=public_base_url)
        self.saved_objects = SavedObjects(context)
        self.searching = Searching(context, library)
        self.similar = SimilarCases(context)
        self.configurations = Configurations(context, library)
        self.spaces = Spaces(store, stack)


def _name_of(connector: ConnectorRecord | None) -> str | None:
    return None if connector is None else connector.name
