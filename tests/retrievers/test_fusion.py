"""Fusions of ranked lists, and the quotas of sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import UnknownNameError
from retrievers.fusion import (
    Fusion,
    LearnedWeights,
    ReciprocalRank,
    StandardisedScores,
    fused_by_shares,
    fusion_method,
    reciprocal_rank_fusion,
    with_quotas,
)
from retrievers.fusion.learned import fit_learned_weights
from retrievers.search import RankedList

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


scored = st.lists(st.floats(-1.0, 30.0), max_size=12).map(lambda values: sorted(values, reverse=True))
FUSIONS = (ReciprocalRank(), StandardisedScores(), LearnedWeights({"radiology": {"words": 0.2, "image→text": 3.0}}))


def listed(sides: str, scores: list[float], first: int = 0, weight: float = 1.0) -> RankedList:
    records = tuple(range(first, first + len(scores)))
    return RankedList("radiology", f"radiology {sides}", weight, records, tuple(scores), (0,) * len(scores))


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: fusion.name)
@given(one=scored, other=scored, weight=st.floats(0.1, 5))
def test_fusions_keep_each_record_and_take_no_side(
    fusion: Fusion, one: list[float], other: list[float], weight: float
) -> None:
    lists = [listed("image→image", one), listed("words", other, first=6, weight=weight)]
    fused = fusion.fuse(lists)
    assert {record for record, _ in fused} == {record for found in lists for record in found.records}
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    assert dict(fused) == pytest.approx(dict(fusion.fuse(lists[::-1])))
    # A list that is empty is as if it were not there; one alone keeps its order.
    assert fusion.fuse([*lists, listed("text→text", [])]) == fused
    alone = [record for record, _ in fusion.fuse(lists[:1])]
    assert sorted(alone, key=lambda record: -one[record]) == alone


def of_domain(domain: str, first: int, share: float, lists: int = 1) -> list[RankedList]:
    records = tuple(range(first, first + 12))
    scores = tuple(0.9 - 0.05 * place for place in range(12))
    return [RankedList(domain, f"{domain} {n}", 1 / lists, records, scores, (0,) * 12, share) for n in range(lists)]


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: fusion.name)
@pytest.mark.parametrize(("share", "places"), [(0.5, [3, 6, 9]), (0.25, [5, 10]), (0.01, [])])
def test_an_unlikely_domain_has_its_share_of_places(fusion: Fusion, share: float, places: list[int]) -> None:
    lists = [*of_domain("ultrasound", 0, 1.0), *of_domain("radiology", 100, share, lists=3)]
    found = [record for record, _ in fused_by_shares(fusion, lists)]
    assert [place for place, record in enumerate(found, 1) if record >= 100 and place <= 10] == places
    assert sorted(found) == [*range(12), *range(100, 112)]
    assert [record for record in found if record >= 100] == [*range(100, 112)]


@pytest.mark.parametrize("fusion", FUSIONS, ids=lambda fusion: fusion.name)
def test_shares_change_nothing_where_one_domain_is_searched(fusion: Fusion) -> None:
    lists = [listed("image→image", [0.9, 0.2, 0.19]), listed("words", [7.0, 6.9, 6.0], first=2)]
    assert fused_by_shares(fusion, lists) == fusion.fuse(lists)
    assert fused_by_shares(fusion, []) == []


def test_a_domain_that_may_have_no_place_is_not_found_and_an_empty_one_hides_nobody() -> None:
    likely, other = of_domain("ultrasound", 0, 1.0), of_domain("radiology", 100, 0.3)
    gone = [replace(one, share=0.0) for one in other]
    assert {record for record, _ in fused_by_shares(ReciprocalRank(), [*likely, *gone])} == set(range(12))
    empty = [replace(one, records=(), scores=(), parts=()) for one in likely]
    assert [record for record, _ in fused_by_shares(ReciprocalRank(), [*empty, *other])] == [*range(100, 112)]


def test_standardised_scores_see_who_stands_out() -> None:
    clear, flat = listed("image→image", [0.9, 0.2, 0.19, 0.18]), listed("words", [7.0, 6.95, 6.8, 6.7], first=10)
    fused = dict(StandardisedScores().fuse([clear, flat]))
    assert min(fused[0], fused[10], fused[11]) > 10 * fused[1]
    shifted = [listed("image→image", [s * 10 + 3 for s in clear.scores]), flat]
    assert dict(StandardisedScores().fuse(shifted)) == pytest.approx(fused, rel=1e-4)


def test_learned_weights_find_the_list_that_knows() -> None:
    rng = np.random.default_rng(0)
    questions = []
    for _ in range(60):
        right = rng.random(30) < 0.2
        questions.append((np.column_stack([right + rng.normal(size=30), rng.normal(size=30)]), right))
    knows, guesses = fit_learned_weights(questions)
    assert knows > 4 * guesses
    assert (knows + guesses) / 2 == pytest.approx(1.0)
    assert fit_learned_weights([(np.ones((3, 2)), np.zeros(3, bool))]).tolist() == [1.0, 1.0]
    lists = [listed("image→image", [2.0, 1.0]), listed("words", [2.0, 1.0], first=10)]
    fused = LearnedWeights({"radiology": {"image→image": knows, "words": guesses}}).fuse(lists)
    assert fused[0][0] == 0


def test_every_side_has_its_place() -> None:
    pictures, words = listed("image→image", [0.9, 0.8, 0.7, 0.6]), listed("words", [5.0, 4.0], first=10, weight=0.6)
    fused = ReciprocalRank().fuse([pictures, words])
    assert [record for record, _ in fused] == [0, 1, 2, 3, 10, 11]
    assert [record for record, _ in with_quotas(fused, [pictures, words], 3, 1)] == [0, 1, 10, 2, 3, 11]
    assert [record for record, _ in with_quotas(fused, [pictures, words], 3, 2)] == [0, 1, 10, 2, 3, 11]
    assert with_quotas(fused, [pictures, words], 5, 1) == fused
    quiet = listed("words", [5.0, 4.0], first=10, weight=0.15)
    assert with_quotas(fused, [pictures, quiet], 3, 1) == fused


@given(scored, scored, st.integers(1, 8), st.integers(0, 4))
def test_quotas_lose_nothing(one: list[float], other: list[float], k: int, quota: int) -> None:
    lists = [listed("image→image", one), listed("words", other, first=4)]
    fused = ReciprocalRank().fuse(lists)
    assert sorted(with_quotas(fused, lists, k, quota)) == sorted(fused)


def test_fusions_by_name() -> None:
    assert fusion_method("reciprocal-rank") == ReciprocalRank()
    with pytest.raises(UnknownNameError, match="known: learned, reciprocal-rank, standardised"):
        fusion_method("magic")
