"""Prompts for generator tests, built as the assistant builds them."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from app.answers import Evidence, Turn
from app.generators.base import Prompt
from app.prompting import build_prompt
from corpora.records import Record
from retrievers.found import DomainFound, Hit

__all__ = ["make_evidence", "make_prompt", "pictures"]

CLOSED = "Is there a pleural effusion?"
OPEN = "What does the picture show?"
_REPORT = "There is a small right pleural effusion and no other abnormality of the lungs is seen in this picture."


def make_evidence(count: int, repeat: int = 1) -> tuple[Evidence, ...]:
    """Numbered cases with a report of one sentence, `repeat` times over."""
    return tuple(
        Evidence(
            number,
            Hit(
                Record(
                    id=f"case-{number}",
                    corpus="tests",
                    kind="case",
                    domain="radiology",
                    modality="chest radiograph",
                    findings=f"Record {number}. " + " ".join([_REPORT] * repeat),
                    labels=("pleural effusion",),
                ),
                score=1.0 / number,
                ranks={"radiology image→image": number},
                similarities={"radiology image→image": 0.9},
            ),
        )
        for number in range(1, count + 1)
    )


def make_prompt(
    question: str = CLOSED,
    *,
    images: Sequence[Image.Image] = (),
    evidence: Sequence[Evidence] = (),
    history: Sequence[Turn] = (),
) -> Prompt:
    """A prompt of the radiology domain."""
    found = DomainFound("radiology", 0.98, searched=("radiology",))
    return build_prompt(question, domain=None, found=found, evidence=evidence, images=images, history=history)


def pictures(count: int) -> tuple[Image.Image, ...]:
    """Pictures of different sizes and colours."""
    return tuple(Image.new("RGB", (90 + 40 * n, 70), (120 + 60 * n, 30, 60)) for n in range(count))
