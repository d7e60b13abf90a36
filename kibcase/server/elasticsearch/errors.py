"""What Elasticsearch refuses, as values that know their JSON body."""

from __future__ import annotations

from typing import Any


class ElasticsearchError(Exception):
    """A request that Elasticsearch answers with an error.

    ``status`` is the HTTP status; ``type`` and ``reason`` are Elasticsearch's words; ``details`` are the further
    keys of the error object (``index``, ``header`` and so on).
    """

    def __init__(self, status: int, type: str, reason: str, **details: Any) -> None:  # noqa: A002
        super().__init__(f"{type}: {reason}")
        self.status = status
        self.type = type
        self.reason = reason
        self.details = details

    def cause(self) -> dict[str, Any]:
        """Give the error object as it stands in a bulk item."""
        return {"type": self.type, "reason": self.reason, **self.details}

    def error(self) -> dict[str, Any]:
        """Give the error object with its root cause, as in the answer to a single request."""
        return {"root_cause": [self.cause()], **self.cause()}

    def body(self) -> dict[str, Any]:
        """Give the whole answer."""
        return {"error": self.error(), "status": self.status}


class SearchContextMissing(ElasticsearchError):
    """A point in time that was closed, has expired, or never was."""

    def __init__(self, identifier: str) -> None:
        super().__init__(404, "search_context_missing_exception", f"No search context found for id [{identifier[:64]}]")

    def error(self) -> dict[str, Any]:
        """Give the error as the search phase wraps it."""
        return {
            "root_cause": [self.cause()],
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
            "phase": "query",
            "grouped": True,
            "failed_shards": [{"shard": 0, "index": None, "reason": self.cause()}],
        }


def index_not_found(name: str) -> ElasticsearchError:
    """Say that neither an index nor an alias has this name."""
    return ElasticsearchError(
        404, "index_not_found_exception", f"no such index [{name}]",
        **{"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name},
    )


def illegal_argument(reason: str) -> ElasticsearchError:
    """Say that an argument cannot be accepted."""
    return ElasticsearchError(400, "illegal_argument_exception", reason)


def parsing_error(reason: str) -> ElasticsearchError:
    """Say that a part of a search body is not understood."""
    return ElasticsearchError(400, "parsing_exception", reason, line=1, col=1)


def conflict(index: str, uuid: str, reason: str) -> ElasticsearchError:
    """Say that the document is not at the version that the writer has seen."""
    return ElasticsearchError(
        409, "version_conflict_engine_exception", reason, index_uuid=uuid, shard="0", index=index
    )
