"""The fields of an issue: what may be written into them, and how a stored value reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kibcase_connectors.standins.jira import documents
from kibcase_connectors.standins.jira.catalog import Catalog, CustomField, Named, Project, by_id
from kibcase_connectors.standins.jira.documents import Form, Rich, utf16_length
from kibcase_connectors.standins.jira.problem import unknown_field

SUMMARY_LIMIT = 255
URL_LIMIT = 255
TEXT_LIMIT = 32_767
LABEL_LIMIT = 255


class FieldError(ValueError):
    """A value that a field refuses; the text is Jira's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field: its kind decides what it takes; ``array`` fields also take ``add`` and ``remove``."""

    id: str
    name: str
    kind: str
    required: bool = False
    array: bool = False
    custom: CustomField | None = None

    @property
    def options(self) -> tuple[Named, ...]:
        """The values of a select field."""
        return self.custom.options if self.custom else ()

    @property
    def operations(self) -> list[str]:
        """What ``update`` may do with the field."""
        return ["add", "set", "remove"] if self.array else ["set"]


SYSTEM_FIELDS = (
    Field(id="summary", name="Summary", kind="summary", required=True),
    Field(id="description", name="Description", kind="text"),
    Field(id="environment", name="Environment", kind="text"),
    Field(id="labels", name="Labels", kind="labels", array=True),
    Field(id="priority", name="Priority", kind="priority"),
    Field(id="assignee", name="Assignee", kind="user"),
    Field(id="reporter", name="Reporter", kind="user"),
    Field(id="duedate", name="Due date", kind="date"),
    Field(id="issuetype", name="Issue Type", kind="issuetype", required=True),
    Field(id="parent", name="Parent", kind="parent"),
)


