"""Verdicts: whole words in the text, shares of the first token, and what happens where they disagree."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from app.generators.yes_no import Leaning, YesNoTokens, judge, said_yes_or_no


class _Words:
    """A tokenizer that knows some words whole and spells the rest."""

    unk_token_id = 0

    def __init__(self, *words: str) -> None:
        self.words = words

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        if text in self.words:
            return [self.words.index(text) + 1]
        return [100 + ord(letter) for letter in text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Yes.", "yes"),
        ("There is NO effusion.", "no"),
        ("Normal; nothing is noted. Know that yesterday was worse.", None),
        ("Yes, but no pneumothorax.", None),
        ("Yes, yes.", "yes"),
        ("As in [no 2], yes", "yes"),
        ("", None),
    ],
)
def test_only_one_whole_word_counts(text: str, said: str | None) -> None:
    assert said_yes_or_no(text) == said


def test_only_words_of_one_token_are_weighed() -> None:
    tokens = YesNoTokens.of(_Words("Yes", " yes", "No"))
    assert tokens == YesNoTokens(yes=(1, 2), no=(3,))
    assert YesNoTokens.of(_Words("Yes", "yes")) is None


def test_leaning_sums_the_spellings() -> None:
    shares = torch.tensor([0.2, 0.3, 0.3, 0.1, 0.1])
    leaning = YesNoTokens(yes=(1, 2), no=(3,)).leaning(shares.log())
    assert leaning.yes == pytest.approx(0.6 / 0.7, abs=1e-5)
    assert leaning.mass == pytest.approx(0.7, abs=1e-5)


def test_leaning_of_impossible_words_is_even() -> None:
    logits = torch.tensor([0.0, -math.inf, -math.inf])
    assert YesNoTokens(yes=(1,), no=(2,)).leaning(logits) == Leaning(0.5, 0.0)


@pytest.mark.parametrize(
    ("leaning", "text", "verdict", "confidence"),
    [
        (Leaning(0.9, 0.8), "Yes, as in [1].", "yes", 0.9),
        (Leaning(0.1, 0.8), "No.", "no", 0.9),
        (Leaning(0.9, 0.8), "The record [2] shows one.", "yes", 0.9),
        (Leaning(0.9, 0.8), "No.", "uncertain", 0.5),
        (Leaning(0.55, 0.8), "Yes.", "uncertain", 0.55),
        (Leaning(0.99, 0.001), "No.", "no", 0.5),
        (Leaning(0.99, 0.001), "Normal.", "uncertain", 0.5),
        (None, "Yes.", "yes", 0.5),
    ],
)
def test_judge(leaning: Any, text: str, verdict: str, confidence: float) -> None:
    judged = judge(leaning, text)
    assert judged[0] == verdict
    assert judged[1] == pytest.approx(confidence)
