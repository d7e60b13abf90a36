"""The tables of a fresh instance."""

from __future__ import annotations

from kibcase_connectors.standins.servicenow.schema import Column, Kind, Schema, Table


def _text(name: str, label: str, length: int = 40) -> Column:
    return Column(name=name, label=label, max_length=length)


def _choice(name: str, label: str, default: str = "", kind: Kind = "string") -> Column:
    return Column(name=name, label=label, kind=kind, choice=True, default=default)


def _level(name: str, label: str, default: str) -> Column:
    return _choice(name, label, default, "integer")


def _refers(name: str, label: str, table: str) -> Column:
    return Column(name=name, label=label, kind="reference", max_length=32, reference=table)


def _moment(name: str, label: str) -> Column:
    return Column(name=name, label=label, kind="glide_date_time")


def _flag(name: str, label: str, default: str = "false") -> Column:
    return Column(name=name, label=label, kind="boolean", default=default)


def _journal(name: str, label: str) -> Column:
    return Column(name=name, label=label, kind="journal_input", max_length=4000)


TASK = Table(
    name="task", label="Task", display="number", prefix="TASK",
    columns=(
        Column(name="sys_class_name", label="Task type", max_length=80, read_only=True),
        Column(name="number", label="Number", read_only=True),
        _text("short_description", "Short description", 160), _text("description", "Description", 4000),
        _level("state", "State", "1"), _level("priority", "Priority", "4"),
        _level("impact", "Impact", "3"), _level("urgency", "Urgency", "3"),
        _flag("active", "Active", "true"), _choice("contact_type", "Contact type"),
        _refers("assigned_to", "Assigned to", "sys_user"),
        _refers("assignment_group", "Assignment group", "sys_user_group"),
        _refers("opened_by", "Opened by", "sys_user"), _moment("opened_at", "Opened"),
        _refers("closed_by", "Closed by", "sys_user"), _moment("closed_at", "Closed"),
        _text("close_notes", "Close notes", 4000), _moment("due_date", "Due date"), _refers("parent", "Parent", "task"),
        _text("correlation_id", "Correlation ID", 100), _text("correlation_display", "Correlation display", 100),
        _journal("comments", "Additional comments"), _journal("work_notes", "Work notes"),
        Column(name="sys_tags", label="Tags", max_length=255, read_only=True),
    ),
)
INCIDENT = Table(
    name="incident", label="Incident", parent="task", display="number", prefix="INC",
    columns=(
        _refers("caller_id", "Caller", "sys_user"), _choice("category", "Category", "inquiry"),
        _choice("subcategory", "Subcategory"), _level("severity", "Severity", "3"),
        _level("incident_state", "Incident state", "1"), _level("hold_reason", "On hold reason", ""),
        _choice("close_code", "Resolution code"), _text("close_notes", "Resolution notes", 4000),
        _moment("resolved_at", "Resolved"), _refers("resolved_by", "Resolved by", "sys_user"),
        _moment("reopened_time", "Last reopened at"),
        Column(name="reopen_count", label="Reopen count", kind="integer", default="0", read_only=True),
    ),
)
SECURITY_INCIDENT = Table(
    name="sn_si_incident", label="Security Incident", parent="task", display="number", prefix="SIR",
    columns=(
        _level("state", "State", "10"), _choice("category", "Category"), _choice("subcategory", "Subcategory"),
        _choice("close_code", "Close code"), _text("dest_ip", "Destination IP", 4000),
        _text("source_ip", "Source IP", 4000), _text("malware_hash", "Malware hash", 4000),
        _text("malware_url", "Malware URL", 4000),
    ),
)
USER = Table(
    name="sys_user", label="User", display="name",
    columns=(
        _text("user_name", "User ID"), _text("name", "Name", 151), _text("email", "Email", 100),
        _flag("active", "Active", "true"), _text("time_zone", "Time zone"), _text("date_format", "Date format"),
        _text("time_format", "Time format"), _flag("web_service_access_only", "Web service access only"),
        Column(name="user_password", label="Password", read_only=True),
    ),
)
GROUP = Table(
    name="sys_user_group", label="Group", display="name",
    columns=(_text("name", "Name", 80), _text("email", "Group email", 100), _flag("active", "Active", "true")),
)
MEMBER = Table(
    name="sys_user_grmember", label="Group Member",
    columns=(_refers("user", "User", "sys_user"), _refers("group", "Group", "sys_user_group")),
)
JOURNAL = Table(
    name="sys_journal_field", label="Journal Entry",
    columns=(
        _text("name", "Name", 80), _text("element", "Element", 80), _text("element_id", "Element ID", 32),
        _text("value", "Value", 16_777_215),
    ),
)
CHOICE = Table(
    name="sys_choice", label="Choice", display="label",
    columns=(
        _text("name", "Table", 80), _text("element", "Element", 80), _text("label", "Label", 100),
        _text("value", "Value"), _text("dependent_value", "Dependent value"), _text("language", "Language"),
        _flag("inactive", "Inactive"), Column(name="sequence", label="Sequence", kind="integer"),
    ),
)
DICTIONARY = Table(
    name="sys_dictionary", label="Dictionary Entry",
    columns=(
        _text("name", "Table", 80), _text("element", "Column name", 80), _text("column_label", "Column label", 80),
        _text("internal_type", "Type"), Column(name="max_length", label="Max length", kind="integer"),
        _flag("mandatory", "Mandatory"), _flag("read_only", "Read only"), _flag("active", "Active", "true"),
        _flag("array", "Array"), _text("reference", "Reference", 80), _text("default_value", "Default value", 512),
        Column(name="choice", label="Choice", kind="integer"),
    ),
)
PROPERTY = Table(
    name="sys_properties", label="System Property", display="name",
    columns=(_text("name", "Name", 100), _text("value", "Value", 4000)),
)
ATTACHMENT = Table(
    name="sys_attachment", label="Attachment", display="file_name",
    columns=(
        _text("file_name", "File name", 100), _text("content_type", "Content type", 100),
        _text("size_bytes", "Size bytes"),
        _text("table_name", "Table", 80), _text("table_sys_id", "Table Sys ID", 32), _text("hash", "Hash", 64),
    ),
)
AUDIT_DELETE = Table(
    name="sys_audit_delete", label="Deleted Record",
    columns=(
        _text("tablename", "Table", 80), _text("documentkey", "Document key", 32),
        _text("display_value", "Display", 255), _text("user", "User"),
    ),
)
OBSERVABLE = Table(
    name="sn_ti_observable", label="Observable", display="value",
    columns=(_text("value", "Value", 1024), _refers("type", "Observable type", "sn_ti_observable_type")),
)
OBSERVABLE_TYPE = Table(
    name="sn_ti_observable_type", label="Observable Type", display="name", columns=(_text("name", "Name", 100),),
)
TASK_OBSERVABLE = Table(
    name="sn_ti_m2m_task_observable", label="Associated Observable",
    columns=(_refers("task", "Task", "task"), _refers("observable", "Observable", "sn_ti_observable")),
)

DEFAULT_SCHEMA = Schema({each.name: each for each in (
    TASK, INCIDENT, SECURITY_INCIDENT, USER, GROUP, MEMBER, JOURNAL, CHOICE, DICTIONARY, PROPERTY, ATTACHMENT,
    AUDIT_DELETE, OBSERVABLE, OBSERVABLE_TYPE, TASK_OBSERVABLE,
)})
