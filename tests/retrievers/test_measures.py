"""What stands before the right answer, what chance reaches, and paired differences."""

from __future__ import annotations

import numpy as np
import pytest

from retrievers.evaluation.measures import paired_difference, places_before, precision_at_k, random_success


def test_places_count_half_of_the_ties() -> None:
    scores = np.array([[0.1, 0.9, 0.9, 0.3], [0.5, 0.5, 0.5, 0.5]], np.float32)
    right = np.array([[False, True, False, False], [True, True, False, False]])
    assert places_before(scores, right).tolist() == [0.5, 1.0]


def test_nothing_right_is_never_found() -> None:
    assert places_before(np.zeros((1, 3), np.float32), np.zeros((1, 3), bool)).tolist() == [np.inf]


def test_precision_counts_what_was_found() -> None:
    right = np.array([[True, False, True], [False, False, False]])
    found = np.array([[2, 0, 1], [-1, -1, -1]])
    assert precision_at_k(right, found).tolist() == pytest.approx([2 / 3, 0.0])


@pytest.mark.parametrize(
    ("gallery", "relevant", "k", "chance"), [(10, 1, 10, 1.0), (10, 1, 3, 0.3), (4, 2, 2, 1 - 1 / 6), (5, 0, 5, 0)]
)
def test_chance_of_a_random_order(gallery: int, relevant: int, k: int, chance: float) -> None:
    assert random_success(gallery, relevant, k) == pytest.approx(chance)


def test_a_difference_is_paired() -> None:
    patients = [f"p{number}" for number in range(50)]
    one, other = [0.1 * (number % 10) + 0.05 for number in range(50)], [0.1 * (number % 10) for number in range(50)]
    found = paired_difference(one, other, patients)
    assert (found.mean, found.low, found.high) == (0.05, 0.05, 0.05)
