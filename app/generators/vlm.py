"""Vision-language models of Hugging Face as generators: four bits by default, streamed, and really stopped by stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator as Closable
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import parse_qsl

from PIL import Image

from app.asking import parse_question
from app.generators.base import Capabilities, Generator, Piece, Prompt
from app.generators.chat_inputs import ChatInputs, context_length
from app.generators.quantization import DTYPES, QUANTIZATIONS
from app.generators.vision_check import changes_with_picture
from app.generators.vlm_loading import LoadedVlm, find_source, is_out_of_memory, load_vlm
from app.generators.yes_no import Leaning, YesNoTokens, judge
from corpora.errors import InputError, ModelError

__all__ = ["VlmGenerator", "VlmOptions", "open_vlm"]

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class VlmOptions:
    """What may follow the `?` of a spec."""

    quant: str = "nf4"
    dtype: str = "auto"
    max_tokens: int = 400
    check: bool = True

    @classmethod
    def parse(cls, text: str) -> VlmOptions:
        """Options written as `quant=int8&max_tokens=300`; raises `InputError` that names the known ones.

        >>> VlmOptions.parse("quant=int8&max_tokens=300").max_tokens
        300
        """
        known = {"quant": QUANTIZATIONS, "dtype": DTYPES, "check": ("on", "off"), "max_tokens": ()}
        said = dict(parse_qsl(text, keep_blank_values=True))
        for name, value in said.items():
            if name not in known:
                raise InputError(f"A vlm has no option {name!r}; known: {', '.join(sorted(known))}.")
            if known[name] and value not in known[name]:
                raise InputError(f"The vlm option {name} cannot be {value!r}; known: {', '.join(known[name])}.")
        length = said.get("max_tokens", str(cls().max_tokens))
        if not (length.isascii() and length.isdecimal() and int(length) > 0):
            raise InputError(f"The vlm option max_tokens cannot be {length!r}; write a whole number above 0.")
        return cls(said.get("quant", "nf4"), said.get("dtype", "auto"), int(length), said.get("check") != "off")


class VlmGenerator:
    """Answers with a vision-language model, greedily: the same prompt gives the same text.

    May be called from several threads; one answer is written at a time, the others wait. A thread must end or close a
    stream before it begins another.
    """

    def __init__(self, loaded: LoadedVlm, spec: str, max_tokens: int) -> None:
        self.model, self.spec, self.revision = loaded.model, spec, loaded.revision
        self.chat = ChatInputs(
            loaded.processor,
            context=context_length(loaded.model.config, loaded.processor.tokenizer),
            answer=max_tokens,
            device=loaded.device,
            dtype=loaded.model.dtype,
        )
        self._tokens = YesNoTokens.of(self.chat.tokenizer)
        self._lock = threading.Lock()
        self.capabilities = Capabilities(images=True, yes_no=self._tokens is not None, max_tokens=max_tokens)

    def stream(self, prompt: Prompt) -> Iterator[Piece]:
        """The answer in pieces; a last piece without text says the verdict, and the confidence of a closed one.

        Closing the iterator ends the work within a token and waits for its thread. The reading of a long prompt,
        before the first token, cannot be cut short.

        Raises:
            ModelError: the question does not fit the model's context, or the device's memory is full.
        """
        with self._lock:
            first = _FirstLogits()
            said = []
            with closing(self._texts(prompt, first)) as texts:
                for text in texts:
                    said.append(text)
                    yield Piece(text)
            yield self._verdict(prompt, first, "".join(said))

    def leaning(self, system: str, text: str, images: Sequence[Image.Image]) -> Leaning | None:
        """What the first token of an answer leans to, without writing one; None where words are not whole tokens."""
        if self._tokens is None:
            return None
        import torch

        with self._lock, torch.inference_mode():
            logits = self.model(**self.chat.encode(system, text, images)).logits[0, -1]
        return self._tokens.leaning(logits)

    def _texts(self, prompt: Prompt, first: _FirstLogits) -> Closable[str, None, None]:
        from transformers import TextIteratorStreamer

        streamer = TextIteratorStreamer(
            self.chat.tokenizer, skip_prompt=True, timeout=_POLL_SECONDS, skip_special_tokens=True
        )
        stopped = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="curbside-vlm") as pool:
            work = pool.submit(self._generate, self.chat.fitted(prompt), streamer, first, _Stop(stopped))
            work.add_done_callback(lambda _: streamer.on_finalized_text("", stream_end=True))  # also after a crash
            try:
                yield from filter(None, _arriving(streamer, work))
            finally:
                stopped.set()
        try:
            work.result()
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise ModelError(
                    "The memory is full while answering; ask with fewer or smaller pictures, lower max_tokens, "
                    "or use quant=nf4."
                ) from error
            raise

    def _generate(self, inputs: Any, streamer: Any, first: _FirstLogits, stop: _Stop) -> None:
        self.model.generate(
            **inputs,
            streamer=streamer,
            logits_processor=[first],
            stopping_criteria=[stop],
            max_new_tokens=self.capabilities.max_tokens,
            do_sample=False,
            repetition_penalty=1.0,
            temperature=None,
            top_p=None,
            top_k=None,
        )

    def _verdict(self, prompt: Prompt, first: _FirstLogits, text: str) -> Piece:
        if not parse_question(prompt.question, bool(prompt.images)).closed:
            return Piece("", "free")
        leaning = self._tokens.leaning(first.logits) if self._tokens and first.logits is not None else None
        return Piece("", *judge(leaning, text))


class _Stop:
    """A stopping criterion that reads an event between tokens."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        return input_ids.new_full((input_ids.shape[0],), self._event.is_set(), dtype=bool)


class _FirstLogits:
    """A logits processor that changes nothing and keeps the logits (vocabulary,) of the first token."""

    def __init__(self) -> None:
        self.logits: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if self.logits is None:
            self.logits = scores[0].detach().float().cpu()
        return scores


def _arriving(streamer: Any, work: Future[None]) -> Iterator[str]:
    """What the streamer hands out, until it ends or the work behind it is over."""
    while True:
        try:
            yield next(streamer)
        except StopIteration:
            return
        except Empty:
            if work.done():
                return


def open_vlm(rest: str, device: str, folder: Path) -> Generator:
    """The generator of a spec `vlm:<folder or hub id>?quant=nf4&max_tokens=400&dtype=auto&check=on`.

    Args:
        rest: What follows `vlm:`. A folder below `folder` or the working directory is never looked for on a network.
        device: Where the model runs: `cpu`, `cuda`, `cuda:1`.
        folder: The home, at which relative folders start.

    Raises:
        InputError: an unknown option, value or device.
        ModelError: the model cannot be opened, does not fit, or does not see.
    """
    name, _, options_text = rest.partition("?")
    options = VlmOptions.parse(options_text)
    loaded = load_vlm(find_source(name, folder), device, quant=options.quant, dtype=options.dtype)
    generator = VlmGenerator(loaded, f"vlm:{rest}", options.max_tokens)
    if options.check:
        _check_vision(generator, name)
    return generator


def _check_vision(generator: VlmGenerator, name: str) -> None:
    try:
        sees = changes_with_picture(generator.model, generator.chat)
    except (ValueError, TypeError) as error:  # the template writes no place for the picture
        raise ModelError(f"The model {name!r} takes no picture ({error}); choose an image-text model.") from error
    if not sees:
        raise ModelError(
            f"The model {name!r} is blind: two different pictures leave its answer unchanged; its weights or its chat "
            "template are damaged, so copy it again or choose another (check=off asks it all the same)."
        )
    _LOG.info("%s sees: its answer changes with the picture", name)
