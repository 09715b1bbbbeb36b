"""What a question wants to know, read without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.answers import Turn
from corpora.language import Lexicon, packaged_lexicon

__all__ = ["Asked", "follow_up", "parse_question"]

Attribute = Literal["presence", "side", "severity", "modality", "eye", "diagnosis", "explanation"]

_OPENING = r"^(?:(?:and|so|but|then|also)\s+)?"
_CLOSED = re.compile(
    _OPENING + r"(?:is|are|was|were|does|do|did|has|have|had|can|could|should|would|will|any)\b", re.IGNORECASE
)
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_ATTRIBUTES: tuple[tuple[Attribute, re.Pattern[str]], ...] = (
    ("eye", re.compile(r"\b(?:which|what|left or right) eye\b", re.IGNORECASE)),
    (
        "modality",
        re.compile(
            r"\bmodality\b|\bwhat (?:kind|type|sort) of (?:image|picture|scan|study|imaging)\b|"
            r"\bhow was (?:this|the) \w+ (?:taken|made)",
            re.IGNORECASE,
        ),
    ),
    (
        "side",
        re.compile(
            r"\b(?:which|what) (?:side|lung|breast|hemisphere|lobe)\b|\bwhere\b|\bleft or right\b",
            re.IGNORECASE,
        ),
    ),
    (
        "severity",
        re.compile(
            r"\bhow (?:large|big|severe|bad|extensive|marked|many|much)\b|"
            r"\b(?:what|which) (?:size|grade|degree|severity)\b",
            re.IGNORECASE,
        ),
    ),
)
_DIAGNOSIS = re.compile(
    r"\bdiagnosis|\bwhat (?:is|are) (?:shown|seen|wrong|this)\b|"
    r"\bwhat (?:is|are) the (?:main |most likely )?(?:finding|abnormalit|lesion|diagnos)|"
    r"\bwhat (?:do you see|does (?:this|the|it) (?:\w+ )?show)|\bmain finding|\bdescribe|\bfindings?\b|\babnormalit|"
    r"\bdifferential|\binterpret|\bread this",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|its|that|this|those|these|they|them|there|same|other|else|bigger|smaller|why)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in parts: closed (yes or no) or open, about which findings, and which attribute of them."""

    text: str
    closed: bool
    findings: tuple[str, ...]
    attribute: Attribute


def parse_question(text: str, with_pictures: bool, lexicon: Lexicon | None = None) -> Asked:
    """What the question wants.

    >>> parse_question("Is the fracture displaced?", True).closed
    True
    >>> parse_question("Which side is the mass on?", True).attribute
    'side'
    """
    lexicon = lexicon or packaged_lexicon()
    findings = tuple(dict.fromkeys(term.name for term in lexicon.find(text, "findings")))
    stripped = text.strip()
    closed = bool(_CLOSED.match(stripped)) and not _CHOICE.search(stripped)
    return Asked(stripped, closed, findings, _attribute(stripped, closed, findings, with_pictures))


def _attribute(text: str, closed: bool, findings: tuple[str, ...], with_pictures: bool) -> Attribute:
    if closed and findings:
        return "presence"
    for attribute, pattern in _ATTRIBUTES:
        if pattern.search(text):
            return attribute
    if with_pictures and (not text or _DIAGNOSIS.search(text)):
        return "diagnosis"
    return "explanation"


def follow_up(text: str, has_pictures: bool, history: Sequence[Turn]) -> Turn | None:
    """The earlier turn that a question continues, or None where it stands by itself.

    A question without pictures continues the last one where it points back ("is it large?"), names nothing that a
    lexicon knows, or where the last one had a picture and this one asks about presence, side or size.

    >>> follow_up("And on which side is it?", False, [Turn("Is there an effusion?", "Yes.")]).question
    'Is there an effusion?'
    """
    if has_pictures or not history or not text:
        return None
    asked = parse_question(text, with_pictures=True)
    last = history[-1]
    about_picture = bool(last.images) and asked.attribute != "explanation"
    return last if about_picture or _POINTING.search(text) or not asked.findings else None
