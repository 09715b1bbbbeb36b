"""A model behind an OpenAI-compatible address, against a real local server."""

from __future__ import annotations

import base64
import gc
import io
import json
from collections.abc import Callable, Iterator
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import pytest
from langsmith.utils import get_env_var
from PIL import Image

from app.citations import check_citations
from app.generators.base import Piece, Prompt
from app.generators.server import KEY_VARIABLE, ServerGenerator, open_server
from corpora.errors import InputError, ModelError
from tests.app.chat_server import ChatServer, running
from tests.app.prompts import CLOSED, OPEN, make_evidence, make_prompt, pictures

Handler = BaseHTTPRequestHandler


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with running() as state:
        yield state


def _says(*words: str) -> Callable[[Handler, ChatServer], None]:
    return lambda handler, server: server.say(handler, words)


def _ask(server: ChatServer, prompt: Prompt, **options: Any) -> list[Piece]:
    return list(ServerGenerator(server.url, "tiny-vlm", **options).stream(prompt))


def test_the_answer_streams_in_the_pieces_that_the_server_sends(server: ChatServer) -> None:
    server.behave = _says("A small ", "effusion", " [1].")
    pieces = _ask(server, make_prompt(OPEN, evidence=make_evidence(1)))
    assert [piece.text for piece in pieces] == ["A small ", "effusion", " [1].", ""]
    assert pieces[-1].verdict == "free"


def test_the_request_holds_model_rules_pictures_and_question(server: ChatServer) -> None:
    wide = Image.new("RGBA", (3000, 500), (10, 200, 30, 255))
    prompt = make_prompt(CLOSED, images=(*pictures(1), wide), evidence=make_evidence(2))
    _ask(server, prompt)
    (body,) = server.bodies
    assert server.paths == ["/v1/chat/completions"]
    assert (body["model"], body["temperature"], body["stream"], body["max_tokens"]) == ("tiny-vlm", 0.0, True, 600)
    system, user = body["messages"]
    assert (system["role"], system["content"]) == ("system", prompt.system)
    *images, text = user["content"]
    assert text == {"type": "text", "text": prompt.text}
    sizes = []
    for image in images:
        head, _, data = image["image_url"]["url"].partition(",")
        assert head == "data:image/jpeg;base64"
        sizes.append(Image.open(io.BytesIO(base64.b64decode(data))).size)
    assert sizes == [(90, 70), (1024, 171)]


def test_the_key_comes_from_the_environment(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "of-another-service")
    list(open_server(f"{server.url}/#tiny-vlm", "cpu", Path()).stream(make_prompt(OPEN)))
    monkeypatch.delenv(KEY_VARIABLE)
    list(open_server(f"{server.url}#tiny-vlm", "cpu", Path()).stream(make_prompt(OPEN)))
    assert server.keys == ["Bearer a-secret", "Bearer none"]
    assert set(server.paths) == {"/v1/chat/completions"}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("Yes, as in [1].", "yes"),
        ("No: the angles are sharp.", "no"),
        ("Normal.", "uncertain"),
        ("Yes and no.", "uncertain"),
    ],
)
def test_verdicts_are_whole_words(server: ChatServer, answer: str, verdict: str) -> None:
    server.behave = _says(*(f"{word} " for word in answer.split()))
    assert _ask(server, make_prompt(CLOSED))[-1].verdict == verdict


def test_citations_can_be_checked(server: ChatServer) -> None:
    server.behave = _says("There is a ", "pleural effusion [1]. ", "There is a pneumothorax [2].")
    evidence = make_evidence(2)
    text = "".join(piece.text for piece in _ask(server, make_prompt(OPEN, evidence=evidence)))
    assert check_citations(text, evidence).unsupported == ("There is a pneumothorax [2].",)


