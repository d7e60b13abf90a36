"""The routes of templates, the field library and the fields of a case; and of advanced settings."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok


def template_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes for the stack that ``state`` plays; they must come before those of ``/api/cases/{case_id}``."""
    return [*_templates(state), *_field_definitions(state), *_fields(state)] if state.stack.has_templates else []


def _templates(state: CaseState) -> list[Endpoint]:
    templates, path = state.templates, "/api/cases/templates/{template_id}"
    return [
        Endpoint(
            method="GET", path="/api/cases/templates", handle=lambda call: ok(templates.find(call.by, call.query))
        ),
        Endpoint(
            method="POST",
            path="/api/cases/templates",
            handle=lambda call: ok(templates.create(call.by, call.query, call.body)),
        ),
        Endpoint(
            method="GET",
            path=path,
            handle=lambda call: ok(templates.get(call.by, call.params["template_id"], call.query)),
        ),
        Endpoint(
            method="PUT",
            path=path,
            handle=lambda call: ok(templates.update(call.by, call.params["template_id"], call.query, call.body)),
        ),
        Endpoint(method="DELETE", path=path, handle=lambda call: _delete_template(state, call)),
    ]


def _field_definitions(state: CaseState) -> list[Endpoint]:
    definitions, path = state.field_definitions, "/api/cases/field_definitions/{field_definition_id}"
    return [
        Endpoint(
            method="GET",
            path="/api/cases/field_definitions",
            handle=lambda call: ok(definitions.find(call.by, call.query)),
        ),
        Endpoint(
            method="POST",
            path="/api/cases/field_definitions",
            handle=lambda call: ok(definitions.create(call.by, call.query, call.body)),
        ),
        Endpoint(
            method="GET",
            path=path,
            handle=lambda call: ok(definitions.get(call.by, call.params["field_definition_id"])),
        ),
        Endpoint(
            method="PUT",
            path=path,
            handle=lambda call: ok(
                definitions.update(call.by, call.params["field_definition_id"], call.query, call.body)
            ),
        ),
        Endpoint(method="DELETE", path=path, handle=lambda call: _delete_definition(state, call)),
    ]


def _fields(state: CaseState) -> list[Endpoint]:
    fields = state.applicable_fields
    return [
        Endpoint(method="GET", path="/api/cases/fields", handle=lambda call: ok(fields.of_owner(call.by, call.query))),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/fields",
            handle=lambda call: ok(fields.of_case(call.by, call.params["case_id"])),
        ),
    ]


def settings_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of advanced settings."""
    settings, path = state.settings, "/internal/kibana/settings"
    return [
        Endpoint(method="GET", path=path, handle=lambda call: ok(settings.all(call.by.space)), internal=True),
        Endpoint(
            method="POST",
            path=path,
            handle=lambda call: ok(settings.change(call.by.space, call.mapping.get("changes"))),
            internal=True,
        ),
        Endpoint(
            method="POST",
            path=path + "/{key}",
            handle=lambda call: ok(settings.change(call.by.space, {call.params["key"]: call.mapping.get("value")})),
            internal=True,
        ),
        Endpoint(
            method="DELETE",
            path=path + "/{key}",
            handle=lambda call: ok(settings.change(call.by.space, {call.params["key"]: None})),
            internal=True,
        ),
    ]


def _delete_template(state: CaseState, call: Call) -> Reply:
    state.templates.delete(call.by, call.params["template_id"])
    return NO_CONTENT


def _delete_definition(state: CaseState, call: Call) -> Reply:
    state.field_definitions.delete(call.by, call.params["field_definition_id"])
    return NO_CONTENT
