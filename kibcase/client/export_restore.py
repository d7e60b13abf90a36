"""Make one case anew from its records: at another space, owner or cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from kibcase.client.export_format import Chunk, End, FileRecord, Header, Record
from kibcase.client.export_text import counted, origin, parts_of, signed
from kibcase.client.limits import COMMENT
from kibcase.errors import ApiError, AuthenticationError, KibcaseError, UnsupportedByStack
from kibcase.models.attachment import (
    AlertAttachment,
    Attachment,
    EventAttachment,
    ExternalReference,
    PersistableState,
    UserComment,
)
from kibcase.models.attachment_request import FILE_TYPE
from kibcase.models.case import Case, CaseStatus

if TYPE_CHECKING:
    from kibcase.client.adding import AddedObservables
    from kibcase.client.kibana import Kibana

# What Kibana refuses, or would; a ValueError is what this library finds out before it asks.
_REFUSED: Final = (ApiError, UnsupportedByStack, ValueError)
_IN_MEMORY: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that could not come along: ``what`` ("custom field site", "2 alerts") and ``why``."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of one case: ``source`` as it was, ``case`` as it is now (None if it could not be made).

    ``left`` tells, in order, what could not come along.
    """

    source: Case
    case: Case | None
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How cases are made anew.

    ``owner``: of this solution instead of their own. ``alerts``: attach the alerts and events too, which makes
    sense where their indices can be reached. ``assignees``: keep them, which makes sense in the same cluster:
    they are profile uids. ``note``: begin with a comment that tells where the case comes from.
    """

    owner: str | None = None
    alerts: bool = False
    assignees: bool = False
    note: bool = True


@dataclass(slots=True)
class _Upload:
    record: FileRecord
    content: BinaryIO
    received: int = 0


@dataclass(slots=True)
class Restoring:
    """One case in the making."""

    target: Kibana
    source: Case
    options: Options
    header: Header
    case: Case | None = None
    left: list[Left] = field(default_factory=list)
    upload: _Upload | None = None

    def begin(self) -> None:
        """Create the case, with what belongs to it from the start."""
        if (created := self._try("the case", self._create)) is None:
            return
        self.case = created
        if self.options.note:
            self._try("the note on where it comes from", lambda: self._comment(origin(self.source, self.header)))
        self._observables()

    def take(self, record: Record) -> None:
        """Bring along what one record holds."""
        if isinstance(record, Chunk):
            self._receive(record)
            return
        self._end_upload()
        if self.case is None:
            return
        if isinstance(record, FileRecord):
            self.upload = _Upload(record, _spool())
        elif not isinstance(record, Header | Case | End):
            self._attachment(record)

    def finish(self) -> Restored:
        """Set the status, which comes last for a closed case takes no alerts, and tell what became of the case."""
        self._end_upload()
        if self.case is not None:
            self._leave_links()
            self.case = self._try("the status", self._set_status) or self.target.cases.get(self.case.id)
        return self.so_far()

    def break_off(self, why: str) -> Restored:
        """Tell what became of the case so far; its status stays open, for it may not be whole."""
        self._end_upload()
        self._leave("what comes after", why)
        return self.so_far()

    def so_far(self) -> Restored:
        """Tell what became of the case until now."""
        return Restored(source=self.source, case=self.case, left=tuple(self.left))

    def _leave(self, what: str, why: str) -> None:
        self.left.append(Left(what=what, why=why))

    def _try(self, what: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except AuthenticationError:
            raise
        except _REFUSED as error:
            self._leave(what, str(error))
            return None

    @property
    def _owner(self) -> str:
        return self.options.owner or self.source.owner

    def _create(self) -> Case:
        source = self.source
        wanted: dict[str, Any] = {
            "title": source.title, "description": source.description, "owner": self._owner, "tags": source.tags,
            "severity": str(source.severity), "category": source.category,
            "sync_alerts": source.settings.sync_alerts if source.settings else True,
        }
        if source.settings and source.settings.extract_observables is not None:
            wanted["extract_observables"] = source.settings.extract_observables
        if extended := self._extended_fields():
            wanted["extended_fields"] = extended
        if source.template is not None:
            self._leave(f"the template {source.template.id}", "templates belong to their space")
        if source.assignees:
            if self.options.assignees:
                wanted["assignees"] = source.assignees
            else:
                self._leave("the assignees", "profile uids mean nothing in another cluster")
        if fields := self._custom_fields():
            wanted["custom_fields"] = fields
        return self._create_with(wanted)

    def _create_with(self, wanted: dict[str, Any]) -> Case:
        # What this stack or licence lacks is left out and told; nothing was made by a refused request.
        try:
            return self.target.cases.create(**wanted)
        except AuthenticationError:
            raise
        except (UnsupportedByStack, ApiError) as error:
            lacking = _lacking(error, wanted)
            if lacking is None:
                raise
            # A stack that extracts nothing does what the setting wants.
            if wanted[lacking] is not False:
                self._leave(lacking.replace("_", " "), str(error))
        return self._create_with({name: value for name, value in wanted.items() if name != lacking})

    def _custom_fields(self) -> list[Mapping[str, Any]]:
        given = [each for each in self.source.custom_fields if each.value is not None]
        if not given:
            return []
        configuration = self.target.configuration.get(self._owner)
        known = {} if configuration is None else {each.key: each for each in configuration.custom_fields}
        for each in given:
            if each.key not in known:
                self._leave(f"custom field {each.key}", f"it is not configured for {self._owner} there")
            elif known[each.key].type != each.type:
                self._leave(f"custom field {each.key}", f"it is of type {known[each.key].type} there")
        return [
            {"key": each.key, "type": each.type, "value": each.value} for each in given
            if each.key in known and known[each.key].type == each.type
        ]

    def _extended_fields(self) -> dict[str, str]:
        given = {key: value for key, value in (self.source.extended_fields or {}).items() if isinstance(value, str)}
        if not given:
            return {}
        try:
            known = {each.key for each in self.target.fields.applicable(owner=self._owner)}
        except UnsupportedByStack:
            # Before they can be asked for, Kibana's answer to the creation tells.
            return given
        for key in given.keys() - known:
            self._leave(f"extended field {key}", f"cases of {self._owner} do not have it there")
        return {key: value for key, value in given.items() if key in known}

    def _observables(self) -> None:
        if not self.source.observables:
            return
        wanted = self.source.observables
        added: AddedObservables | None = self._try(
            counted(len(wanted), "observable"), lambda: self.target.observables.add_many(self._made.id, wanted)
        )
        for each in added.results if added else ():
            # One that is there already was found by Kibana itself, in a comment.
            if each.outcome not in {"added", "duplicate"}:
                self._leave(f"the observable {each.observable.value}", f"{each.outcome} {each.error or ''}".strip())

    def _attachment(self, attachment: Attachment) -> None:
        match attachment:
            case UserComment():
                self._try("a comment", lambda: self._comment(signed(attachment)))
            case AlertAttachment():
                self._alerts(attachment)
            case EventAttachment():
                self._events(attachment)
            case ExternalReference() if attachment.reference_type_id == FILE_TYPE:
                pass  # its content comes as a file of its own
            case PersistableState() | ExternalReference():
                self._try(f"an attachment of type {_type_of(attachment)}", lambda: self._attach(attachment))
            case _:
                self._leave(f"an attachment of type {attachment.type}", "it belongs to the place where it was made")

    def _attach(self, attachment: PersistableState | ExternalReference) -> None:
        self.target.attachments.create(self._made.id, wanted_of(attachment), self._owner)

    @property
    def _made(self) -> Case:
        if self.case is None:
            raise RuntimeError("there is no case to attach to")
        return self.case

    def _comment(self, text: str) -> None:
        for part in parts_of(text, COMMENT):
            self.target.comments.add(self._made.id, part, self._owner)

    def _alerts(self, attachment: AlertAttachment) -> None:
        what = counted(len(attachment.alert_ids), "alert")
        if not self.options.alerts:
            self._leave(what, "alerts stay where they are unless asked for")
            return
        self._try(what, lambda: self.target.alerts.attach(
            self._made.id, attachment.alert_ids, attachment.indices, attachment.rule, self._owner
        ))

    def _events(self, attachment: EventAttachment) -> None:
        what = counted(len(attachment.event_ids), "event")
        if not self.options.alerts:
            self._leave(what, "events stay where they are unless asked for")
            return
        self._try(what, lambda: self.target.alerts.attach_events(
            self._made.id, attachment.event_ids, attachment.indices, self._owner
        ))

    def _receive(self, chunk: Chunk) -> None:
        if self.upload is not None:
            self.upload.content.write(chunk.data)
            self.upload.received += len(chunk.data)

    def _end_upload(self) -> None:
        upload, self.upload = self.upload, None
        if upload is None:
            return
        with upload.content as content:
            what = f"the file {upload.record.name}"
            if upload.received != upload.record.size:
                untold = "its content was not exported" if upload.record.size < 0 else "its content is cut off"
                self._leave(what, upload.record.why or untold)
                return
            content.seek(0)
            self._try(what, lambda: self.target.files.upload(
                self._made, content, name=upload.record.name, mime_type=upload.record.mime or None
            ))

    def _leave_links(self) -> None:
        connector, service = self.source.connector, self.source.external_service
        if connector is not None and connector.type != ".none":
            self._leave(f"the connector {connector.name}", "connectors belong to their space")
        if service is not None:
            self._leave(f"the link to {service.external_title or service.external_id}", "only a push can set it")

    def _set_status(self) -> Case:
        current = self.target.cases.get(self._made.id)
        wanted = str(self.source.status)
        return current if wanted == CaseStatus.OPEN else self.target.cases.update(current, status=wanted)


def _spool() -> BinaryIO:
    # A spooled file is a binary file in all but its declared type; whoever ends the upload closes it.
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))


def wanted_of(attachment: PersistableState | ExternalReference) -> dict[str, Any]:
    """Give what a request says to attach the same again, in Kibana's spelling, without the owner."""
    keys = {
        "type", "persistableStateAttachmentTypeId", "persistableStateAttachmentState", "externalReferenceId",
        "externalReferenceStorage", "externalReferenceAttachmentTypeId", "externalReferenceMetadata",
    }
    return {key: value for key, value in attachment.to_api().items() if key in keys}


def _type_of(attachment: PersistableState | ExternalReference) -> str:
    return attachment.state_type_id if isinstance(attachment, PersistableState) else attachment.reference_type_id


def _lacking(error: KibcaseError, wanted: Mapping[str, Any]) -> str | None:
    """Name the optional part that a refusal to create a case is about, None if it is about something else."""
    feature = str(getattr(error, "feature", ""))
    told = {"extractObservables": "extract_observables", "customFields": "custom_fields"}.get(feature, feature)
    if told in wanted and told not in ("title", "description", "owner"):
        return told
    if "extended_fields" in str(getattr(error, "message", "")) and "extended_fields" in wanted:
        return "extended_fields"
    return "assignees" if "assign" in feature and "assignees" in wanted else None
