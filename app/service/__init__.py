"""Curbside over HTTP: search, answers as JSON or as they are written, records, pictures, health and metrics."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.service.application import create_service
    from app.service.serving import serve

__all__ = ["create_service", "serve"]


def __getattr__(name: str) -> object:
    """Loads FastAPI only when the service is wanted."""
    if name == "create_service":
        from app.service.application import create_service

        return create_service
    if name == "serve":
        from app.service.serving import serve

        return serve
    raise AttributeError(f"module 'app.service' has no attribute {name!r}")
