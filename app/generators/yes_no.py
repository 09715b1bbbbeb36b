"""Verdicts on closed questions: from the first token's logits, checked against the written answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Leaning", "YesNoTokens", "judge", "said_yes_or_no"]

_YES = ("Yes", " Yes", "yes", " yes", "YES", " YES")
_NO = ("No", " No", "no", " no", "NO", " NO")
_WORD = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_CITED = re.compile(r"\[[^\]]*\]")
_CLEAR = 0.6
_LEAST_MASS = 0.05


@dataclass(frozen=True, slots=True)
class Leaning:
    """What the first token leans to: `yes` is P(yes | yes or no), `mass` the probability of either, both in 0…1."""

    yes: float
    mass: float


@dataclass(frozen=True, slots=True)
class YesNoTokens:
    """The ids of a tokenizer's one-token spellings of yes and of no."""

    yes: tuple[int, ...]
    no: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any) -> YesNoTokens | None:
        """The tokens, or None where the tokenizer writes one of the words only in pieces ("N" may begin "Normal")."""
        yes, no = (_single_tokens(tokenizer, forms) for forms in (_YES, _NO))
        return cls(yes, no) if yes and no else None

    def leaning(self, logits: Any) -> Leaning:
        """Read from next-token logits, a tensor of shape (vocabulary,)."""
        shares = logits.float().softmax(dim=-1)
        yes, no = float(shares[list(self.yes)].sum()), float(shares[list(self.no)].sum())
        return Leaning(yes / (yes + no) if yes + no > 0.0 else 0.5, min(1.0, yes + no))


def _single_tokens(tokenizer: Any, forms: tuple[str, ...]) -> tuple[int, ...]:
    encoded = (tokenizer.encode(form, add_special_tokens=False) for form in forms)
    return tuple(sorted({ids[0] for ids in encoded if len(ids) == 1 and ids[0] != tokenizer.unk_token_id}))


def said_yes_or_no(text: str) -> str | None:
    """`yes` or `no` where exactly one of the words occurs in the text, as a whole word.

    >>> said_yes_or_no("No effusion; the heart is normal [2].")
    'no'
    >>> said_yes_or_no("Normal.") is None
    True
    """
    words = {word.casefold() for word in _WORD.findall(_CITED.sub(" ", text))}
    return words.pop() if len(words) == 1 else None


def judge(leaning: Leaning | None, text: str) -> tuple[str, float]:
    """Verdict and confidence (0…1) of an answer to a closed question.

    Where the first token is a yes or no with some probability, its logits decide, and a text that says the opposite
    makes it uncertain. Elsewhere only the text is left, which tells no confidence: 0.5.
    """
    said = said_yes_or_no(text)
    if leaning is None or leaning.mass < _LEAST_MASS:
        return said or "uncertain", 0.5
    leans = "yes" if leaning.yes >= _CLEAR else "no" if leaning.yes <= 1.0 - _CLEAR else "uncertain"
    if said is not None and leans not in (said, "uncertain"):
        return "uncertain", 0.5
    return leans, max(leaning.yes, 1.0 - leaning.yes)
