"""Every endpoint of Kibana that has to do with cases: since which stack, at which licence, by which method here.

This is data: what is missing on a stack is explained by it, and the table of the documentation is made of
it. Sources: Kibana Cases API and the routes of the Cases plugin. Versions of stack 9 are estimates.
"""

from __future__ import annotations

from dataclasses import dataclass

from kibcase.models.status import Version

OLDEST = Version(8, 17)
"""The oldest stack that this library is made for; what is as old or older is not looked into."""

_UI = "For Kibana's own pages."
_V9 = Version(9, 0)
_TEMPLATES = Version(9, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFact:
    """One endpoint.

    ``path`` has ``{placeholders}``; ``library`` is the method below ``Kibana`` that calls it ("cases.get"),
    "" if there is none: ``note`` says why. ``until`` is the first stack that does not have it any more.
    ``internal``: needs the internal-origin header since 9.0. ``preview``: in no release yet.
    """

    method: str
    path: str
    library: str = ""
    since: Version = OLDEST
    until: Version | None = None
    licence: str = "basic"
    internal: bool = False
    preview: bool = False
    note: str = ""

    @property
    def title(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @property
    def is_recent(self) -> bool:
        """Whether there are stacks in use that do not have it yet."""
        return self.since > OLDEST

    def matches(self, method: str, path: str) -> bool:
        """Whether a request goes to it; ``path`` is escaped and without the space."""
        have, want = path.split("/"), self.path.split("/")
        return method == self.method and len(have) == len(want) and all(
            (given != "" if part.startswith("{") else given == part) for given, part in zip(have, want, strict=True)
        )

    def is_in(self, version: Version) -> bool:
        """Whether the stack of that version has it."""
        return not self.preview and version >= self.since and (self.until is None or version < self.until)


def endpoint_of(method: str, path: str) -> EndpointFact | None:
    """Return the endpoint that a request goes to, None for one that is not listed. Fixed segments win."""
    found = [fact for fact in ENDPOINTS if fact.matches(method, path)]
    return min(found, key=lambda fact: fact.path.count("{"), default=None)


def _public(
    method: str, path: str, library: str = "", since: Version = OLDEST, *, until: Version | None = None,
    licence: str = "basic", internal: bool = False, preview: bool = False, note: str = "",
) -> EndpointFact:
    return EndpointFact(
        method=method, path=path, library=library, since=since, until=until, licence=licence, internal=internal,
        preview=preview, note=note,
    )


def _internal(
    method: str, path: str, library: str = "", since: Version = OLDEST, *, licence: str = "basic", note: str = ""
) -> EndpointFact:
    return _public(method, path, library, since, licence=licence, internal=True, note=note)


_CASE = "/api/cases/{case_id}"
_INNER = "/internal/cases/{case_id}"
_OBSERVABLES = f"{_INNER}/observables"
_FIELDS = "/api/cases/field_definitions"
_SIGNALS = "/api/detection_engine/signals"

CASES = (
    _public("POST", "/api/cases", "cases.create"),
    _public("PATCH", "/api/cases", "cases.update_many"),
    _public("DELETE", "/api/cases", "cases.delete"),
    _public("GET", "/api/cases/_find", "cases.find"),
    _public("GET", _CASE, "cases.get"),
    _public("GET", "/api/cases/tags", "cases.tags"),
    _public("GET", "/api/cases/reporters", "cases.reporters"),
    _public("GET", "/api/cases/status", until=_V9, note="Use cases.counts."),
    _public("POST", f"{_CASE}/_sync", "cases.sync_external", licence="enterprise", preview=True),
    _public("GET", f"{_CASE}/resolve", "cases.resolve", internal=True),
    _internal("POST", "/internal/cases/_bulk_get", "cases.bulk_get"),
    _internal("POST", "/internal/cases/_search", "cases.search"),
    _internal("GET", "/internal/cases/categories", "cases.categories"),
    _internal("POST", f"{_INNER}/_similar", "cases.similar", Version(8, 18), licence="platinum"),
    _internal("PUT", f"{_INNER}/custom_fields/{{custom_field_id}}", "cases.set_custom_field"),
)
ATTACHMENTS = (
    _public("POST", f"{_CASE}/comments", "comments.add"),
    _public("PATCH", f"{_CASE}/comments", "comments.update"),
    _public("DELETE", f"{_CASE}/comments", "comments.delete_all"),
    _public("GET", f"{_CASE}/comments", until=_V9, note="Use attachments.all."),
    _public("GET", f"{_CASE}/comments/_find", "comments.find"),
    _public("GET", f"{_CASE}/comments/{{comment_id}}", "comments.get"),
    _public("DELETE", f"{_CASE}/comments/{{comment_id}}", "comments.delete"),
    _public("POST", f"{_CASE}/comments/_bulk_delete", "comments.delete_many", Version(9, 5)),
    _public("POST", f"{_CASE}/files", "files.upload"),
    _public("GET", f"{_CASE}/alerts", "alerts.of_case"),
    _public("GET", "/api/cases/alerts/{alert_id}", "alerts.cases_of"),
    _internal("POST", "/internal/cases/case/attachments/_find_containing_all", "alerts.cases_with_all", Version(8, 18)),
    _internal("POST", f"{_INNER}/attachments/_bulk_create", "attachments.create_many"),
    _internal("POST", f"{_INNER}/attachments/_bulk_get", "attachments.get_many"),
    _internal("POST", f"{_INNER}/attachments/files/_bulk_delete", "files.delete_many"),
    _public("POST", f"{_CASE}/attachments", "attachments.unified.create", Version(9, 5), internal=True),
    _public("GET", f"{_CASE}/attachments", "attachments.unified.find", Version(9, 5), internal=True),
    _public("DELETE", f"{_CASE}/attachments", "attachments.unified.delete_all", Version(9, 5), internal=True),
    _public("GET", f"{_CASE}/attachments/{{id}}", "attachments.unified.get", Version(9, 5), internal=True),
    _public("PUT", f"{_CASE}/attachments/{{id}}", "attachments.unified.replace", Version(9, 5), internal=True),
    _public("DELETE", f"{_CASE}/attachments/{{id}}", "attachments.unified.delete", Version(9, 5), internal=True),
    _public("GET", "/api/files/files/{file_kind}/{id}", "files.info", internal=True),
    _public("GET", "/api/files/files/{file_kind}/{id}/blob", "files.download"),
)
OBSERVABLES = (
    _internal("POST", _OBSERVABLES, "observables.add", Version(8, 18), licence="platinum"),
    _internal("PATCH", f"{_OBSERVABLES}/{{id}}", "observables.update", Version(8, 18), licence="platinum"),
    _internal("DELETE", f"{_OBSERVABLES}/{{id}}", "observables.remove", Version(8, 18), licence="platinum"),
    _internal("POST", f"{_OBSERVABLES}/_bulk_create", "observables.add_many", Version(9, 2), licence="platinum"),
    _internal("POST", f"{_OBSERVABLES}/_bulk_delete", "observables.remove_many", Version(9, 6), licence="platinum"),
)
ACTIVITY = (
    _public("GET", f"{_CASE}/user_actions/_find", "user_actions.find"),
    _public("GET", f"{_CASE}/user_actions", until=_V9, note="Use user_actions.iter."),
    _internal("GET", f"{_INNER}/user_actions/_find", "user_actions.search"),
    _internal("GET", f"{_INNER}/user_actions/_stats", "user_actions.stats"),
    _internal("GET", f"{_INNER}/_users", "user_actions.users"),
    _internal("GET", f"{_INNER}/_connectors", "user_actions.connectors"),
    _internal("GET", "/internal/cases/metrics", "metrics.across"),
    _internal("GET", "/internal/cases/metrics/{case_id}", "metrics.of_case"),
    _internal("POST", "/internal/cases/_suggest_user_profiles", "profiles.suggest"),
    _internal("POST", "/internal/security/user_profile/_bulk_get", "profiles.get_many"),
    _internal("GET", "/internal/security/user_profile", "profiles.current"),
)
CONFIGURATION = (
    _public("GET", "/api/cases/configure", "configuration.all"),
    _public("POST", "/api/cases/configure", "configuration.replace"),
    _public("PATCH", "/api/cases/configure/{configuration_id}", "configuration.update"),
    _public("GET", "/api/cases/configure/connectors/_find", "connectors.for_cases"),
    _public("GET", "/api/cases/templates", "templates.find", _TEMPLATES),
    _public("GET", "/api/cases/templates/{template_id}", "templates.get", _TEMPLATES),
    _public("POST", "/api/cases/templates", "templates.create", _TEMPLATES),
    _public("PUT", "/api/cases/templates/{template_id}", "templates.replace", _TEMPLATES),
    _public("DELETE", "/api/cases/templates/{template_id}", "templates.delete", _TEMPLATES),
    _public("GET", _FIELDS, "fields.find", _TEMPLATES),
    _public("POST", _FIELDS, "fields.create", _TEMPLATES),
    _public("GET", f"{_FIELDS}/{{field_definition_id}}", "fields.get", _TEMPLATES),
    _public("PUT", f"{_FIELDS}/{{field_definition_id}}", "fields.replace", _TEMPLATES),
    _public("DELETE", f"{_FIELDS}/{{field_definition_id}}", "fields.delete", _TEMPLATES),
    _public("GET", "/api/cases/fields", "fields.applicable", _TEMPLATES),
    _public("GET", f"{_CASE}/fields", "fields.of_case", _TEMPLATES),
)
CONNECTORS = (
    _public("POST", f"{_CASE}/connector/{{connector_id}}/_push", "cases.push", note="Licence: the connector's."),
    _public("GET", "/api/actions/connector_types", "connectors.types"),
    _public("GET", "/api/actions/connectors", "connectors.all"),
    _public("GET", "/api/actions/connector/{id}", "connectors.get"),
    _public("POST", "/api/actions/connector", "connectors.create"),
    _public("POST", "/api/actions/connector/{id}", "connectors.create"),
    _public("PUT", "/api/actions/connector/{id}", "connectors.update"),
    _public("DELETE", "/api/actions/connector/{id}", "connectors.delete"),
    _public("POST", "/api/actions/connector/{id}/_execute", "connectors.execute"),
)
DETECTIONS = (
    _public("POST", f"{_SIGNALS}/status", "detections.set_status", note="Rights: those of Elastic Security."),
    _public("POST", f"{_SIGNALS}/tags", "detections.change_tags", note="Likewise."),
    _public("POST", f"{_SIGNALS}/assignees", "detections.change_assignees", note="Likewise."),
    _public("POST", f"{_SIGNALS}/search", "detections.search", note="Likewise."),
)
PLATFORM = (
    _public("GET", "/api/spaces/space", "spaces.all"),
    _public("POST", "/api/spaces/space", "spaces.create"),
    _public("GET", "/api/spaces/space/{id}", "spaces.get"),
    _public("PUT", "/api/spaces/space/{id}", "spaces.update"),
    _public("DELETE", "/api/spaces/space/{id}", "spaces.delete"),
    _public("POST", "/api/saved_objects/_export", "saved_objects.export_cases", note="Rights: saved objects."),
    _public("POST", "/api/saved_objects/_import", "saved_objects.import_", note="Likewise."),
    _public("GET", "/api/status", "status.get"),
    _public("GET", "/api/licensing/info", "status.license"),
)
PAGES_ONLY = (
    *(_internal(method, "/internal/cases/templates", since=Version(9, 4), note=_UI) for method in ("GET", "POST")),
    *(
        _internal(method, "/internal/cases/templates/{template_id}", since=Version(9, 4), note=_UI)
        for method in ("GET", "PUT", "PATCH", "DELETE")
    ),
    _internal("POST", "/internal/cases/templates/_bulk_delete", since=Version(9, 4), note=_UI),
    _internal("POST", "/internal/cases/templates/_bulk_export", since=Version(9, 4), note=_UI),
    _internal("GET", "/internal/cases/templates/tags", since=Version(9, 4), note=_UI),
    _internal("GET", "/internal/cases/templates/creators", since=Version(9, 4), note=_UI),
    *(_internal(method, "/internal/cases/field_definitions", since=_TEMPLATES, note=_UI) for method in ("GET", "POST")),
    *(
        _internal(method, "/internal/cases/field_definitions/{field_definition_id}", since=_TEMPLATES, note=_UI)
        for method in ("PUT", "DELETE")
    ),
    _internal("POST", "/internal/cases/workflows/{workflow_id}/run", since=Version(9, 6), note=_UI),
)
ENDPOINTS: tuple[EndpointFact, ...] = (
    *CASES, *ATTACHMENTS, *OBSERVABLES, *ACTIVITY, *CONFIGURATION, *CONNECTORS, *DETECTIONS, *PLATFORM, *PAGES_ONLY,
)