def fields_of(catalog: Catalog) -> dict[str, Field]:
    """Give all fields that hold a value by id, on whatever screens they are; ``project`` is not one of them."""
    fields = {each.id: each for each in SYSTEM_FIELDS}
    for custom in catalog.custom_fields:
        fields[custom.id] = Field(
            id=custom.id, name=custom.name, kind=custom.kind, array=custom.kind in ("options", "labels"),
            required=custom.required, custom=custom,
        )
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a value is judged against.

    ``find_issue`` gives the id of an issue by key or id, or None. ``form`` is how long texts are
    written. ``fields`` are those that may be written (None: all).
    """

    catalog: Catalog
    project: Project
    find_issue: Callable[[str], str | None]
    form: Form = "wiki"
    fields: Mapping[str, Field] | None = None

    @property
    def known(self) -> Mapping[str, Field]:
        """The fields that may be written."""
        return fields_of(self.catalog) if self.fields is None else self.fields


def parse(field: Field, raw: object, scene: Scene) -> Any:
    """Turn what a request carries for a field into its stored form; raises ``FieldError``."""
    return _PARSERS[field.kind](field, raw, scene)


def operate(field: Field, operation: str, stored: Any, raw: object, scene: Scene) -> Any:
    """Apply one ``update`` operation to a stored value; raises ``FieldError``."""
    if operation == "set":
        return parse(field, raw, scene)
    if operation not in field.operations:
        raise FieldError(f"Field '{field.id}' does not support operation '{operation}'.")
    item = parse(field, [raw], scene)
    kept = [each for each in stored if each not in item]
    return sorted([*kept, *item]) if operation == "add" else kept


def wording(field: Field, stored: Any, catalog: Catalog) -> tuple[str | None, str | None]:
    """Give id and text of a stored value as the changelog shows them."""
    if stored is None or stored == []:
        return None, "" if field.kind == "labels" else None
    word = _WORDINGS.get(field.kind)
    return word(field, stored, catalog) if word else (None, str(stored))


def is_blank(stored: Any) -> bool:
    """Tell whether a stored value counts as not filled."""
    return stored in (None, "", []) or (isinstance(stored, Rich) and not stored.text)


def _need_text(raw: object, limit: int = TEXT_LIMIT) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise FieldError("Operation value must be a string")
    if utf16_length(raw) > limit:
        raise FieldError(f"The entered text is too long. It exceeds the allowed limit of {limit:,} characters.")
    return raw or None


def _summary(_field: Field, raw: object, _scene: Scene) -> str:
    if raw is not None and not isinstance(raw, str):
        raise FieldError("Operation value must be a string")
    if raw is None or not raw.strip():
        raise FieldError("You must specify a summary of the issue.")
    if "\n" in raw or "\r" in raw:
        raise FieldError("The summary is invalid because it contains newline characters.")
    if utf16_length(raw) > SUMMARY_LIMIT:
        raise FieldError("Summary can't exceed 255 characters.")
    return raw


def _text(_field: Field, raw: object, scene: Scene) -> str | Rich | None:
    written = isinstance(raw, Mapping) if scene.form == "either" else scene.form == "adf"
    return rich(raw) if written and raw is not None else _need_text(raw)


def rich(raw: object) -> Rich:
    """Check an Atlassian document; raises ``FieldError``."""
    if not isinstance(raw, Mapping) or not documents.is_document(raw):
        raise FieldError(documents.NOT_A_DOCUMENT)
    if documents.problem_of(raw) is not None:
        raise FieldError(documents.INVALID)
    if documents.size_of(raw) > TEXT_LIMIT:
        raise FieldError(documents.TOO_LONG)
    return Rich(text=documents.to_wiki(raw) or None, adf=raw)


def _string(_field: Field, raw: object, _scene: Scene) -> str | None:
    return _need_text(raw, 255)


def _labels(_field: Field, raw: object, _scene: Scene) -> list[str]:
    if raw is None:
        return []
    if not isinstance(raw, list) or not all(isinstance(each, str) for each in raw):
        raise FieldError("data was not an array")
    for label in raw:
        if re.search(r"\s", label):
            raise FieldError(f"The label '{label}' contains spaces which is invalid.")
        if not label:
            raise FieldError("The label must not be empty.")
        if utf16_length(label) > LABEL_LIMIT:
            raise FieldError(f"The label '{label}' exceeds the maximum length for a single label.")
    return sorted(set(raw))


def _reference(raw: object, what: str) -> tuple[str, str]:
    if isinstance(raw, Mapping):
        for handle in ("id", "name"):
            if isinstance(raw.get(handle), str | int) and not isinstance(raw.get(handle), bool):
                return handle, str(raw[handle])
    raise FieldError(f"Specify the {what} (name) in the string format")


def _find(things: Sequence[Named], handle: str, ref: str) -> Named | None:
    return next((each for each in things if ref == (each.id if handle == "id" else each.name)), None)


def _priority(_field: Field, raw: object, scene: Scene) -> str | None:
    if raw is None:
        return None
    handle, ref = _reference(raw, "Priority")
    offered = tuple(each for each in scene.catalog.priorities if each.name in scene.project.priorities)
    found = _find(offered, handle, ref)
    if found is None:
        raise FieldError(
            "The priority selected is invalid." if handle == "id" else f"Priority name '{ref}' is not valid"
        )
    return found.id


def _issuetype(_field: Field, raw: object, scene: Scene) -> str:
    if raw is None:
        raise FieldError("issue type is required")
    handle, ref = _reference(raw, "issue type")
    found = _find(scene.catalog.issue_types, handle, ref)
    if found is None:
        raise FieldError("valid issue type is required")
    return found.id


def _user(field: Field, raw: object, scene: Scene) -> str | None:
    if raw is None:
        return None
    handle = "accountId" if scene.catalog.cloud else "name"
    if scene.catalog.cloud and isinstance(raw, Mapping) and "accountId" not in raw and "id" in raw:
        handle = "id"
    ref = raw.get(handle) if isinstance(raw, Mapping) else None
    if scene.catalog.cloud and ref is None and isinstance(raw, Mapping) and "name" in raw:
        raise FieldError("'accountId' must be the only user identifying query parameter in GDPR strict mode.")
    if ref == "-1" or (ref is None and isinstance(raw, Mapping) and handle in raw):
        return None
    if not isinstance(ref, str):
        raise FieldError(f"expected '{handle}' property to be a string")
    user = scene.catalog.user_by_ref(ref)
    if user is None:
        raise FieldError(f"User '{ref}' does not exist.")
    held = scene.catalog.held(user.username, scene.project.key)
    if field.id == "assignee" and not (user.active and "ASSIGNABLE_USER" in held):
        raise FieldError(f"User '{ref}' cannot be assigned issues.")
    return user.username


def _date(_field: Field, raw: object, _scene: Scene) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
        try:
            return date.fromisoformat(raw).isoformat()
        except ValueError:
            pass  # a date such as February 30th gets the same refusal as one in another format
    raise FieldError("Error parsing date string: the format is yyyy-MM-dd")


def _datetime(_field: Field, raw: object, _scene: Scene) -> str | None:
    if raw is None:
        return None
    pattern = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}([+-]\d{4}|Z)"
    if isinstance(raw, str) and re.fullmatch(pattern, raw):
        try:
            return jira_time(datetime.fromisoformat(raw))
        except ValueError:
            pass  # an hour such as 25 gets the same refusal as another format
    raise FieldError("Error parsing time: the format is yyyy-MM-dd'T'HH:mm:ss.SSSZ")


def _number(_field: Field, raw: object, _scene: Scene) -> float | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise FieldError("Operation value must be a number")
    if abs(raw) > 1e14:
        raise FieldError("Operation value must be a number of at most 15 digits")
    return float(raw)


def _url(_field: Field, raw: object, _scene: Scene) -> str | None:
    text = _need_text(raw, URL_LIMIT)
    if text is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", text):
        raise FieldError(f"'{text}' is not a valid URL")
    return text


def _option(field: Field, raw: object, _scene: Scene) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, Mapping):
        for option in field.options:
            if raw.get("id") == option.id or ("id" not in raw and raw.get("value") == option.name):
                return option.id
        if "id" in raw or "value" in raw:
            raise FieldError(f"Option value '{raw.get('value', raw.get('id'))}' is not valid")
    raise FieldError("Specify a valid 'id' or 'name' for " + field.name)


def _options(field: Field, raw: object, scene: Scene) -> list[str]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise FieldError("data was not an array")
    return sorted({found for each in raw if (found := _option(field, each, scene)) is not None})


def _parent(_field: Field, raw: object, scene: Scene) -> str | None:
    if raw is None:
        return None
    ref = (raw.get("key") or raw.get("id")) if isinstance(raw, Mapping) else None
    if not isinstance(ref, str):
        raise FieldError("data was not an object")
    found = scene.find_issue(ref)
    if found is None:
        raise FieldError("Could not find issue by id or key.")
    return found


_PARSERS: dict[str, Callable[[Field, object, Scene], Any]] = {
    "summary": _summary, "text": _text, "string": _string, "labels": _labels, "priority": _priority,
    "issuetype": _issuetype, "user": _user, "date": _date, "datetime": _datetime, "number": _number,
    "option": _option, "options": _options, "parent": _parent, "url": _url,
}


def _named(things: Sequence[Named], thing_id: str) -> tuple[str | None, str | None]:
    return thing_id, by_id(things, thing_id).name


def _user_wording(_field: Field, value: str, catalog: Catalog) -> tuple[str | None, str | None]:
    user = catalog.users[value]
    return user.account_id if catalog.cloud else (user.user_key or user.username), user.display_name


def _options_wording(field: Field, value: list[str], _catalog: Catalog) -> tuple[str | None, str | None]:
    return f"[{', '.join(value)}]", ",".join(by_id(field.options, each).name for each in value)


_WORDINGS: dict[str, Callable[[Field, Any, Catalog], tuple[str | None, str | None]]] = {
    "labels": lambda _, value, _c: (None, " ".join(value)),
    "priority": lambda _, value, catalog: _named(catalog.priorities, value),
    "issuetype": lambda _, value, catalog: _named(catalog.issue_types, value),
    "user": _user_wording,
    "date": lambda _, value, _c: (value, value),
    "datetime": lambda _, value, _c: (value, value),
    "option": lambda field, value, _c: _named(field.options, value),
    "options": _options_wording,
    "parent": lambda _, value, _c: (value, value),
}


def jira_time(moment: datetime) -> str:
    """Write a time as Jira does: ``2026-01-01T10:11:12.345+0000``."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{moment:%z}"


def refuse_unknown(names: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, str]:
    """Give the refusals for names that no screen field has."""
    return {name: unknown_field(name) for name in names if name not in known}
