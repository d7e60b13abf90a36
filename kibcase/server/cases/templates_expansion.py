"""What templates, the field library and custom fields make of the request for a new case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kibcase.server.cases import activity
from kibcase.server.cases.authorization import authorize
from kibcase.server.cases.context import Caller, Context
from kibcase.server.cases.customfields import check_required as check_required_custom
from kibcase.server.cases.customfields import fill_missing
from kibcase.server.cases.extended_fields import check_required, check_values, defaults_of
from kibcase.server.cases.extended_fields_pairing import pair_created
from kibcase.server.cases.templates_definition import parse_definition
from kibcase.server.cases.templates_library import Library
from kibcase.server.codec import Codec, decode
from kibcase.server.errors import BadRequest

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A request for a case after its template was applied.

    ``fields`` is the whole request, ``template_fields`` are the template's fields (None without a template) and
    ``name`` is what the template is called.
    """

    fields: Json
    template_fields: list[Json] | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The custom and extended fields to store, and the extended values worth a user action."""

    custom: list[Json]
    extended: dict[str, str] | None
    remarkable: dict[str, str]


def apply_template(context: Context, library: Library, caller: Caller, request: Json, codec: Codec) -> Draft:
    """Fill what the caller left out from the template; raises ``BadRequest`` or ``Forbidden``.

    The caller must have been allowed to create the case: an unknown template, a disabled one and one of another
    owner are all just not found.
    """
    asked = request.get("template")
    if asked is None:
        return Draft(fields=request)
    if not context.stack.has_templates:
        _check_pinned(asked)
        return Draft(fields=request, template_fields=library.fields_of(caller.space, asked["id"]))
    template = library.template(caller.space, asked["id"], asked.get("version"))
    if template is None or template["deletedAt"] or template["owner"] != request["owner"] or not template["isEnabled"]:
        raise BadRequest(f"Template {asked['id']} not found")
    fields = library.resolved(caller.space, template)
    filled = _filled(request, parse_definition(template["definition"]), platinum=context.stack.is_platinum)
    extended = defaults_of(fields) | request.get("extended_fields", {})
    if extended:
        filled["extended_fields"] = extended
    filled["template"] = {"id": template["templateId"], "version": template["templateVersion"]}
    filled["connector"] = library.connector(caller.space, filled["connector"], template)
    if filled.get("assignees") and "assignees" not in request:
        authorize(caller, "assignCase", [request["owner"]])
    return Draft(fields=decode(codec, filled), template_fields=fields, name=template["name"])


def _check_pinned(template: Json) -> None:
    if "version" not in template:
        raise BadRequest(
            f"template.version is required (template {template['id']}). It may only be omitted on case creation "
            "when the templates feature is enabled."
        )


def _filled(request: Json, definition: Json, *, platinum: bool) -> Json:
    filled = dict(request)
    for name in ("severity", "category"):
        if name not in request and definition.get(name):
            filled[name] = definition[name]
    people = [person for person in definition.get("assignees", ()) if person["uid"]]
    if "assignees" not in request and people and platinum:
        filled["assignees"] = people
    if not request["tags"] and definition.get("tags"):
        filled["tags"] = list(dict.fromkeys(definition["tags"]))
    extract = definition.get("settings", {}).get("extractObservables")
    if "extractObservables" not in request["settings"] and extract is not None:
        filled["settings"] = request["settings"] | {"extractObservables": extract}
    return filled


def complete_fields(
    library: Library, space: str, request: Json, draft: Draft, configured: Sequence[Json] | None
) -> Outcome:
    """Give the fields of a new case on a stack with templates; raises ``BadRequest`` if they are not in order.

    ``request`` is what the caller sent. The caller's values come first, then the defaults of global fields, then
    the template's; custom fields and the extended fields they are linked to are made the same.
    """
    owner, named = request["owner"], request.get("extended_fields", {})
    shared = library.required_global_fields(space, owner, configured or ())
    defaults = {key: value for key, value in defaults_of(shared).items() if value != ""}
    extended = draft.fields.get("extended_fields")
    is_complete = extended is not None
    if defaults:
        extended = (extended or {}) | defaults | named
    custom = fill_missing(draft.fields.get("customFields", ()), configured)
    if configured:
        links = library.links(space, owner, configured)
        paired = pair_created(request.get("customFields", ()), named, custom, extended or {}, links)
        custom = paired.custom
        extended = paired.extended if paired.extended or extended is not None else None
    check_required_custom(custom, configured or ())
    if extended is not None:
        check_values(extended, draft.template_fields, shared, partial=not is_complete)
    check_required(extended or {}, shared)
    own = defaults_of(draft.template_fields or ())
    base = {key: defaults.get(key, value) for key, value in own.items()}
    remarkable = {key: value for key, value in (extended or {}).items() if value != base.get(key, "")}
    return Outcome(custom=custom, extended=extended, remarkable=remarkable)


def actions_of(draft: Draft, outcome: Outcome) -> list[Json]:
    """Describe the template and the extended values of a new case."""
    actions = []
    if draft.name is not None:
        actions.append(activity.applied(draft.fields["template"] | {"name": draft.name}))
    return actions + activity.extended(outcome.remarkable)
