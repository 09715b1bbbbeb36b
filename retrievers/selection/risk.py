"""A number of hits whose share of wrong answers stays below a bound, with a stated confidence.

RULE (P. Xia et al., EMNLP 2024) by Learn-then-Test (Angelopoulos et al. 2021): each k is a hypothesis "the risk with k
hits is above α"; those k stay that the Hoeffding–Bentkus test rejects at δ / |K| (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.errors import InputError
from retrievers.found import Selection

__all__ = ["KS", "RiskControlled", "controlled_ks", "risk_p_value"]

KS = (1, 2, 3, 4, 5, 6, 8, 12)
"""The numbers of hits that are tried."""


@dataclass(frozen=True, slots=True)
class RiskControlled:
    """Keeps `k` hits, for which the bound was proved on `questions` calibration questions.

    `alpha` bounds the risk, the share of questions whose k hits, by their vote, lead to a wrong answer; with
    probability 1 − `delta` over the choice of those questions the bound holds for exchangeable ones. k = 0 stands for
    no proof: then as many are kept as there may be, and the reason says so.
    """

    k: int = 0
    alpha: float = 0.0
    delta: float = 0.0
    questions: int = 0
    name: str = "risk"

    def select(self, scores: Sequence[float], most: int) -> Selection:
        """The first k."""
        kept = min(self.k or most, most, len(scores))
        said = self.statement if kept == self.k or not self.k else f"nothing is guaranteed for {kept}."
        return Selection(self.name, kept, len(scores), f"{kept} of {len(scores)} found were used: {said}")

    @property
    def statement(self) -> str:
        """What is guaranteed, or that nothing is."""
        if not self.k:
            return "nothing is guaranteed: no number of hits passed the test of risk."
        return (
            f"the vote of the {self.k} nearest cases leads at most {self.alpha:.0%} of pictures like the "
            f"{self.questions} calibration ones astray, with confidence {1 - self.delta:.0%}; an average over pictures "
            "of a known domain, no promise about this answer."
        )


def risk_p_value(risk: float, questions: int, alpha: float) -> float:
    """The Hoeffding–Bentkus p-value of "the true risk is above alpha", for a measured one.

    min( exp(−n·h₁(min(r, α), α)), e·P(Bin(n, α) ≤ ⌈n·r⌉) ), with h₁(a, b) = a·ln(a/b) + (1 − a)·ln((1 − a)/(1 − b)).

    Args:
        risk: Share of wrong answers among the calibration questions, 0…1.
        questions: How many there are.
        alpha: The bound, above 0 and below 1.

    Raises:
        InputError: a number outside its range.

    >>> risk_p_value(0.0, 49, 0.1) <= 0.05 / 8 < risk_p_value(0.0, 48, 0.1)
    True
    """
    if not 0 < alpha < 1 or not 0 <= risk <= 1 or questions < 1:
        raise InputError(f"risk {risk:g} of {questions} questions at alpha {alpha:g}: these are no shares.")
    from scipy.stats import binom

    low = min(risk, alpha)
    divergence = _times_log(low, alpha) + _times_log(1 - low, 1 - alpha)
    hoeffding = math.exp(-questions * divergence)
    bentkus = math.e * float(binom.cdf(math.ceil(questions * risk - 1e-9), questions, alpha))
    return min(1.0, hoeffding, bentkus)


def controlled_ks(
    wrong: NDArray[np.bool_], ks: Sequence[int] = KS, alpha: float = 0.2, delta: float = 0.05
) -> tuple[int, ...]:
    """The ks whose risk is at most alpha, all of them together with probability 1 − delta; may be none.

    Args:
        wrong: (n, len(ks)): was calibration question i answered wrongly with that many hits?
        ks: The numbers that are tried.
        alpha: The bound.
        delta: Share of calibration sets for which one of the kept ks may break the bound.
    """
    questions = len(wrong)
    if not questions:
        return ()
    risks = wrong.mean(axis=0).tolist()
    return tuple(
        k for k, risk in zip(ks, risks, strict=True) if risk_p_value(risk, questions, alpha) <= delta / len(ks)
    )


def _times_log(one: float, other: float) -> float:
    return one * math.log(one / other) if one > 0 else 0.0
