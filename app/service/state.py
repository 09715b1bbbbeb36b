"""Records, health, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.assistant import Assistant
from app.service.errors import described
from app.service.metrics import Metrics
from app.service.people import GroupsOf
from app.shaping import plain
from corpora.errors import CurbsideError
from corpora.records import Record

__all__ = ["record_routes", "state_routes"]


def record_routes(assistant: Assistant, groups_of: GroupsOf) -> APIRouter:
    """`GET /v1/records/{corpus}/{id}`."""
    router = APIRouter(prefix="/v1", tags=["evidence"])

    @router.get("/records/{corpus}/{id:path}", responses={200: {"model": Record}})
    def record(request: Request, corpus: str, id: str) -> Response:  # noqa: A002 (the field's name everywhere)
        """One record, as evidence cites it."""
        return JSONResponse(plain(assistant.record(corpus, id, groups_of(request)), paths=False))

    return router


def state_routes(assistant: Assistant, metrics: Metrics) -> APIRouter:
    """`GET /healthz`, `/readyz` and `/metrics`."""
    router = APIRouter(tags=["state"])

    @router.get("/healthz")
    async def healthz() -> Response:
        """The service is alive."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", responses={503: {"description": "There is no index that can be searched."}})
    def readyz() -> Response:
        """The service has an index to answer from."""
        try:
            return JSONResponse({"status": "ready", "index": assistant.retriever.index.manifest.label})
        except CurbsideError as error:
            return JSONResponse({"status": "not ready", **described(error)}, 503)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def numbers() -> Response:
        """Counters and times in Prometheus' text format; nothing that was asked is in them."""
        try:
            index = assistant.retriever.index.manifest.label
        except CurbsideError:
            index = ""
        return Response(metrics.text(index), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
