"""The requests that sync sends to ServiceNow (Table API v2, Attachment API, Elastic's app), one method each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from kibcase_connectors.errors import NotFound, Refused, Unavailable
from kibcase_connectors.servicenow import failures, query, wire
from kibcase_connectors.servicenow.client import ServiceNowClient
from kibcase_connectors.servicenow.failures import Answer, Cancelled, Deed
from kibcase_connectors.servicenow.wire import Attached, ColumnInfo, Page, Record

ATTACHMENT: Final = "sys_attachment"
"""The table of attachments; it is reached through the Attachment API, which has no version 2."""

IDS: Final = 100
"""How many values one condition lists at most, so that the address stays short."""

PERSON: Final = ("sys_id", "user_name", "name", "email")
"""The columns that tell who somebody is."""

T = TypeVar("T")
_FILES = "/api/now/attachment"
_APP = "/api/x_elas2_sir_int/elastic_api"
_RAW = {"sysparm_display_value": "false", "sysparm_exclude_reference_link": "true"}


class ServiceNowRest(ServiceNowClient):
    """ServiceNow's Table API, as far as sync needs it, for one account; see ``ServiceNowClient`` for the policy."""

    # -- lists ----------------------------------------------------------------------------------------

    def page(
        self, what: str, table: str, asked: str, fields: Sequence[str], *, limit: int, offset: int = 0
    ) -> Page:
        """Give one page of a list (GET table/{table}; attachments: GET /api/now/attachment).

        The limit counts rows that the account may not see, so a short page says nothing; ``Page.more`` does
        (``Link`` and ``X-Total-Count``). Raises ``Cancelled`` if the instance gave up in the middle.
        """
        deed = self.deed(what)
        params: dict[str, Any] = {
            **_RAW, "sysparm_query": asked, "sysparm_fields": ",".join(fields), "sysparm_limit": limit,
        }
        params |= {"sysparm_offset": offset} if offset else {}
        try:
            answer = self.get(deed, _FILES if table == ATTACHMENT else f"table/{_part(table)}", params)
        except NotFound:
            # Version 1 of the API, and gateways that keep to it, tell an empty list in this way.
            return Page(rows=(), more=False, total=0)
        return self._decode(deed, lambda: _page(answer, limit, offset))

    def few(self, what: str, table: str, asked: str, fields: Sequence[str], *, limit: int) -> list[Mapping[str, Any]]:
        """Give the rows of a list that is short by nature, at most ``limit``."""
        return list(self._whole(what, lambda: self.page(what, table, asked, fields, limit=limit)).rows)

    def _whole(self, what: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Cancelled as cancelled:
            raise self.hopeless(what, cancelled.said) from cancelled

    def hopeless(self, what: str, said: str) -> Unavailable:
        """Give the error for a query that the instance gives up on."""
        advice = "The instance is overloaded, or its transaction quota for REST is too tight."
        return Unavailable(self._system, what, said=said, advice=advice)

    def users(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Give accounts by user name (table sys_user); names that no account has are left out."""
        fields = (*PERSON, "active", "time_zone", "web_service_access_only", "sys_updated_on")
        listed, found = query.listable(sorted(set(names))), {}
        for start in range(0, len(listed), IDS):
            asked = query.any_of("user_name", listed[start : start + IDS])
            for row in self.few("looking accounts up", "sys_user", asked, fields, limit=2 * IDS):
                found[wire.text(row, "user_name")] = row
        return {name: found[name] for name in listed if name in found}

    def columns(self, table: str, names: Sequence[str] = ()) -> dict[str, ColumnInfo]:
        """Give what ``sys_dictionary`` says of columns of a table and of ``task``, by name; none: of all."""
        what = f"reading the columns of {table}"
        asked = query.both(
            f"nameIN{query.value(table)},task", query.any_of("element", names) if names else "elementISNOTEMPTY",
            "active=true",
        )
        fields = (
            "name", "element", "column_label", "max_length", "mandatory", "read_only", "default_value", "internal_type",
            "reference", "choice",
        )
        rows = self.few(what, "sys_dictionary", asked, fields, limit=2000)
        wanted = set(names)
        own = [row for row in rows if wire.text(row, "name") in (table, "task")]
        ordered = sorted(own, key=lambda row: wire.text(row, "name") == table)
        found = self._decode(self.deed(what), lambda: {info.name: info for info in map(wire.column, ordered)})
        return {name: info for name, info in found.items() if not wanted or name in wanted}

    def choices(self, table: str, element: str) -> dict[str, str]:
        """Give the choices of a column, labels by value (table sys_choice); those of the table before task's.

        Each installed language has rows of its own: of a value with several labels the English one is given.
        """
        asked = query.both(
            f"nameIN{query.value(table)},task", query.equal("element", element), "inactive=false", "ORDERBYsequence"
        )
        rows = self.few(
            f"reading the choices of {element}", "sys_choice", asked, ("name", "element", "value", "label", "language"),
            limit=2000,
        )
        mine = [row for row in rows if wire.text(row, "element") == element]
        listed = [row for row in mine if wire.text(row, "name") == table] or mine
        labels = {wire.text(row, "value"): wire.text(row, "label") for row in listed}
        return labels | {
            wire.text(row, "value"): wire.text(row, "label") for row in listed if wire.text(row, "language") == "en"
        }

    def properties(self, names: Sequence[str]) -> dict[str, str]:
        """Give system properties by name (table sys_properties); most accounts see none."""
        rows = self.few(
            "reading system properties", "sys_properties", query.any_of("name", names), ("name", "value"), limit=100
        )
        return {wire.text(row, "name"): wire.text(row, "value") for row in rows if wire.text(row, "name") in names}

    # -- records ------------------------------------------------------------------------------------

    def record(self, table: str, key: str, fields: Sequence[str]) -> Record:
        """Read a record, stored and display values (GET table/{table}/{sys_id}). Raises ``NotFound``."""
        deed = self.deed(f"reading record {key}")
        params = {**_RAW, "sysparm_display_value": "all", "sysparm_fields": ",".join(fields)}
        answer = self._whole(deed.what, lambda: self.get(deed, f"table/{_part(table)}/{_part(key)}", params))
        return self._decode(deed, lambda: wire.record(answer.object["result"]))

    def shown(self, table: str, key: str, columns: Sequence[str]) -> dict[str, str]:
        """Give columns of a record as people see them; of a journal column that is the whole thread."""
        deed = self.deed(f"reading record {key}")
        params = {**_RAW, "sysparm_display_value": "true", "sysparm_fields": ",".join(("sys_id", *columns))}
        answer = self._whole(deed.what, lambda: self.get(deed, f"table/{_part(table)}/{_part(key)}", params))
        return self._decode(deed, lambda: {name: wire.text(answer.object["result"], name) for name in columns})

    # -- writing: each of these sends one request that writes -------------------------------------------

    def create(self, table: str, columns: Mapping[str, str], fields: Sequence[str]) -> Record:
        """Create a record (POST table/{table}); gives it as it was stored."""
        deed = self.deed(f"creating a record in {table}", writes=True)
        answer = self.send(deed, "POST", f"table/{_part(table)}", _writing(fields), columns)
        return self._written(deed, answer)

    def change(self, table: str, record: Record, columns: Mapping[str, str], fields: Sequence[str]) -> Record:
        """Change columns of a record (PATCH table/{table}/{sys_id}); gives it as it was stored."""
        deed = self.deed(f"changing {record.number}", writes=True)
        path = f"table/{_part(table)}/{_part(record.sys_id)}"
        return self._written(deed, self.send(deed, "PATCH", path, _writing(fields), columns))

    def insert(self, what: str, table: str, columns: Mapping[str, str]) -> str:
        """Create a row of another table (POST table/{table}); gives its id.

        Raises ``Refused`` if the row does not hold what was sent.
        """
        deed = self.deed(what, writes=True)
        params = {**_RAW, "sysparm_fields": ",".join(("sys_id", *columns))}
        answer = self.send(deed, "POST", f"table/{_part(table)}", params, columns)
        row = self._decode(deed, lambda: {name: wire.text(answer.object["result"], name) for name in columns})
        if other := [name for name, value in columns.items() if row[name] != value]:
            said = f"{table} did not keep {', '.join(other)} as it was sent; the new row is of no use"
            raise Refused(self._system, what, said=said, advice="Let the account write the columns, or leave it out.")
        return self._decode(deed, lambda: _id(answer.object["result"]))

    def remove(self, what: str, table: str, key: str) -> None:
        """Delete a row, or an attachment (DELETE table/{table}/{sys_id}, /api/now/attachment/{sys_id})."""
        path = _FILES if table == ATTACHMENT else f"table/{_part(table)}"
        self.send(self.deed(what, writes=True), "DELETE", f"{path}/{_part(key)}", {})

    def attach(
        self, table: str, record: Record, name: str, content: BinaryIO, *, size: int, media_type: str
    ) -> Attached:
        """Attach a file to a record (POST /api/now/attachment/file); gives it as it was stored."""
        deed = self.deed(f"attaching a file to {record.number}", writes=True)
        params = {"table_name": table, "table_sys_id": record.sys_id, "file_name": name}
        answer = self.upload(deed, f"{_FILES}/file", params, content, size=size, media_type=media_type)
        return self._decode(deed, lambda: wire.attached(answer.object["result"]))

    def fetch(self, key: str, into: BinaryIO, size: int) -> None:
        """Write the content of an attachment to ``into`` (GET /api/now/attachment/{sys_id}/file)."""
        self.download(self.deed(f"fetching attachment {key}"), f"{_FILES}/{_part(key)}/file", into, size)

    # -- Elastic's app for Security Incident Response ---------------------------------------------------

    def has_app(self) -> bool:
        """Tell whether the app is installed and open to the account (GET {app}/health)."""
        try:
            self.get(self.deed("looking for Elastic's app"), f"{_APP}/health", {})
        except (NotFound, Refused):
            return False
        return True

    def observe(self, record: Record, observables: Sequence[Mapping[str, str]]) -> frozenset[str]:
        """Link observables ``{value, type}`` to a security incident; gives the values that were stored.

        (POST {app}/incident/{sys_id}/observables/bulk)
        """
        deed = self.deed(f"adding observables to {record.number}", writes=True)
        path = f"{_APP}/incident/{_part(record.sys_id)}/observables/bulk"
        answer = self.send(deed, "POST", path, {}, list(observables))
        return self._decode(deed, lambda: frozenset(wire.text(row, "value") for row in answer.object["result"]))

    def _written(self, deed: Deed, answer: Answer) -> Record:
        return self._decode(deed, lambda: wire.record(answer.object["result"]))

    def _decode(self, deed: Deed, decode: Callable[[], T]) -> T:
        try:
            return decode()
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise failures.odd(deed)


def _page(answer: Answer, limit: int, offset: int) -> Page:
    rows = answer.object["result"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("a list of records was expected")
    told = answer.headers.get("X-Total-Count", "")
    total = int(told) if told.isdecimal() else None
    link = answer.headers.get("Link", "")
    if link or total is not None:
        more = 'rel="next"' in link.replace(" ", "") or (total is not None and offset + limit < total)
    else:
        # Neither header came through: only an empty page is the end.
        more = bool(rows)
    return Page(rows=tuple(rows), more=more, total=total)


def _id(row: Mapping[str, Any]) -> str:
    found = wire.text(row, "sys_id")
    if not found:
        raise ValueError("a row without an id")
    return found


def _writing(fields: Sequence[str]) -> dict[str, str]:
    return {**_RAW, "sysparm_fields": ",".join(fields)}


def _part(text: str) -> str:
    return quote(text, safe="")
