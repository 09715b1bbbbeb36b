"""The OpenAPI document, and a page of our own that shows it: pages of FastAPI load theirs from another host."""

from __future__ import annotations

from importlib import resources
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse
from pydantic.json_schema import models_json_schema
from starlette.staticfiles import StaticFiles

from app.service.bodies import AskBody, ContrastBody, ExplainBody, SearchBody, TimelineBody

__all__ = ["add_documentation"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_BODIES = (SearchBody, AskBody, ContrastBody, TimelineBody, ExplainBody)
_REFERENCE = "#/components/schemas/{model}"


def add_documentation(app: FastAPI) -> None:
    """Serve `/docs` and what it loads, and complete `/openapi.json` with the bodies that routes read themselves."""
    folder = resources.files("app.service").joinpath("page_files")
    page = folder.joinpath("docs.html").read_text(encoding="utf-8")
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def docs() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"})

    app.include_router(router)
    app.mount("/docs-files", StaticFiles(directory=str(folder)), name="docs-files")
    plain_openapi = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain_openapi()
        _, schemas = models_json_schema([(body, "validation") for body in _BODIES], ref_template=_REFERENCE)
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        return document

    app.openapi = openapi  # type: ignore[method-assign]
