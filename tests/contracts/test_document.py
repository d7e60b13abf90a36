"""What ``Document`` catches: the tests that use it are worth no more than this."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.contract
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/api/things": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                },
            },
            "get": {
                "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
                "responses": {"200": {"content": {"application/json": {"schema": {
                    "type": "object", "additionalProperties": {"$ref": "#/components/schemas/Thing"},
                }}}}},
            },
        },
        "/api/things/{id}": {"delete": {"responses": {"204": {"description": "done"}}}},
        "/api/newer": {"get": {"responses": {"200": {"description": "done"}}}},
    },
    "components": {"schemas": {
        "Wish": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "Thing": {"type": "object", "required": ["id"], "properties": {
            "id": {"type": "string"}, "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
        }},
        "Part": {"oneOf": [{"$ref": "#/components/schemas/Screw"}], "discriminator": {
            "propertyName": "type", "mapping": {"screw": "#/components/schemas/Screw"},
        }},
        "Screw": {"type": "object", "required": ["type", "size"], "properties": {
            "type": {"type": "string"}, "size": {"type": "integer"},
        }},
    }},
}
STATUSES = {"POST /api/things": {409: "taken"}}
GOOD = {"method": "POST", "path": "/api/things", "sent": {"name": "n"}, "status": 200, "got": {"id": "1"}}
LIST = {"method": "GET", "path": "/api/things", "status": 200, "got": {}}
REFUSAL = {"statusCode": 409, "error": "Conflict", "message": "taken"}


@pytest.fixture
def found(document_of: Any, exchange_of: Any) -> Any:
    """Give the violations of an exchange, as texts."""

    def of(**exchange: Any) -> list[str]:
        document = document_of(DOCUMENT, STATUSES, lambda _method, path: path != "/api/newer")
        return [str(violation) for violation in document.violations(exchange_of(**exchange))]

    return of


@pytest.mark.parametrize("exchange", [
    GOOD, LIST, {**LIST, "query": (("page", "2"),)}, {"method": "DELETE", "path": "/api/things/1", "status": 204},
    {**GOOD, "status": 409, "got": REFUSAL},
    {"method": "GET", "path": "/api/newer", "status": 404, "got": {**REFUSAL, "statusCode": 404}},
    {**GOOD, "got": {"id": "1", "parts": [{"type": "screw", "size": 3}]}},
])
def test_what_is_as_documented_is_no_violation(found: Any, exchange: dict[str, Any]) -> None:
    assert found(**exchange) == []


@pytest.mark.parametrize(("exchange", "said"), [
    ({**GOOD, "got": {"id": "1", "more": 1}}, "POST /api/things 200: more: undocumented key"),
    ({**GOOD, "got": {"id": 1}}, "POST /api/things 200: id: 1 is not of type 'string'"),
    ({**GOOD, "got": {}}, "POST /api/things 200: : 'id' is a required property"),
    ({**GOOD, "got": None}, "POST /api/things 200: : None for not nullable"),
    ({**GOOD, "got": {"id": "1", "parts": [{"type": "nail"}]}}, "parts[]: undocumented type 'nail'"),
    ({**GOOD, "got": {"id": "1", "parts": [{"type": "screw"}]}}, "parts[]: 'size' is a required property"),
    ({**LIST, "got": {"a": {"id": "1"}, "b": {"id": 2}}}, "GET /api/things 200: b.id: 2 is not of type 'string'"),
    ({**GOOD, "sent": {"name": "n", "more": 1}}, "POST /api/things request: more: undocumented key"),
    ({**GOOD, "sent": {"name": 1}}, "POST /api/things request: name: 1 is not of type 'string'"),
    ({**GOOD, "sent": None}, "POST /api/things request: : no body"),
    ({**LIST, "sent": {}}, "GET /api/things request: : undocumented body"),
    ({**LIST, "query": (("size", "1"),)}, "GET /api/things query: size: undocumented parameter"),
    ({**LIST, "query": (("page", "0"),)}, "GET /api/things query: page: 0 is less than the minimum of 1"),
    ({**LIST, "query": (("page", "x"),)}, "GET /api/things query: page: 'x' is not of type 'integer'"),
    ({**GOOD, "status": 201}, "POST /api/things 201: : undocumented status"),
    ({**GOOD, "status": 201, "got": "nonsense"}, "POST /api/things 201: : undocumented status"),
    ({**GOOD, "status": 418}, "POST /api/things 418: : undocumented status"),
    ({**GOOD, "status": 500, "got": REFUSAL}, "POST /api/things 500: : undocumented status"),
    ({**LIST, "status": 409, "got": REFUSAL}, "GET /api/things 409: : undocumented status"),
    ({**GOOD, "status": 409, "got": "taken"}, "POST /api/things 409: : 'taken' is not of type 'object'"),
    ({**GOOD, "status": 409, "got": {**REFUSAL, "why": 1}}, "POST /api/things 409: why: undocumented key"),
    ({**GOOD, "status": 409, "got": {**REFUSAL, "statusCode": 400}}, "POST /api/things 409: statusCode: it says 400"),
    ({"method": "DELETE", "path": "/api/things/1", "status": 204, "got": {}}, "204: : undocumented body"),
    ({**GOOD, "method": "PUT"}, "PUT /api/things: : undocumented operation"),
    ({**GOOD, "path": "/api/things/1/parts"}, "POST /api/things/1/parts: : undocumented operation"),
    ({"method": "GET", "path": "/api/newer", "status": 200}, "GET /api/newer 200: : undocumented status"),
])
def test_what_is_not_is_one(found: Any, exchange: dict[str, Any], said: str) -> None:
    assert any(said in each for each in found(**exchange)), found(**exchange)


@pytest.mark.parametrize("answer", [
    {"status": 201, "got": {"nonsense": 1}}, {"status": 200, "got": {"nonsense": 1}}, {"status": 500, "got": REFUSAL},
])
def test_the_real_document_catches_it_too(
    document_of: Any, exchange_of: Any, official: Any, statuses: Any, answer: dict[str, Any]
) -> None:
    exchange = exchange_of(method="GET", path="/api/cases/c1", **answer)
    assert document_of(official, statuses).violations(exchange)
