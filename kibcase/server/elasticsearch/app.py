"""The Elasticsearch face as an ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from kibcase.server.elasticsearch.errors import ElasticsearchError
from kibcase.server.elasticsearch.http import ASGIApp, Face, failure
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.elasticsearch.views_documents import document_routes
from kibcase.server.elasticsearch.views_indices import index_routes
from kibcase.server.elasticsearch.views_search import search_routes


def elasticsearch_app(
    state: AlertState, *, version: str, authenticate: Callable[[str | None], object | None],
    security: Sequence[Route] = (),
) -> ASGIApp:
    """Serve ``state`` as an Elasticsearch node of ``version`` does.

    ``authenticate`` is given the ``Authorization`` header (None if absent) and answers who it is, or None for a 401.
    ``security`` are the routes of users and keys, if there are any. Every answer, errors included, carries
    ``X-elastic-product: Elasticsearch``.
    """
    routes = [*security, *document_routes(state), *search_routes(state), *index_routes(state, version)]
    handlers = {ElasticsearchError: failure, HTTPException: failure}
    return Face(Starlette(routes=routes, exception_handlers=handlers), authenticate)
