"""What can be attached to a case: comments, alerts, events, files, visualisations.

The shapes are those of ``/api/cases/{id}/comments``. An attachment of a type that is not known here, or
of a known type in an unknown shape, becomes an ``UnknownAttachment`` instead of an error.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from kibcase.models.base import ApiModel
from kibcase.models.user import User


def _listed(value: Any) -> Any:
    # A request may give one alert as a bare string; older documents come back that way.
    return [value] if isinstance(value, str) else value


Strings = Annotated[list[str], BeforeValidator(_listed)]


class AttachmentBase(ApiModel):
    """The fields that every attachment has."""

    id: str
    version: str | None = None
    owner: str | None = None
    created_at: datetime | None = None
    created_by: User | None = None
    updated_at: datetime | None = None
    updated_by: User | None = None
    pushed_at: datetime | None = None
    pushed_by: User | None = None


class UserComment(AttachmentBase):
    """A comment that a person or a script wrote; ``comment`` is Markdown of at most 30,000 characters."""

    type: Literal["user"] = "user"
    comment: str


class Rule(ApiModel):
    """The detection rule that raised an alert; both fields may be None."""

    id: str | None = None
    name: str | None = None


class AlertAttachment(AttachmentBase):
    """Alerts: ``alert_ids`` and ``indices`` run in parallel."""

    type: Literal["alert"] = "alert"
    alert_ids: Annotated[Strings, Field(alias="alertId")]
    indices: Annotated[Strings, Field(alias="index")]
    rule: Rule | None = None


class EventAttachment(AttachmentBase):
    """Events, since stack 9.2: ``event_ids`` and ``indices`` run in parallel."""

    type: Literal["event"] = "event"
    event_ids: Annotated[Strings, Field(alias="eventId")]
    indices: Annotated[Strings, Field(alias="index")]


class ExternalReference(AttachmentBase):
    """A reference to something stored elsewhere; a file has the type id ``.files``."""

    type: Literal["externalReference"] = "externalReference"
    reference_id: Annotated[str, Field(alias="externalReferenceId")]
    reference_type_id: Annotated[str, Field(alias="externalReferenceAttachmentTypeId")]
    storage: Annotated[dict[str, Any] | None, Field(alias="externalReferenceStorage")] = None
    metadata: Annotated[dict[str, Any] | None, Field(alias="externalReferenceMetadata")] = None


class PersistableState(AttachmentBase):
    """The state of a visualisation or chart, for example of type id ``.lens``."""

    type: Literal["persistableState"] = "persistableState"
    state_type_id: Annotated[str, Field(alias="persistableStateAttachmentTypeId")]
    state: Annotated[dict[str, Any] | None, Field(alias="persistableStateAttachmentState")] = None


class ActionsAttachment(AttachmentBase):
    """A response action on endpoints, such as isolating a host."""

    type: Literal["actions"] = "actions"
    comment: str | None = None
    actions: dict[str, Any] | None = None


class UnknownAttachment(ApiModel):
    """An attachment of a type or shape that this library does not know; all of it is in ``model_extra``."""

    id: str | None = None
    version: str | None = None
    type: str | None = None
    owner: str | None = None


_Known = Annotated[
    UserComment
    | AlertAttachment
    | EventAttachment
    | ExternalReference
    | PersistableState
    | ActionsAttachment,
    Field(discriminator="type"),
]
Attachment = Annotated[_Known | UnknownAttachment, Field(union_mode="left_to_right")]


class FoundComments(ApiModel):
    """One page of the attachments of a case (GET /api/cases/{id}/comments/_find)."""

    comments: list[Attachment]
    page: int = 1
    per_page: int = 20
    total: int = 0


class BulkGetAttachmentError(ApiModel):
    """Why one attachment could not be read: ``status`` 404 is missing, 400 is of another case."""

    attachment_id: Annotated[str, Field(alias="attachmentId")]
    error: str = ""
    message: str = ""
    status: int | None = None


class BulkGetAttachments(ApiModel):
    """The attachments that could be read, and why the others could not."""

    attachments: list[Attachment]
    errors: list[BulkGetAttachmentError] = Field(default_factory=list)
