"""From a prompt to a model's inputs: the processor's chat template, the pictures, and what fits the context."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError
from PIL import Image

from app.generators.base import Prompt
from app.generators.pictures import shrunk
from app.prompting import build_prompt
from corpora.errors import ModelError

__all__ = ["ChatInputs", "context_length"]

_LOG = logging.getLogger(__name__)
_LONGEST_SIDE = 1344
_UNSTATED_CONTEXT = 4096


class ChatInputs:
    """Turns prompts into tensors for one model. Not thread-safe: fast tokenizers are not.

    `context` is how many tokens the model holds, pictures and answer included; `answer` how many are kept free for
    the answer. Floating point inputs are made in `dtype` on `device`.
    """

    def __init__(self, processor: Any, *, context: int, answer: int, device: Any, dtype: Any) -> None:
        self.processor, self.tokenizer = processor, getattr(processor, "tokenizer", processor)
        self._room, self._context = context - answer, context
        self._device, self._dtype = device, dtype
        self._control = _control_strings(self.tokenizer)
        self._has_system_role = self._renders_system()

    def encode(self, system: str, text: str, images: Sequence[Image.Image]) -> Any:
        """Model inputs of one exchange: `input_ids` (1, tokens) and what the processor makes of the pictures."""
        pictures = [shrunk(image, _LONGEST_SIDE) for image in images]
        inputs = self.processor.apply_chat_template(
            self._messages(system, text, pictures),
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        return inputs.to(self._device, dtype=self._dtype)

    def fitted(self, prompt: Prompt) -> Any:
        """Model inputs of the prompt; where it is too long, evidence goes from the last, then the conversation.

        Raises:
            ModelError: the question and its pictures alone are too long.
        """
        inputs = self.encode(prompt.system, prompt.text, prompt.images)
        pictures = int(inputs["input_ids"].shape[1]) - self._text_tokens(prompt)
        shorter = prompt
        while (needed := self._text_tokens(shorter) + pictures) > self._room:
            if not shorter.evidence and not shorter.history:
                raise ModelError(
                    f"The question with its pictures needs {needed} tokens, but the model has room for {self._room} "
                    f"of {self._context}; ask with fewer pictures, lower max_tokens, or choose another model."
                )
            shorter = _shortened(shorter)
        if shorter is prompt:
            return inputs
        _LOG.info("kept %d of %d records in a context of %d", len(shorter.evidence), len(prompt.evidence), self._room)
        return self.encode(shorter.system, shorter.text, shorter.images)

    def _text_tokens(self, prompt: Prompt) -> int:
        """Tokens of the rendered chat without anything that stands for pictures."""
        rendered = self._render(self._messages(prompt.system, prompt.text, ()))
        return len(self.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    def _messages(self, system: str, text: str, images: Sequence[Image.Image]) -> list[dict[str, Any]]:
        system, text = self._plain(system), self._plain(text)
        pictures: list[dict[str, Any]] = [{"type": "image", "image": image} for image in images]
        if system and not self._has_system_role:
            system, text = "", f"{system}\n\n{text}"
        user = {"role": "user", "content": [*pictures, {"type": "text", "text": text}]}
        first = [{"role": "system", "content": [{"type": "text", "text": system}]}] if system else []
        return [*first, user]

    def _render(self, messages: list[dict[str, Any]]) -> str:
        rendered: str = self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        return rendered

    def _renders_system(self) -> bool:
        """Whether the template writes a system turn down; some refuse the role, some drop it."""
        self._has_system_role = True
        try:
            return "Rules first." in self._render(self._messages("Rules first.", "Question.", ()))
        except (TemplateError, TypeError):
            return False

    def _plain(self, text: str) -> str:
        """The text with the model's control words broken up, so that no quoted text can pose as a turn or picture."""
        for word in self._control:
            text = text.replace(word, f"{word[0]} {word[1:]}")
        return text


def context_length(config: Any, tokenizer: Any) -> int:
    """How many tokens a model was made for."""
    stated = getattr(config.get_text_config(), "max_position_embeddings", None)
    if stated:
        return int(stated)
    return int(tokenizer.model_max_length) if tokenizer.model_max_length < 10**7 else _UNSTATED_CONTEXT


def _shortened(prompt: Prompt) -> Prompt:
    """Without the record of the highest number, or without the conversation; the numbers of the rest stay."""
    kept = sorted(prompt.evidence, key=lambda item: item.number)[:-1]
    return build_prompt(
        prompt.question,
        domain=prompt.domain,
        found=prompt.found,
        evidence=kept,
        images=prompt.images,
        history=prompt.history if prompt.evidence else (),
    )


def _control_strings(tokenizer: Any) -> tuple[str, ...]:
    """Special tokens that are recognisable as such, longest first."""
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return tuple(sorted((word for word in special if len(word) > 1 and not word.isalnum()), key=len, reverse=True))
