"""The vision self-test: a model whose eyes are not connected must not be asked about pictures.

A wrong chat template, a lost projector or weights that did not match leave a model fluent and blind. Two pictures that
could not differ more are asked about in the same words; if the next-token logits agree, the model saw neither.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from app.generators.chat_inputs import ChatInputs

__all__ = ["changes_with_picture", "test_pictures"]

_SIDE = 224
_QUESTION = "What does this picture show?"
# Largest difference of any logit, as a share of the logits' standard deviation, that still counts as none. A blind
# model shows 0 or rounding; the random models of the tests, whose eyes are connected, show about 3.
_NOTHING = 0.05


def test_pictures() -> tuple[Image.Image, Image.Image]:
    """Two pictures of one size, (224, 224): black with a white disc, and stripes of red and green."""
    rows, columns = np.mgrid[:_SIDE, :_SIDE]
    disc = (rows - _SIDE / 2) ** 2 + (columns - _SIDE / 2) ** 2 < (_SIDE / 4) ** 2
    first = np.repeat((disc * 255).astype(np.uint8)[..., None], 3, axis=2)
    stripe = (columns // 16) % 2 == 0
    second = np.where(stripe[..., None], np.array([230, 20, 20]), np.array([20, 200, 40])).astype(np.uint8)
    return Image.fromarray(first), Image.fromarray(second)


def changes_with_picture(model: Any, chat: ChatInputs) -> bool:
    """Whether the logits of the answer's first token depend on the picture."""
    import torch

    with torch.inference_mode():
        first, second = (
            model(**chat.encode("", _QUESTION, (picture,))).logits[0, -1].float() for picture in test_pictures()
        )
    difference = float((first - second).abs().max())
    return difference > _NOTHING * max(float(first.std()), 1e-6)
