"""The client of one Kibana space: assembles the parts."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from kibcase.auth import ApiKeyAuth, Auth, BasicAuth
from kibcase.client.alerts import AlertsApi
from kibcase.client.attachments import AttachmentsApi
from kibcase.client.cases import CasesApi
from kibcase.client.comments import CommentsApi
from kibcase.client.configuration import ConfigurationApi
from kibcase.client.connectors import ConnectorsApi
from kibcase.client.copying import TransferApi
from kibcase.client.detections import DetectionsApi
from kibcase.client.export_saved_objects import SavedObjectsApi
from kibcase.client.features import explainer
from kibcase.client.field_definitions import FieldsApi
from kibcase.client.files import FilesApi
from kibcase.client.handles import CaseHandle
from kibcase.client.metrics import MetricsApi
from kibcase.client.observables import ObservablesApi
from kibcase.client.profiles import ProfilesApi
from kibcase.client.spaces import SpacesApi
from kibcase.client.status import KnownVersion, StatusApi
from kibcase.client.templates import TemplatesApi
from kibcase.client.user_actions import UserActionsApi
from kibcase.models.case import Case
from kibcase.retry import Policy
from kibcase.transport import MAX_ANSWER_BYTES, Transport


class Kibana:
    """A client of one space of one Kibana. Thread-safe; a context manager that closes its connections.

    ``url`` is Kibana's address with its base path, without ``/s/<space>``. Give ``username`` and
    ``password``, or ``api_key`` (encoded, or a pair of id and key). ``timeout`` is (connect, read) in
    seconds, one number is both. ``verify`` is True, the path of a CA file, or False (logged as a warning). ``retry``
    says how requests are repeated that can be repeated without harm. ``proxies``: see ``Transport``.

    Nothing is sent by the constructor. Raises ``ValueError`` for an unusable address, space or pair of
    credentials, ``FileNotFoundError`` for a missing certificate file.
    """

    def __init__(
        self, url: str, *, username: str | None = None, password: str | None = None,
        api_key: str | tuple[str, str] | None = None, space: str = "default", verify: bool | str | Path = True,
        client_cert: str | tuple[str, str] | None = None, timeout: float | tuple[float, float] = (5.0, 30.0),
        retry: Policy | None = None, proxies: Mapping[str, str] | None = None, user_agent: str | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        transport = Transport(
            url, auth=_credentials(username, password, api_key), space=space, verify=verify,
            client_cert=client_cert, timeout=timeout, retry=retry, proxies=proxies,
            user_agent=user_agent or f"kibcase/{version('kibcase')}", max_answer_bytes=max_answer_bytes,
        )
        self._assemble(transport, KnownVersion())

    @classmethod
    def over(cls, transport: Transport) -> Self:
        """Build a client over a transport of one's own making (other clock, other credentials, a recorder)."""
        client = cls.__new__(cls)
        client._assemble(transport, KnownVersion())  # noqa: SLF001 - an object of this very class
        return client

    @property
    def url(self) -> str:
        """Kibana's address, without a trailing slash."""
        return self._transport.url

    @property
    def space_id(self) -> str:
        """The id of the space, "default" for the default one."""
        return self._transport.space or "default"

    def space(self, space: str) -> Self:
        """Return the client of another space; both share connections, credentials and settings.

        ``with kibana.space("soc") as soc:`` closes nothing: the connections are those of this client.
        """
        sibling = type(self).__new__(type(self))
        sibling._assemble(self._transport.for_space(space), self._known)  # noqa: SLF001 - likewise
        sibling._owns_connections = False  # noqa: SLF001 - likewise
        return sibling

    def case(self, case: Case | str) -> CaseHandle:
        """Return a case to work with: ``kibana.case(id).start().add_tags("edr")``. Sends nothing by itself."""
        return CaseHandle(self, case)

    def close(self) -> None:
        """Close the connections; a later request opens new ones. The client of another space has none to close."""
        if self._owns_connections:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Kibana({self.url!r}, space={self.space_id!r})"

    def _assemble(self, transport: Transport, known: KnownVersion) -> None:
        self._transport = transport
        self._known = known
        self._owns_connections = True
        self.status = StatusApi(transport, known)
        transport = transport.explained_by(explainer(self.status.comparable_version))
        self.cases = CasesApi(transport, self.status)
        self.cases.home = self
        self.transfer = TransferApi(self)
        self.saved_objects = SavedObjectsApi(transport)
        self.comments = CommentsApi(transport, self.status)
        self.attachments = AttachmentsApi(transport, self.status)
        self.alerts = AlertsApi(transport, self.status)
        self.detections = DetectionsApi(transport, self.status)
        self.files = FilesApi(transport, self.status, self.attachments)
        self.user_actions = UserActionsApi(transport, self.status)
        self.observables = ObservablesApi(transport, self.status)
        self.configuration = ConfigurationApi(transport)
        self.templates = TemplatesApi(transport)
        self.fields = FieldsApi(transport)
        self.connectors = ConnectorsApi(transport)
        self.metrics = MetricsApi(transport)
        self.profiles = ProfilesApi(transport)
        self.spaces = SpacesApi(transport)


def _credentials(
    username: str | None, password: str | None, api_key: str | tuple[str, str] | None
) -> Auth | None:
    if api_key is not None:
        if username is not None or password is not None:
            raise ValueError("give either a user name and password, or an API key")
        return ApiKeyAuth(api_key) if isinstance(api_key, str) else ApiKeyAuth(id=api_key[0], key=api_key[1])
    if username is None and password is None:
        return None
    if username is None or password is None:
        raise ValueError("a user name needs a password, and the other way round")
    return BasicAuth(username, password)
