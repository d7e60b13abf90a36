"""What can be attached to a case, as it is sent (Kibana Cases API, POST /api/cases/{id}/comments).

The owner is not part of it: it is that of the case. All of it can be given to
``kibana.attachments.create`` and ``create_many``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from kibcase.models.attachment import Rule, Strings
from kibcase.models.base import ApiModel

FILE_TYPE = ".files"
LENS_TYPE = ".lens"


class AttachmentRequest(ApiModel):
    """The base of all that can be attached; fields that a newer Kibana knows may be given too."""

    def to_request(self, owner: str) -> dict[str, Any]:
        """Return the body as Kibana takes it; every field is sent, for Kibana wants them all."""
        return {**self.model_dump(mode="json", by_alias=True), "owner": owner}


class CommentRequest(AttachmentRequest):
    """A comment: Markdown of 1 to 30,000 characters."""

    type: Literal["user"] = "user"
    comment: str


class AlertRequest(AttachmentRequest):
    """Alerts, at most 1000: ``indices`` runs in parallel to ``alert_ids``."""

    type: Literal["alert"] = "alert"
    alert_ids: Annotated[Strings, Field(alias="alertId")]
    indices: Annotated[Strings, Field(alias="index")]
    rule: Rule = Rule(id=None, name=None)


class EventRequest(AttachmentRequest):
    """Events, since stack 9.2: ``indices`` runs in parallel to ``event_ids``."""

    type: Literal["event"] = "event"
    event_ids: Annotated[Strings, Field(alias="eventId")]
    indices: Annotated[Strings, Field(alias="index")]


class EndpointTarget(ApiModel):
    """An endpoint that a response action is for."""

    hostname: str
    endpoint_id: Annotated[str, Field(alias="endpointId")]


class EndpointActions(ApiModel):
    """A response action; ``type`` is "isolate", "unisolate" or another that Kibana knows."""

    type: str
    targets: list[EndpointTarget]


class ActionsRequest(AttachmentRequest):
    """A response action on endpoints, with a comment of 1 to 30,000 characters."""

    type: Literal["actions"] = "actions"
    comment: str
    actions: EndpointActions


class ReferenceStorage(ApiModel):
    """Where a referenced object is: an Elasticsearch document, or a saved object of type ``saved_object_type``."""

    type: Literal["elasticSearchDoc", "savedObject"]
    saved_object_type: Annotated[str | None, Field(alias="soType")] = None


class ExternalReferenceRequest(AttachmentRequest):
    """A reference to something stored elsewhere, of a type that the stack has registered.

    At most 100 references and visualisations together fit on a case, files not counted.
    """

    type: Literal["externalReference"] = "externalReference"
    reference_id: Annotated[str, Field(alias="externalReferenceId")]
    reference_type_id: Annotated[str, Field(alias="externalReferenceAttachmentTypeId")]
    storage: Annotated[ReferenceStorage, Field(alias="externalReferenceStorage")]
    metadata: Annotated[dict[str, Any] | None, Field(alias="externalReferenceMetadata")] = None

    def to_request(self, owner: str) -> dict[str, Any]:
        """Return the body as Kibana takes it."""
        body = super().to_request(owner)
        if self.storage.saved_object_type is None:
            del body["externalReferenceStorage"]["soType"]
        return body

    @classmethod
    def to_document(cls, reference_id: str, type_id: str, metadata: Mapping[str, Any] | None = None) -> Self:
        """Refer to a document in Elasticsearch."""
        return cls(
            reference_id=reference_id, reference_type_id=type_id, storage=ReferenceStorage(type="elasticSearchDoc"),
            metadata=None if metadata is None else dict(metadata),
        )

    @classmethod
    def to_saved_object(
        cls, reference_id: str, type_id: str, saved_object_type: str, metadata: Mapping[str, Any] | None = None
    ) -> Self:
        """Refer to a saved object of Kibana."""
        return cls(
            reference_id=reference_id, reference_type_id=type_id,
            storage=ReferenceStorage(type="savedObject", saved_object_type=saved_object_type),
            metadata=None if metadata is None else dict(metadata),
        )

    @classmethod
    def to_file(cls, file_id: str, *, name: str, extension: str, mime_type: str, created: datetime | str) -> Self:
        """Refer to a file that is in Kibana already; ``kibana.files.upload`` does both at once."""
        moment = created if isinstance(created, str) else created.isoformat()
        entry = {"name": name, "extension": extension, "mimeType": mime_type, "created": moment}
        return cls.to_saved_object(file_id, FILE_TYPE, "file", {"files": [entry]})

    @classmethod
    def to_indicator(cls, document_id: str, *, name: str, indicator_type: str, feed: str) -> Self:
        """Refer to a threat indicator by the id of its document (securitySolution)."""
        metadata = {"indicatorName": name, "indicatorType": indicator_type, "indicatorFeedName": feed}
        return cls.to_document(document_id, "indicator", metadata)

    @classmethod
    def to_osquery(cls, action_id: str, *, agent_ids: Sequence[str], query_id: str) -> Self:
        """Refer to the results of an Osquery action (securitySolution)."""
        metadata = {"actionId": action_id, "agentIds": list(agent_ids), "queryId": query_id}
        return cls.to_document(action_id, "osquery", metadata)

    @classmethod
    def to_endpoint_action(
        cls, action_id: str, *, command: str, targets: Sequence[Mapping[str, str]], comment: str
    ) -> Self:
        """Refer to a response action of Elastic Defend; a target is {"endpointId", "hostname", "agentType"}.

        Since stack 9.5 neither the comment nor the list of targets may be empty.
        """
        metadata = {"command": command, "comment": comment, "targets": [dict(target) for target in targets]}
        return cls.to_document(action_id, "endpoint", metadata)


class PersistableStateRequest(AttachmentRequest):
    """The state of a visualisation, for example of one of these types.

    ".lens", "ml_anomaly_swimlane", "ml_anomaly_charts", "ml_single_metric_viewer", "aiopsChangePointChart",
    "aiopsPatternAnalysisEmbeddable", "aiopsLogRateAnalysisEmbeddable"; what the state holds is the type's.
    """

    type: Literal["persistableState"] = "persistableState"
    state_type_id: Annotated[str, Field(alias="persistableStateAttachmentTypeId")]
    state: Annotated[dict[str, Any], Field(alias="persistableStateAttachmentState")]

    @classmethod
    def of_lens(cls, attributes: Mapping[str, Any], *, time_from: str, time_to: str) -> Self:
        """Attach a Lens visualisation: its saved object's attributes, and a time range ("now-1d", "now")."""
        state = {"attributes": dict(attributes), "timeRange": {"from": time_from, "to": time_to}}
        return cls(state_type_id=LENS_TYPE, state=state)