class TestStop:
    @staticmethod
    def _endless(handler: Handler, server: ChatServer) -> None:
        def words() -> Iterator[str]:
            while not server.released.is_set():
                yield "on and on " * 200

        server.say(handler, words())

    def test_closing_closes_the_connection(self, server: ChatServer) -> None:
        server.behave = self._endless
        stream = cast("Any", ServerGenerator(server.url, "m").stream(make_prompt(OPEN)))
        assert next(stream).text.startswith("on and on")
        stream.close()
        assert server.disconnected.wait(60)

    def test_a_forgotten_stream_is_closed_too(self, server: ChatServer) -> None:
        server.behave = self._endless
        stream = ServerGenerator(server.url, "m").stream(make_prompt(OPEN))
        next(stream)
        del stream
        gc.collect()
        assert server.disconnected.wait(60)

    def test_pieces_may_be_taken_in_other_contexts(self, server: ChatServer) -> None:
        server.behave = self._endless
        stream = cast("Any", ServerGenerator(server.url, "m").stream(make_prompt(OPEN)))
        for _ in range(3):
            assert copy_context().run(next, stream).text
        copy_context().run(stream.close)
        assert server.disconnected.wait(60)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (400, r"refused with status 400: .*context of 4096"),
            (401, f"does not accept the key; put the right one into the variable {KEY_VARIABLE}"),
            (403, "does not accept the key"),
            (404, "knows no model 'tiny-vlm'"),
            (429, "refused with status 429"),
            (500, "refused with status 500"),
            (503, "refused with status 503"),
        ],
    )
    def test_refusals(self, server: ChatServer, status: int, said: str) -> None:
        server.behave = lambda handler, state: state.refuse(handler, status, "longer than the context of 4096 tokens")
        with pytest.raises(ModelError, match=said):
            _ask(server, make_prompt(OPEN))
        assert len(server.paths) == 1  # no second try behind the user's back

    def test_nobody_listens(self) -> None:
        with running() as state:
            pass
        with pytest.raises(ModelError, match="cannot be reached; start it"):
            _ask(state, make_prompt(OPEN))

    def test_silence_before_the_answer(self, server: ChatServer) -> None:
        server.behave = lambda handler, state: cast("None", state.released.wait(60))
        with pytest.raises(ModelError, match=r"said nothing for 0\.5 seconds"):
            _ask(server, make_prompt(OPEN), silence=0.5)

    def test_silence_in_the_answer(self, server: ChatServer) -> None:
        def falter(handler: Handler, state: ChatServer) -> None:
            state.begin(handler)
            state.event(handler, {"delta": {"content": "A small"}, "finish_reason": None})
            state.released.wait(60)

        server.behave = falter
        stream = ServerGenerator(server.url, "m", silence=0.5).stream(make_prompt(OPEN))
        assert next(stream).text == "A small"
        with pytest.raises(ModelError, match=r"said nothing for 0\.5 seconds"):
            next(stream)

    def test_a_connection_that_breaks(self, server: ChatServer) -> None:
        def break_off(handler: Handler, state: ChatServer) -> None:
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"10\r\ndata: ")
            handler.close_connection = True

        server.behave = break_off
        with pytest.raises(ModelError, match="broke off"):
            _ask(server, make_prompt(OPEN))

    @pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
    @pytest.mark.parametrize(
        "sent",
        [
            b"data: {not json\n\n",
            b'data: {"choices": 7}\n\n',
            b'data: {"error": {"message": "the model ran out of memory"}}\n\n',
            b"data: [1, 2]\n\n",
        ],
        ids=["no json", "no choices", "error event", "a list"],
    )
    def test_malformed_events(self, server: ChatServer, sent: bytes) -> None:
        def malform(handler: Handler, state: ChatServer) -> None:
            state.begin(handler)
            handler.wfile.write(sent)

        server.behave = malform
        with pytest.raises(ModelError, match=r"not OpenAI-compatible|sent no text|ran out of memory"):
            _ask(server, make_prompt(OPEN))

    def test_a_web_page_instead(self, server: ChatServer) -> None:
        def page(handler: Handler, state: ChatServer) -> None:
            state.begin(handler, "text/html")
            handler.wfile.write(b"<html>Welcome</html>")

        server.behave = page
        with pytest.raises(ModelError, match="not OpenAI-compatible"):
            _ask(server, make_prompt(OPEN))

    @pytest.mark.parametrize("rest", ["127.0.0.1:8000/v1#m", "http://127.0.0.1:8000/v1", "ftp://host#m", "http://#m"])
    def test_an_incomplete_address(self, rest: str) -> None:
        with pytest.raises(InputError, match="write server:http://host:port/v1#model-name"):
            open_server(rest, "cpu", Path())


class TestNobodyElseIsAsked:
    @pytest.fixture(autouse=True)
    def _fresh_environment(self) -> Iterator[None]:
        """langsmith remembers what it read of the environment."""
        remembered = cast("Any", get_env_var)
        remembered.cache_clear()
        yield
        remembered.cache_clear()

    def test_no_proxy_and_no_tracing(self, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with running() as other:
            elsewhere = other.url.removesuffix("/v1")
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"):
                monkeypatch.setenv(name, elsewhere)
            for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
                monkeypatch.setenv(name, "true")
            monkeypatch.setenv("LANGSMITH_API_KEY", "key")
            assert _ask(server, make_prompt(OPEN))
            _flush_traces()
            assert other.paths == []

    def test_no_redirect(self, server: ChatServer) -> None:
        with running() as other:

            def redirect(handler: Handler, state: ChatServer) -> None:
                handler.send_response(307)
                handler.send_header("Location", f"{other.url}/chat/completions")
                handler.end_headers()

            server.behave = redirect
            with pytest.raises(ModelError, match="refused with status 307"):
                _ask(server, make_prompt(OPEN))
            assert other.paths == []


def _flush_traces() -> None:
    """Wait for what langchain would still have to send."""
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()


def test_the_body_is_plain_json(server: ChatServer) -> None:
    _ask(server, make_prompt(OPEN, evidence=make_evidence(1)))
    assert "tools" not in server.bodies[0]
    assert json.dumps(server.bodies[0]).count("data:image") == 0
