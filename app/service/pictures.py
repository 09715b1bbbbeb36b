"""Evidence pictures over HTTP, for the service and the chat."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.service.people import GroupsOf, sees_everything
from corpora.errors import SourceError

__all__ = ["picture_routes"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SMALLEST, _LARGEST = 64, 1600


def picture_routes(
    picture: Callable[[str, int, frozenset[str] | None], bytes], groups_of: GroupsOf = sees_everything
) -> APIRouter:
    """`GET /evidence/{digest}`; `picture` gives a JPEG by digest, longest side and groups, `SourceError` for none."""
    router = APIRouter(tags=["evidence"])

    @router.get(
        "/evidence/{digest}",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}, 404: {"description": "This home holds no such picture."}},
    )
    def evidence(
        request: Request, digest: str, size: Annotated[int, Query(description="Pixels of the longer side.")] = 800
    ) -> Response:
        """A picture of the home as JPEG, its longer side at most `size` pixels (64…1600)."""
        if _DIGEST.fullmatch(digest) is None:
            return _unknown()
        try:
            data = picture(digest, min(max(size, _SMALLEST), _LARGEST), groups_of(request))
        except SourceError:
            return _unknown()
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type="image/jpeg", headers=headers)

    return router


def _unknown() -> Response:
    return JSONResponse({"error": SourceError.__name__, "message": "This home holds no such picture."}, 404)
