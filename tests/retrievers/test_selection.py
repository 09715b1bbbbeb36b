"""Policies that choose how many hits become context, and the proof of a bound on the risk."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import InputError, UnknownNameError
from retrievers.selection import FixedK, Gap, Mass, Policy, RiskControlled, TopRatio, selection_policy
from retrievers.selection.risk import KS, controlled_ks, risk_p_value

scores = st.lists(st.floats(0.001, 1.0), max_size=20).map(lambda values: sorted(values, reverse=True))
POLICIES = (FixedK(), FixedK(3), TopRatio(), TopRatio(1.0), Gap(), Gap(0.0), Mass(), Mass(0.01), RiskControlled(4))


@given(scores, st.integers(1, 25))
def test_selections_never_exceed_what_there_is(found: list[float], most: int) -> None:
    for policy in POLICIES:
        chosen = policy.select(found, most)
        assert chosen.candidates == len(found)
        assert min(1, len(found)) <= chosen.kept <= min(most, len(found)) or policy == TopRatio(1.0)
        assert chosen.reason.endswith(".")
        assert chosen.policy == policy.name


@pytest.mark.parametrize("make", [TopRatio, lambda value: Gap(math.log(value)), lambda value: Mass(1 - 0.5 / value)])
@given(found=scores.filter(bool), most=st.integers(1, 25))
def test_a_larger_value_keeps_more_and_the_best_always_stays(make: object, found: list[float], most: int) -> None:
    kept = [make(value).select(found, most).kept for value in (1.1, 2.0, 5.0, 1e9)]  # type: ignore[operator]
    assert kept == sorted(kept)
    assert kept[0] >= 1
    assert kept[-1] == min(most, len(found))


@given(scores.filter(lambda found: len(found) > 2), st.permutations(range(3)))
def test_a_hit_that_stands_behind_counts_no_more_than_the_one_before(found: list[float], order: list[int]) -> None:
    """Order that fusion gave is kept, whatever relevance says."""
    mixed = [found[place] for place in order] + found[3:]
    for policy in POLICIES:
        falling = np.minimum.accumulate(mixed).tolist()
        assert policy.select(mixed, 10).kept == policy.select(falling, 10).kept


def test_reasons_are_true() -> None:
    assert "All 2 found" in TopRatio().select([0.9, 0.8], 5).reason
    assert "less than 1/2 of the best" in TopRatio().select([0.9, 0.8, 0.1], 5).reason
    assert "2 of 3 found were used: the nearest" in TopRatio().select([0.9, 0.8, 0.7], 2).reason
    assert "falls to less than 1/2" in Gap(math.log(2)).select([0.9, 0.8, 0.1], 5).reason
    assert "80% of the relevance" in Mass(0.8).select([0.9, 0.8, 0.1], 5).reason
    assert "nothing is guaranteed" in RiskControlled().select([0.9, 0.8], 5).reason
    proved = RiskControlled(2, 0.2, 0.05, 180).select([0.9, 0.8, 0.7], 5)
    assert proved.kept == 2
    assert "at most 20% of pictures like the 180" in proved.reason
    assert "confidence 95%" in proved.reason
    assert "nothing is guaranteed for 1." in RiskControlled(2, 0.2, 0.05, 180).select([0.9], 5).reason


def test_a_score_of_nothing_ends_the_gap_rule() -> None:
    assert Gap(5.0).select([0.9, 0.0, 0.0], 5).kept == 1


@pytest.mark.parametrize(
    ("alpha", "questions", "errors"), [(0.1, 49, 0), (0.1, 200, 8), (0.05, 99, 0), (0.05, 500, 11)]
)
def test_the_published_numbers_of_errors_pass_and_one_more_does_not(alpha: float, questions: int, errors: int) -> None:
    """At δ = 0.05 shared among eight candidates."""
    assert risk_p_value(errors / questions, questions, alpha) <= 0.05 / 8
    assert risk_p_value((errors + 1) / questions, questions, alpha) > 0.05 / 8
    assert risk_p_value(errors / questions, questions - 1, alpha) > 0.05 / 8 or errors


def test_the_bound_is_broken_in_at_most_delta_of_many_splits() -> None:
    """200 calibration sets from questions whose true risks are known; the share that keeps a k above α is at most δ."""
    rng = np.random.default_rng(0)
    true = np.linspace(0.12, 0.34, len(KS))  # risks on both sides of α, many just above it
    alpha, delta, broken, kept = 0.2, 0.1, 0, 0
    for _ in range(200):
        wrong = rng.random((150, 1)) < true  # one draw a question: risks of different ks hang together
        passed = controlled_ks(wrong, KS, alpha, delta)
        kept += bool(passed)
        broken += any(true[KS.index(k)] > alpha for k in passed)
    assert kept > 20
    assert broken <= delta * 200


def test_nothing_passes_where_there_is_nothing_to_prove_it_with() -> None:
    assert controlled_ks(np.zeros((0, len(KS)), bool)) == ()
    assert controlled_ks(np.zeros((10, len(KS)), bool), alpha=0.1) == ()
    for wrong in ((0.5, 10, 1.0), (1.5, 10, 0.1), (0.1, 0, 0.1)):
        with pytest.raises(InputError):
            risk_p_value(*wrong)


def test_policies_by_name() -> None:
    found: list[Policy] = [selection_policy(name) for name in ("fixed", "gap", "mass", "ratio", "risk")]
    assert found == [FixedK(), Gap(), Mass(), TopRatio(), RiskControlled()]
    with pytest.raises(UnknownNameError, match="known: fixed, gap, mass, ratio, risk"):
        selection_policy("magic")
