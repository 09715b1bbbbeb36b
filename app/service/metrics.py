"""What the service counts, for Prometheus."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import Answer
from corpora.errors import MissingDependencyError
from retrievers.found import Found

__all__ = ["Counted", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_NOWHERE = "elsewhere"
_METHODS = ("GET", "POST", "HEAD", "OPTIONS")  # others count as one: callers must not make labels


class Metrics:
    """Counters of one service, in a registry of its own. Every method may be called from several threads.

    Nothing that was asked is in them: domains, verdicts, routes and times only.
    """

    def __init__(self) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
        except ModuleNotFoundError as error:
            raise MissingDependencyError("prometheus-client", "serve", "The service") from error

        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "curbside_requests", "Requests by route, method and status.", ["route", "method", "status"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "curbside_request_seconds", "Seconds until a response was whole.", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._searches = Counter("curbside_searches", "Searches by domain found.", ["domain"], registry=registry)
        self._answers = Counter("curbside_answers", "Answers by verdict.", ["verdict"], registry=registry)
        self._abstentions = Counter("curbside_abstentions", "Questions that were not answered.", registry=registry)
        self._index = Gauge("curbside_index_version", "Version of the published index.", ["index"], registry=registry)

    def searched(self, found: Found) -> None:
        """Count a search; `none` is out of every domain."""
        self._searches.labels(found.domain.name or "none").inc()

    def answered(self, answer: Answer) -> None:
        """Count an answer, the search behind it, and whether it abstained."""
        self._searches.labels(answer.domain.name or "none").inc()
        self._answers.labels(answer.verdict).inc()
        if answer.verdict == "abstained":
            self._abstentions.inc()

    def responded(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a response and its time."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, index: str) -> bytes:
        """Everything in Prometheus' text format; `index` is "name vN", empty where none is published."""
        from prometheus_client import generate_latest

        self._index.clear()
        name, _, version = index.rpartition(" v")
        if version.isdigit():
            self._index.labels(name).set(int(version))
        return generate_latest(self._registry)


class Counted:
    """Times each request and counts it under its route, not under its address, which may name records."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its response is counted when it is whole, or broken off."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            route = getattr(scope.get("route"), "path", _NOWHERE)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.responded(route, method, status, time.perf_counter() - started)
