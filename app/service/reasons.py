"""`/v1/contrast`, `/v1/timeline` and `/v1/explain`: both sides of a finding, what came before, and why."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app.answers import DISCLAIMER
from app.assistant import Assistant
from app.service.bodies import ContrastBody, ExplainBody, TimelineBody
from app.service.people import GroupsOf
from app.service.reading import accepts, read_body
from app.service.slow import SlowWork
from app.service.told import ContrastTold, TimelineTold, WhyTold
from app.shaping import plain
from app.why import Why
from retrievers.contrast import Contrast
from retrievers.timeline import Timeline

__all__ = ["reason_routes"]

_FINDING = {"text": "pleural effusion", "finding": "pleural effusion"}
_PATIENT = {"patient": "corpus/patient", "before": 100, "text": "Has the effusion grown?"}
_RECORD = {"text": "pleural effusion", "record": "corpus/id"}


def reason_routes(assistant: Assistant, groups_of: GroupsOf) -> APIRouter:
    """What stands behind a search."""
    router = APIRouter(prefix="/v1", tags=["reasons"])
    slowly = SlowWork()

    @router.post("/contrast", responses={200: {"model": ContrastTold}}, openapi_extra=accepts(ContrastBody, _FINDING))
    async def contrast(request: Request) -> Response:
        """The nearest case that affirms a finding, and the nearest that denies it."""
        body, uploads = await read_body(request, ContrastBody)
        groups = groups_of(request)

        def work() -> Contrast:
            return assistant.retriever.contrast(body.query(uploads, groups), body.finding)

        return _told(plain(await run_in_threadpool(work), paths=False))

    @router.post("/timeline", responses={200: {"model": TimelineTold}}, openapi_extra=accepts(TimelineBody, _PATIENT))
    async def timeline(request: Request) -> Response:
        """A patient's studies, earliest first, and what the last one before a day says of what is asked."""
        body, _ = await read_body(request, TimelineBody)
        groups = groups_of(request)

        def work() -> Timeline:
            return assistant.retriever.timeline(body.query(groups))

        return _told(plain(await run_in_threadpool(work), paths=False))

    @router.post("/explain", responses={200: {"model": WhyTold}}, openapi_extra=accepts(ExplainBody, _RECORD))
    async def explain(request: Request) -> Response:
        """Why a record matches the question: lists, sentence, region, and `maps` over both pictures; takes seconds."""
        body, uploads = await read_body(request, ExplainBody)
        groups = groups_of(request)

        def work() -> Why:
            return assistant.why(body.record, body.query(uploads, groups))

        return _told((await slowly(work)).as_json())

    return router


def _told(value: dict[str, Any]) -> Response:
    return JSONResponse({**value, "disclaimer": DISCLAIMER})
