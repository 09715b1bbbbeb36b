"""Any OpenAI-compatible server as a generator: vLLM, llama.cpp, Ollama and their like.

The only address that is ever asked is the one in the spec: no proxy, no redirect, no tracing, no tokenizer download.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.asking import parse_question
from app.generators.base import Capabilities, Generator, Piece, Prompt
from app.generators.pictures import data_url
from app.generators.yes_no import judge
from corpora.errors import InputError, ModelError

__all__ = ["KEY_VARIABLE", "ServerGenerator", "open_server"]

KEY_VARIABLE = "CURBSIDE_SERVER_KEY"
_LONGEST_SIDE = 1024
_MAX_TOKENS = 600
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 300.0  # a model that is first loaded, or reads eight pictures on a CPU, says nothing for minutes


class ServerGenerator:
    """Answers with a model behind an OpenAI-compatible address, at temperature 0.

    May be called from several threads at once. `silence` is how many seconds the server may say nothing.
    """

    def __init__(self, url: str, model: str, key: str = "none", silence: float = _SILENCE_SECONDS) -> None:
        import httpx
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        self.spec, self.revision = f"server:{url}#{model}", model
        self.capabilities = Capabilities(images=True, yes_no=False, max_tokens=_MAX_TOKENS)
        self._url, self._model, self._silence = url, model, silence
        self._chat = ChatOpenAI(
            base_url=url,
            model=model,
            api_key=SecretStr(key),
            temperature=0.0,
            # langchain-openai renames max_tokens to a word that not every server knows
            extra_body={"max_tokens": _MAX_TOKENS},
            max_retries=0,
            timeout=httpx.Timeout(silence, connect=min(silence, _CONNECT_SECONDS)),
            stream_usage=False,
            use_responses_api=False,
            # a transport of our own makes httpx ignore proxies of the environment, but not its certificates
            http_client=httpx.Client(transport=httpx.HTTPTransport()),
        )

    def stream(self, prompt: Prompt) -> Iterator[Piece]:
        """The answer in pieces as the server sends them; the last one says the verdict, read from the text.

        Closing the iterator closes the connection, by which servers stop generating.

        Raises:
            ModelError: the server cannot be reached, refuses, falls silent or answers something else.
        """
        said = []
        for text in self._texts(_messages(prompt)):
            said.append(text)
            yield Piece(text)
        if not said:
            raise ModelError(f"The server {self._url} sent no text; check that {self._model!r} is a chat model.")
        closed = parse_question(prompt.question, bool(prompt.images)).closed
        yield Piece("", *judge(None, "".join(said))) if closed else Piece("", "free")

    def _texts(self, messages: Sequence[Any]) -> Iterator[str]:
        import httpx
        import openai
        from langchain_core.exceptions import LangChainException

        context = _untraced()
        stream: Any = context.run(self._chat.stream, messages)
        try:
            while (chunk := context.run(next, stream, None)) is not None:
                if chunk.text:
                    yield str(chunk.text)
        except (
            openai.OpenAIError,
            httpx.HTTPError,
            LangChainException,
            ValueError,
            TypeError,
            AttributeError,
        ) as error:
            # the last three: what the two libraries raise on an answer that is not the protocol's
            raise ModelError(self._sentence(error)) from error
        finally:
            context.run(stream.close)

    def _sentence(self, error: Exception) -> str:
        import httpx
        import openai

        server = f"The server {self._url}"
        if isinstance(error, openai.APITimeoutError | httpx.TimeoutException):
            return f"{server} said nothing for {self._silence:g} seconds; check that it runs and is not overloaded."
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            return f"{server} does not accept the key; put the right one into the variable {KEY_VARIABLE}."
        if isinstance(error, openai.NotFoundError):
            return (
                f"{server} knows no model {self._model!r} or no such address; compare with what {self._url}/models "
                "lists (the address usually ends in /v1)."
            )
        if isinstance(error, openai.APIStatusError):
            return f"{server} refused with status {error.status_code}: {_first_line(error.message)}."
        if any(isinstance(cause, httpx.ConnectError) for cause in _causes(error)):
            return f"{server} cannot be reached; start it, or correct the address in the generator's spec."
        if isinstance(error, openai.APIConnectionError | httpx.HTTPError):
            return f"{server} broke off in the middle of its answer; ask again, and look into its log."
        return f"{server} sent an answer that is not OpenAI-compatible ({_first_line(str(error))}); check the address."


def _messages(prompt: Prompt) -> list[Any]:
    from langchain_core.messages import HumanMessage, SystemMessage

    pictures: list[str | dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": data_url(image, _LONGEST_SIDE)}} for image in prompt.images
    ]
    user = HumanMessage(content=[*pictures, {"type": "text", "text": prompt.text}])
    return [SystemMessage(content=prompt.system), user] if prompt.system else [user]


def _untraced() -> Context:
    """A context in which langchain reports to nobody, whatever LANGSMITH_TRACING says.

    The setting lives in context variables, and a page may take each piece of a stream in another thread, so every step
    is run in this one context.
    """
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        return copy_context()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0].rstrip(".")[:200]


def open_server(rest: str, device: str, folder: Path) -> Generator:
    """The generator of a spec `server:http://127.0.0.1:8000/v1#model`; the server is first asked with a question.

    The key comes from the environment variable `CURBSIDE_SERVER_KEY`. `device` and `folder` are the server's business.

    Raises:
        InputError: the address or the model's name is missing.
    """
    url, _, model = rest.partition("#")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or not model:
        raise InputError(f"The server {rest!r} is incomplete; write server:http://host:port/v1#model-name.")
    return ServerGenerator(url.rstrip("/"), model, os.environ.get(KEY_VARIABLE) or "none")
