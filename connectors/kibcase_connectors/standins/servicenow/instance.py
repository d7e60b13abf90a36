"""What an instance is set up with, and the records that follow from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kibcase_connectors.standins.servicenow.access import DEFAULT_ACCESS, Access
from kibcase_connectors.standins.servicenow.choices import DEFAULT_CHOICES, Choice
from kibcase_connectors.standins.servicenow.people import (
    DEFAULT_GROUPS,
    DEFAULT_USERS,
    Group,
    OAuthApp,
    ServiceNowUser,
    fixed_id,
)
from kibcase_connectors.standins.servicenow.rules import (
    DEFAULT_POLICIES,
    DEFAULT_RULES,
    DEFAULT_STATES,
    BusinessRule,
    DataPolicy,
    StateModel,
    closing,
    moving,
)
from kibcase_connectors.standins.servicenow.schema import Column, Schema
from kibcase_connectors.standins.servicenow.tables import DEFAULT_SCHEMA

STRICT_PROPERTY = "glide.invalid_query.returns_no_rows"
ZONE_PROPERTY = "glide.sys.default.tz"
SIZE_PROPERTY = "com.glide.attachment.max_size"
EXTENSIONS_PROPERTY = "glide.attachment.extensions"
OBSERVABLE_TYPES: Mapping[str, str] = {
    "ipv4-addr": "IP address (V4)", "ipv6-addr": "IP address (V6)", "url": "URL", "domain-name": "Domain name",
    "email-addr": "Email address", "md5": "MD5 hash", "sha1": "SHA1 hash", "sha256": "SHA256 hash",
    "sha512": "SHA512 hash", "host-name": "Host name",
}
"""The types of observables, by what Elastic's app calls them (in small letters)."""

_MEGABYTE = 1024 * 1024
CHOSEN = 3
CONFIGURED = frozenset(
    {"sys_user", "sys_user_group", "sys_user_grmember", "sys_choice", "sys_dictionary", "sys_properties",
     "sn_ti_observable_type"}
)
"""The tables that say how an instance is set up; their records are made anew on every start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Everything about an instance that is not a ticket; ``base`` is its URL without trailing slash.

    ``literal_dates`` says in whose zone plain date literals of queries are read: sources about the vendor disagree.
    ``elastic_apps`` are the scopes of Elastic's store apps that are installed.
    """

    base: str
    schema: Schema = DEFAULT_SCHEMA
    users: Mapping[str, ServiceNowUser] = field(
        default_factory=lambda: {each.user_name: each for each in DEFAULT_USERS}
    )
    groups: tuple[Group, ...] = DEFAULT_GROUPS
    choices: tuple[Choice, ...] = DEFAULT_CHOICES
    states: tuple[StateModel, ...] = DEFAULT_STATES
    policies: tuple[DataPolicy, ...] = DEFAULT_POLICIES
    rules: tuple[BusinessRule, ...] = DEFAULT_RULES
    access: Access = field(default_factory=lambda: Access(tables=DEFAULT_ACCESS))
    oauth_apps: tuple[OAuthApp, ...] = ()
    elastic_apps: frozenset[str] = frozenset({"x_elas2_inc_int", "x_elas2_sir_int"})
    time_zone: str = "America/Los_Angeles"
    literal_dates: str = "UTC"
    invalid_query_returns_no_rows: bool = False
    attachments_touch_record: bool = False
    attachment_limit: int = 16_000_000
    attachment_extensions: frozenset[str] = frozenset()

    def zone_of(self, user: ServiceNowUser) -> str:
        """Give the time zone of a user: the own one, or the instance's."""
        return user.time_zone or self.time_zone

    def model(self, table: str) -> StateModel | None:
        """Give the state model of a table."""
        return next((each for each in self.states if each.table == table), None)

    def rules_of(self, table: str, when: str) -> list[BusinessRule]:
        """Give the business rules of a table and its ancestors, those of the state model first."""
        lineage, model = self.schema.lineage(table), self.model(table)
        own = [] if model is None or when == "after" else [
            BusinessRule(name="Validate state transition", table=table, run=moving(model)),
            BusinessRule(name="Close", table=table, run=closing(model)),
        ]
        given = [each for each in self.rules if each.table in lineage and each.when == when]
        # What sets the state comes first, or the move it makes would go unjudged.
        return [*given, *own]

    def policies_of(self, table: str) -> list[DataPolicy]:
        """Give the data policies of a table and its ancestors."""
        return [each for each in self.policies if each.table in self.schema.lineage(table)]


def seeds(instance: Instance) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the records (table, columns) of what an instance is set up with."""
    for user in instance.users.values():
        yield "sys_user", {
            "sys_id": user.sys_id, "user_name": user.user_name, "name": user.name, "email": user.email,
            "active": str(user.active).lower(), "time_zone": user.time_zone, "date_format": user.date_format,
            "time_format": user.time_format, "web_service_access_only": "false",
        }
    for group in instance.groups:
        yield "sys_user_group", {"sys_id": group.sys_id, "name": group.name, "active": "true"}
        for name in group.members:
            yield "sys_user_grmember", {
                "sys_id": fixed_id("sys_user_grmember", f"{group.name}/{name}"), "group": group.sys_id,
                "user": fixed_id("sys_user", name),
            }
    yield from choice_seeds(instance.choices)
    strict = str(instance.invalid_query_returns_no_rows).lower()
    megabytes = instance.attachment_limit // _MEGABYTE
    for name, value in (
        (STRICT_PROPERTY, strict), (ZONE_PROPERTY, instance.time_zone), (SIZE_PROPERTY, str(megabytes or "")),
        (EXTENSIONS_PROPERTY, ",".join(sorted(instance.attachment_extensions))),
    ):
        yield "sys_properties", {"sys_id": fixed_id("sys_properties", name), "name": name, "value": value}
    for name in OBSERVABLE_TYPES.values():
        yield "sn_ti_observable_type", {"sys_id": fixed_id("sn_ti_observable_type", name), "name": name}
    yield from dictionary_seeds(instance.schema)


def choice_seeds(choices: tuple[Choice, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the records of choice lists."""
    for number, each in enumerate(choices):
        key = f"{each.table}/{each.element}/{each.dependent_value}/{each.value}"
        key += "" if each.language == "en" else f"/{each.language}"
        yield "sys_choice", {
            "sys_id": fixed_id("sys_choice", key), "name": each.table, "element": each.element, "label": each.label,
            "value": each.value, "dependent_value": each.dependent_value, "language": each.language,
            "inactive": str(each.inactive).lower(), "sequence": str(number),
        }


def dictionary_seeds(schema: Schema) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the records of ``sys_dictionary``; columns stand at the table that defines them."""
    for table in schema.tables.values():
        own = table.columns if table.parent else tuple(schema.columns(table.name).values())
        for column in own:
            yield "sys_dictionary", _entry(table.name, column)


def _entry(table: str, column: Column) -> dict[str, str]:
    return {
        "sys_id": fixed_id("sys_dictionary", f"{table}/{column.name}"), "name": table, "element": column.name,
        "column_label": column.label, "internal_type": column.kind, "max_length": str(column.max_length),
        "mandatory": str(column.mandatory).lower(), "read_only": str(column.read_only).lower(), "active": "true",
        "array": "false", "reference": column.reference, "default_value": column.default,
        "choice": str(CHOSEN) if column.choice else "0",
    }
