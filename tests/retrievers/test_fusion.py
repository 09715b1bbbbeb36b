"""Reciprocal rank fusion and the choice of context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import UnknownNameError
from retrievers.fusion import reciprocal_rank_fusion
from retrievers.selection import FixedK, TopRatio, selection_policy

ranked = st.lists(st.integers(0, 30), unique=True, max_size=12)
lists = st.dictionaries(st.sampled_from("abcdef"), ranked, max_size=5)


@given(lists, st.randoms())
def test_the_order_in_which_lists_come_does_not_matter(found: dict[str, list[int]], chance: object) -> None:
    names = list(found)
    chance.shuffle(names)  # type: ignore[attr-defined]
    first = reciprocal_rank_fusion(found)
    second = reciprocal_rank_fusion({name: found[name] for name in names})
    assert [item for item, _ in first] == [item for item, _ in second]
    assert [score for _, score in first] == pytest.approx([score for _, score in second])


@given(lists)
def test_everything_found_comes_once_best_first(found: dict[str, list[int]]) -> None:
    fused = reciprocal_rank_fusion(found)
    assert sorted(item for item, _ in fused) == sorted({item for items in found.values() for item in items})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(ranked, st.floats(0.01, 10))
def test_one_list_keeps_its_order_whatever_its_weight(items: list[int], weight: float) -> None:
    assert [item for item, _ in reciprocal_rank_fusion({"a": items}, {"a": weight})] == items


@given(lists, st.floats(0.1, 8))
def test_a_common_weight_changes_nothing(found: dict[str, list[int]], weight: float) -> None:
    plain = reciprocal_rank_fusion(found)
    scaled = dict(reciprocal_rank_fusion(found, dict.fromkeys(found, weight)))
    assert {item: score * weight for item, score in plain} == pytest.approx(scaled)


@given(ranked, ranked)
def test_what_is_above_in_every_list_is_above(one: list[int], other: list[int]) -> None:
    fused = [item for item, _ in reciprocal_rank_fusion({"a": one, "b": other})]
    both = set(one) & set(other)
    for first in both:
        for second in both:
            if one.index(first) < one.index(second) and other.index(first) < other.index(second):
                assert fused.index(first) < fused.index(second)


def test_weights_decide_and_no_weight_finds_nothing() -> None:
    found = {"pictures": [1, 2], "words": [2, 1]}
    assert reciprocal_rank_fusion(found)[0][0] == 1  # equal scores: the smaller number
    assert reciprocal_rank_fusion(found, {"pictures": 0.1})[0][0] == 2
    assert reciprocal_rank_fusion(found, {"pictures": 0.0, "words": 0.0}) == []
    assert reciprocal_rank_fusion({}) == []


scores = st.lists(st.floats(0.001, 1.0), max_size=20).map(lambda values: sorted(values, reverse=True))


@given(scores, st.integers(1, 25))
def test_selections_never_exceed_what_there_is(found: list[float], most: int) -> None:
    for policy in (FixedK(), TopRatio(), TopRatio(1.0)):
        chosen = policy.select(found, most)
        assert chosen.candidates == len(found)
        assert 0 <= chosen.kept <= min(most, len(found))
        assert chosen.reason.endswith(".")
        assert chosen.policy == policy.name


@given(scores.filter(bool), st.integers(1, 25))
def test_a_larger_ratio_keeps_more_and_the_best_always_stays(found: list[float], most: int) -> None:
    kept = [TopRatio(ratio).select(found, most).kept for ratio in (1.1, 2.0, 5.0, 1e9)]
    assert kept == sorted(kept)
    assert kept[0] >= 1
    assert kept[-1] == min(most, len(found))


def test_reasons_are_true() -> None:
    assert "All 2 found" in TopRatio().select([0.9, 0.8], 5).reason
    assert "less than 1/2 of the best" in TopRatio().select([0.9, 0.8, 0.1], 5).reason
    assert "2 of 3 found were used: the nearest" in TopRatio().select([0.9, 0.8, 0.7], 2).reason


def test_policies_by_name() -> None:
    assert selection_policy("fixed") == FixedK()
    with pytest.raises(UnknownNameError, match="known: fixed, ratio"):
        selection_policy("magic")
