"""What a route is and what its handler gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.routing import compile_path

from kibcase.server.cases.context import Caller
from kibcase.server.errors import BadRequest
from kibcase.server.privileges_principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that has passed the gate; ``caller`` is None only where no credentials are asked for.

    ``authorization`` is the header that proved who the caller is. ``body`` is the decoded JSON; where the endpoint
    takes ``raw`` bodies it is None, and the bytes are in ``raw``. ``headers`` have lower-case names. ``principal`` is
    what is known of the account behind the caller.
    """

    caller: Caller | None
    authorization: str = field(repr=False)
    params: Mapping[str, str]
    query: Mapping[str, str | list[str]]
    body: Any
    principal: Principal | None = None
    raw: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def by(self) -> Caller:
        """The caller of a route that asks for credentials."""
        if self.caller is None:
            raise RuntimeError("this route is open to anonymous callers")
        return self.caller

    @property
    def mapping(self) -> dict[str, Any]:
        """The body as an object; raises ``BadRequest`` as Kibana's route validation does."""
        if not isinstance(self.body, dict):
            raise BadRequest(
                f"[request body]: expected a plain object value, but found [{_detected(self.body)}] instead."
            )
        return self.body

    @property
    def listing(self) -> list[Any]:
        """The body as a list; raises ``BadRequest`` as Kibana's route validation does."""
        if not isinstance(self.body, list):
            raise BadRequest(f"[request body]: expected value of type [array] but got [{_detected(self.body)}]")
        return self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: ``body`` as JSON (None means no body), or ``content`` as it is, of media type ``media``."""

    status: int = 200
    body: Any = None
    content: bytes | None = field(default=None, repr=False)
    media: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A route: method, path with ``{parameters}``, and a plain function that handles it.

    ``internal`` routes need ``x-elastic-internal-origin`` where the stack restricts them; ``anonymous`` ones
    work without credentials; ``deprecated`` ones are answered with a warning header. ``raw`` is the limit in bytes
    of a body that is handed over undecoded, whatever its media type. ``slow`` handlers wait for something (the
    network) or work for long, and therefore run on a worker thread; they must not do so inside a transaction of the
    database. A function tells whether one call is slow.
    ``requires`` is the API privilege that Kibana asks for before it looks at the request; whoever may read any cases
    has it.
    """

    method: str
    path: str
    handle: Handler
    internal: bool = False
    anonymous: bool = False
    deprecated: bool = False
    raw: int | None = None
    slow: bool | Callable[[Call], bool] = False
    requires: str | None = None

    def is_slow(self, call: Call) -> bool:
        """Tell whether this call is for a worker thread."""
        return self.slow if isinstance(self.slow, bool) else self.slow(call)


def ok(body: Any) -> Reply:
    """Answer 200 with JSON."""
    return Reply(body=body)


NO_CONTENT = Reply(status=204)


@dataclass(slots=True)
class Table:
    """Finds the endpoint for a method and a raw (still percent-encoded) path; the first that matches wins."""

    _by_method: dict[str, list[tuple[Any, Endpoint]]] = field(default_factory=dict)

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> Table:
        """Build a table."""
        table = cls()
        for endpoint in endpoints:
            pattern = compile_path(endpoint.path)[0]
            table._by_method.setdefault(endpoint.method, []).append((pattern, endpoint))
        return table

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """Give the endpoint and its decoded path parameters, or None."""
        for pattern, endpoint in self._by_method.get("GET" if method == "HEAD" else method, ()):
            found = pattern.match(path)
            if found:
                return endpoint, {name: unquote(value) for name, value in found.groupdict().items()}
        return None


def _detected(value: Any) -> str:
    names: dict[type, str] = {dict: "Object", list: "Array", str: "string", bool: "boolean", int: "number"}
    return "null" if value is None else names.get(type(value), "number")
