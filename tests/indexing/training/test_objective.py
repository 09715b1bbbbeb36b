"""The losses on matrices small enough to reckon by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from indexing.training.objective import (
    Targets,
    first_temperature,
    harder,
    image_image_loss,
    image_text_loss,
    label_loss,
    scale_of,
)

SAID = ["normal", "mass", "normal", "cyst"]
LABELS = [frozenset[str](), frozenset({"a"}), frozenset[str](), frozenset({"a", "b"})]


def test_equal_texts_and_shared_labels_are_positives() -> None:
    text, labels = Targets(SAID, LABELS).of(np.arange(4))
    np.testing.assert_allclose(text, np.array([[1, 0, 1, 0], [0, 1, 0, 0.15], [1, 0, 1, 0], [0, 0.15, 0, 1]]))
    np.testing.assert_allclose(labels, np.array([[0, 0, 0, 0], [0, 1, 0, 0.5], [0, 0, 0, 0], [0, 0.5, 0, 1]]))


def test_targets_follow_the_order_of_rows() -> None:
    text, _ = Targets(SAID, LABELS).of(np.array([3, 1]))
    np.testing.assert_allclose(text, np.array([[1, 0.15], [0.15, 1]]))


def test_rows_without_any_label_have_their_texts() -> None:
    text, labels = Targets(["a", "b"], [frozenset(), frozenset()]).of(np.arange(2))
    np.testing.assert_array_equal(text, np.eye(2))
    assert not labels.any()


def test_image_text_loss_is_the_mean_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    rows = (np.log(1 + np.exp(-2)) + np.log(2)) / 2
    columns = (np.log(1 + np.exp(-1)) + np.log(1 + np.exp(-1))) / 2
    assert float(image_text_loss(logits, torch.eye(2))) == pytest.approx((rows + columns) / 2, rel=1e-5)


def test_image_text_loss_is_least_where_pairs_align() -> None:
    targets = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    best = float(image_text_loss(30 * targets, targets))
    assert best == pytest.approx(2 / 3 * np.log(2), rel=1e-4)  # two rows share their target in halves
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        assert float(image_text_loss(30 * torch.rand(3, 3, generator=generator), targets)) > best


def test_a_common_text_counts_by_a_power_of_its_frequency() -> None:
    targets = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])  # two rows say the same
    logits = torch.tensor([[1.0, 1.0, 0.0], [2.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
    logs = torch.log_softmax(logits.T, dim=1)
    common, rare = -float(logs[0, 0] + logs[0, 1]) / 2, -float(logs[2, 2])
    to_text = 2 * float(image_text_loss(logits, targets)) - (2 * common + rare) / 3
    for frequency, weight in ((0.0, 1.0), (0.5, 2**0.5), (1.0, 2.0)):
        expected = (to_text + (weight * common + rare) / (weight + 1)) / 2
        assert float(image_text_loss(logits, targets, frequency)) == pytest.approx(expected, rel=1e-5)


def test_image_image_loss_passes_over_rows_without_positives() -> None:
    overlap = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    logits = torch.tensor([[9.0, 2.0, 0.0], [2.0, 9.0, 1.0], [0.0, 1.0, 9.0]])
    by_hand = (np.log(1 + np.exp(-2)) + np.log(1 + np.exp(-1))) / 2  # the third row has itself alone
    assert float(image_image_loss(logits, overlap)) == pytest.approx(by_hand, rel=1e-5)


def test_image_image_loss_without_positives_is_zero_and_has_a_gradient() -> None:
    logits = torch.ones(2, 2, requires_grad=True)
    loss = image_image_loss(logits, torch.eye(2))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_temperature_starts_at_007_and_stays_above_001() -> None:
    temperature = first_temperature()
    assert 1 / scale_of(temperature).item() == pytest.approx(0.07)
    with torch.no_grad():
        temperature.fill_(50.0)
    assert 1 / scale_of(temperature).item() == pytest.approx(0.01)


def test_without_credit_only_equal_texts_are_positives() -> None:
    text, _ = Targets(SAID, LABELS, credit=0.0).of(np.array([3, 1, 0, 2]))
    np.testing.assert_allclose(text, np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]))


def test_label_loss_shares_a_picture_between_its_labels() -> None:
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 1.0], [9.0, 9.0, 0.0]])
    labels = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    first, second = np.log(1 + 2 * np.exp(-2)), np.log(2 + np.exp(-1))
    assert float(label_loss(logits, labels)) == pytest.approx((first + second) / 2, rel=1e-5)
    nothing = label_loss(logits.requires_grad_(), torch.zeros(3, 3))
    nothing.backward()
    assert nothing.item() == 0.0


def test_harder_negatives_count_as_often_as_said() -> None:
    targets, alike = torch.eye(3), torch.tensor([[True, True, False]] * 3)
    logits = harder(torch.zeros(3, 3), targets, alike, 3.0)
    first = float(-torch.log_softmax(logits, dim=1)[0, 0])
    assert first == pytest.approx(np.log(1 + 3 + 1), rel=1e-5), "one negative of the modality as three, another as one"
