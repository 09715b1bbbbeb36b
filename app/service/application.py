"""The service as a FastAPI application."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import FastAPI

from app.answers import DISCLAIMER
from app.assistant import Assistant
from app.service.documentation import add_documentation
from app.service.errors import add_error_handlers
from app.service.guards import Guards
from app.service.metrics import Counted, Metrics
from app.service.people import GroupsOf, sees_everything
from app.service.pictures import picture_routes
from app.service.questions import question_routes
from app.service.reasons import reason_routes
from app.service.state import record_routes, state_routes

__all__ = ["MAX_BODY", "create_service"]

MAX_BODY = 64_000_000
"""The most bytes of a request's body."""

_DESCRIPTION = (
    f"Similar cases, their reports and textbook figures, and answers that cite them. {DISCLAIMER} "
    'An error is `{"error": type, "message": sentence}`.'
)


def create_service(
    assistant: Assistant,
    *,
    groups_of: GroupsOf = sees_everything,
    hosts: Sequence[str] = ("*",),
    max_body: int = MAX_BODY,
) -> FastAPI:
    """The service over an assistant.

    Args:
        assistant: Answers; stays the caller's to close.
        groups_of: The access groups of whoever sent a request.
        hosts: Names by which the service may be called; others are refused (`app.service.guards`).
        max_body: The most bytes of a request's body; more is answered with 413.

    Raises:
        MissingDependencyError: the extra `serve` is not installed.
    """
    metrics = Metrics()
    app = FastAPI(
        title="Curbside",
        version=version("curbside"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    add_error_handlers(app)
    app.include_router(question_routes(assistant, metrics, groups_of))
    app.include_router(reason_routes(assistant, groups_of))
    app.include_router(record_routes(assistant, groups_of))
    app.include_router(picture_routes(assistant.picture, groups_of))
    app.include_router(state_routes(assistant, metrics))
    add_documentation(app)
    app.add_middleware(Guards, hosts=hosts, max_body=max_body)
    app.add_middleware(Counted, metrics=metrics)
    return app
