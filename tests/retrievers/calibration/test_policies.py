"""Policies that choose the context, on questions whose right number is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from retrievers.calibration import selection
from retrievers.calibration.selection import Judged, fit_policies
from retrievers.found import Selection


def cases(seed: int, count: int, *, telling: bool, flat: bool = False) -> list[Judged]:
    """Questions with 4 or 10 right cases first; the scores fall behind them, or know nothing of it."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        right = int(rng.choice([4, 10]))
        cut = right if telling else int(rng.choice([4, 10]))
        scores = tuple(1.0 if flat or place < cut else 0.4 for place in range(12))
        made.append(Judged(f"p{number}", scores, tuple(place < right for place in range(12))))
    return made


class Place:
    """A policy that keeps as many as the score at that place says."""

    name = "place"

    def __init__(self, place: float) -> None:
        self._place = int(place)

    def select(self, scores: Sequence[float], most: int) -> Selection:
        return Selection("place", int(scores[self._place]), most, "")


def placed(lost: int) -> list[Judged]:
    """Questions with 10 or 4 right cases; the score at 0 knows a little of how many, that at 1 all of it except in
    the last `lost` questions, where it says the opposite, and that at 2 keeps all."""
    asked = []
    for number in range(40):
        right = (10, 4)[number % 2]
        loud = right if number < 40 - lost else 14 - right
        scores = (8.0 if right == 10 else 6.0, float(loud), 12.0, *[0.0] * 9)
        asked.append(Judged(f"p{number}", scores, tuple(place < right for place in range(12))))
    return asked


class TestSelection:
    """Policies against a fixed number at the same mean number."""

    def test_scores_that_tell_win(self) -> None:
        parts, values, won = fit_policies(cases(1, 60, telling=True), cases(2, 60, telling=True))
        assert won
        by_name = {part.name.removeprefix("selection, "): part for part in parts}
        assert list(by_name) == ["gap", "ratio", "mass"]
        assert [name for name, part in by_name.items() if part.kept] == [won]
        assert by_name["ratio"].after == pytest.approx(1.0)
        assert by_name["ratio"].notes["fire rate"] == 1.0
        assert values["ratio"] <= 2.5
        assert "gained more" in by_name["ratio" if won == "gap" else "gap"].reason

    def test_scores_that_know_nothing_do_not(self) -> None:
        parts, _, won = fit_policies(cases(1, 60, telling=False), cases(2, 60, telling=False))
        assert won == ""
        assert not any(part.kept for part in parts)

    def test_a_rule_that_never_fires_gains_nothing(self) -> None:
        parts, values, won = fit_policies(cases(1, 60, telling=True, flat=True), cases(2, 60, telling=True, flat=True))
        assert (values, won) == ({}, "")
        assert {part.reason for part in parts} == {"no value beats a fixed number on the fitting patients"}

    def test_one_corpus_of_two_is_not_enough(self) -> None:
        """All the gain lies in one corpus; in the other the rule cuts what is right."""
        fitting = cases(1, 80, telling=True)
        good = [replace(one, corpus="one") for one in cases(2, 80, telling=True)]
        flat = [Judged(f"q{n}", (1.0,) * 12, (True,) * 6 + (False,) * 6, "other") for n in range(20)]
        assert fit_policies(fitting, [*good, *flat])[2] == ""
        assert fit_policies(fitting, [replace(one, corpus=str(n % 2)) for n, one in enumerate(good)])[2] != ""

    def test_the_surest_policy_is_tried_not_the_one_of_largest_gain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`loud` gains more on the mean and loses on a quarter of the questions; `sure` never loses."""
        monkeypatch.setattr(selection, "_FAMILIES", {"sure": (Place, (0,)), "loud": (Place, (1,))})
        asked = placed(lost=10)
        parts, _, won = fit_policies(asked, asked)
        sure, loud = ((part.gain or 0.0, part.low or 0.0) for part in parts)
        assert won == "sure"
        assert loud[0] > sure[0]
        assert loud[1] < sure[1]

    def test_a_policy_that_never_cuts_stands_before_none_that_gains(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(selection, "_FAMILIES", {"never": (Place, (2,)), "loud": (Place, (1,))})
        fitting = placed(lost=16)
        assert selection._sure_gain(fitting, Place(1), 0) < 0 == selection._sure_gain(fitting, Place(2), 0)
        assert fit_policies(fitting, placed(lost=4))[2] == "loud"

    def test_a_fixed_number_between_two(self) -> None:
        one = Judged("p", (1.0, 0.9, 0.8), (True, False, True))
        assert [one.fixed(k) for k in (0, 1, 1.5, 2.25, 3, 5)] == [0, 1, 1, 1.25, 2, 2]
