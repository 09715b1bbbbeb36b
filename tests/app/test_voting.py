"""Votes of the nearest cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.voting import choose, vote, voters
from tests.app.made import case, passage

SIMILARITIES = st.lists(st.floats(-1.0, 1.0, allow_nan=False), min_size=1, max_size=12)


@given(SIMILARITIES)
def test_weights_sum_to_one_and_fall_with_distance(similarities: list[float]) -> None:
    electorate = voters([case(n, near=value) for n, value in enumerate(similarities, 1)], with_pictures=True)
    weights = [weight for _, weight in electorate]
    assert sum(weights) == pytest.approx(1.0)
    assert weights == sorted(weights, reverse=True)
    near = [item.hit.similarities["radiology image→image"] for item, _ in electorate]
    assert near == sorted(near, reverse=True)


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 7))
def test_one_more_affirming_case_never_lowers_the_share(affirms: list[bool], changed: int) -> None:
    changed %= len(affirms)

    def share(said: list[bool]) -> float:
        reports = ["A pleural effusion." if yes else "No pleural effusion." for yes in said]
        ballot = vote(
            "pleural effusion",
            voters([case(n, report, near=1 - n / 50) for n, report in enumerate(reports, 1)], with_pictures=True),
        )
        assert ballot is not None
        assert 0.5 <= ballot.confidence <= 1.0
        return ballot.yes

    more = [*affirms[:changed], True, *affirms[changed + 1 :]]
    assert share(more) >= share(affirms)


def test_only_cases_vote_and_only_those_found_that_way() -> None:
    evidence = [case(1, near=0.9), passage(2, "A text."), case(3, near=0.8, words=0.7)]
    assert [item.number for item, _ in voters(evidence, with_pictures=True)] == [1, 3]
    assert [item.number for item, _ in voters(evidence, with_pictures=False)] == [3]
    assert voters([passage(1, "A text.")], with_pictures=True) == []


def test_silent_cases_do_not_count() -> None:
    spoken = [case(1, "A pleural effusion."), case(2, "The heart is large."), case(3, "No pleural effusion.")]
    ballot = vote("pleural effusion", [(item, 1 / 3) for item in spoken])
    assert ballot is not None
    assert ballot.yes == pytest.approx(0.5)
    assert ballot.spoken == pytest.approx(2 / 3)
    assert [item.number for item, _ in ballot.affirming] == [1]
    assert [item.number for item, _ in ballot.denying] == [3]
    assert vote("melanoma", [(item, 1 / 3) for item in spoken]) is None


def test_doubt_counts_half() -> None:
    ballot = vote("pneumothorax", [(case(1, "A pneumothorax cannot be excluded."), 1.0)])
    assert ballot is not None
    assert ballot.yes == 0.5


def test_another_side_votes_against() -> None:
    electorate = [(case(1, "A right pleural effusion."), 0.6), (case(2, "A left pleural effusion."), 0.4)]
    ballot = vote("pleural effusion", electorate, side="left")
    assert ballot is not None
    assert ballot.yes == pytest.approx(0.4)


def test_choices_are_heaviest_first() -> None:
    electorate = [(case(1, labels=("a", "b")), 0.5), (case(2, labels=("b",)), 0.3), (case(3), 0.2)]
    choices = choose(lambda item: item.record.labels, electorate)
    assert [choice.value for choice in choices] == ["b", "a"]
    assert [choice.share for choice in choices] == pytest.approx([0.8, 0.5])
    assert [item.number for item in choices[0].evidence] == [1, 2]
