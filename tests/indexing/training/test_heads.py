"""Heads on made-up features in which pictures and texts share something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexing.encoders.heads import Head
from indexing.training.heads import HeadOptions, fit_head
from indexing.training.pairs import Pairs, figures_of, label_precision, recall_at_k
from indexing.training.split import split_by_patient, stop_by_patient

QUICK = HeadOptions(dim=24, hidden=8, rate=3e-3, epochs=20, batch=64, dropout=0.2)


def planted(count: int, seed: int) -> Pairs:
    """Features of both sides that are noisy images of one latent vector."""
    world = np.random.default_rng(0)
    to_image, to_text = world.normal(size=(12, 80)), world.normal(size=(12, 40))
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(count, 12))
    return Pairs(
        (latent @ to_image + rng.normal(size=(count, 80))).astype(np.float32),
        (latent @ to_text + rng.normal(size=(count, 40))).astype(np.float32),
        [f"text {seed}-{number}" for number in range(count)],
        [frozenset({str(int(row.argmax()))}) for row in latent],
        [f"{seed}/{number}" for number in range(count)],
    )


FIT, STOP, HELD = planted(400, 1), planted(100, 2), planted(100, 3)


def held_recall(head: Head) -> float:
    return recall_at_k(head.image(HELD.images), head.text(HELD.texts), HELD.said, 5)


def as_bytes(head: Head, path: Path) -> bytes:
    head.save(path, {})
    return path.read_bytes()


def test_a_fit_finds_what_is_shared(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    head = fit_head(FIT, STOP, QUICK, progress=lambda done, most, loss, score: told.append((done, most)))
    assert held_recall(head) > 0.5  # chance is 0.05
    assert held_recall(fit_head(FIT, STOP, replace(QUICK, epochs=0))) < 0.2
    assert told[0] == (1, 20)
    again = fit_head(FIT, STOP, QUICK)
    assert as_bytes(head, tmp_path / "one") == as_bytes(again, tmp_path / "two")
    other = fit_head(FIT, STOP, replace(QUICK, seed=1))
    assert as_bytes(other, tmp_path / "three") != as_bytes(head, tmp_path / "one")


def test_a_fit_tells_labels_by_their_prototypes() -> None:
    to_text = np.random.default_rng(0).normal(size=(2, 12, 80))[1][:, :40]
    texts = {str(n): row.astype(np.float32) for n, row in enumerate(to_text)}
    named = replace(FIT, label_texts=texts, modalities=["ct", "mr"] * 200)

    def told(head: Head) -> float:
        """How often the nearest of twelve prototypes is the picture's label."""
        nearest = (head.image(HELD.images) @ head.text(np.stack(list(texts.values()))).T).argmax(axis=1)
        return float(np.mean([str(n) in mine for n, mine in zip(nearest, HELD.labels, strict=True)]))

    without = fit_head(named, STOP, QUICK)
    learned = fit_head(named, STOP, replace(QUICK, prototypes=1.0, credit=0.0, negatives=3.0))
    assert told(learned) > told(without) + 0.2  # by chance one in twelve
    assert held_recall(learned) > 0.4


def test_a_fit_takes_up_the_head_it_starts_from() -> None:
    start = fit_head(FIT, STOP, QUICK)
    kept = fit_head(FIT, STOP, replace(QUICK, epochs=0), start)
    np.testing.assert_allclose(kept.image(HELD.images), start.image(HELD.images), atol=1e-6)
    before = start.image.skip.copy()
    fit_head(FIT, STOP, replace(QUICK, epochs=2), start)
    np.testing.assert_array_equal(start.image.skip, before)


@pytest.mark.parametrize("epochs", [1, 2, 3, 9])
def test_every_number_of_epochs_has_a_schedule(epochs: int) -> None:
    small = FIT.rows(np.arange(60))  # one batch an epoch: nine epochs made torch's schedule divide by zero
    done: list[int] = []
    options = replace(QUICK, epochs=epochs, patience=20)
    fit_head(small, STOP, options, progress=lambda number, *_: done.append(number))
    assert done == list(range(1, epochs + 1))


def test_an_interrupt_keeps_the_best() -> None:
    scores: list[float] = []

    def stop_at_four(done: int, most: int, loss: float, score: float) -> None:
        scores.append(score)
        if done == 4:
            raise KeyboardInterrupt

    head = fit_head(FIT, STOP, QUICK, progress=stop_at_four)
    kept = recall_at_k(head.image(STOP.images), head.text(STOP.texts), STOP.said, 5)
    kept += label_precision(head.image(STOP.images), STOP.labels, STOP.patients)
    assert kept == pytest.approx(max(scores))
    assert len(scores) == 4


def test_an_interrupt_before_the_first_epoch_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr("indexing.training.heads._Fitting.epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_head(FIT, STOP, QUICK)


def test_it_stops_when_nothing_gets_better() -> None:
    done: list[int] = []
    options = replace(QUICK, rate=1e-9, patience=2)
    fit_head(FIT, STOP, options, progress=lambda number, *_: done.append(number))
    assert done[-1] < QUICK.epochs


def test_patients_are_split_once_and_for_all() -> None:
    patients = [f"corpus/{number}" for number in range(2000)]
    held, stop = split_by_patient(patients), stop_by_patient(patients)
    assert not (held & stop).any()
    assert 0.12 < held.mean() < 0.18
    assert 0.07 < stop.mean() < 0.13
    some = [1500, 3, 3, 77]
    for split, whole in ((split_by_patient, held), (stop_by_patient, stop)):
        np.testing.assert_array_equal(split([patients[n] for n in some]), whole[some])
    assert np.flatnonzero(held)[:5].tolist() == [6, 7, 9, 12, 25]  # in every home, run and version


def test_figures_of_perfect_vectors() -> None:
    rows = np.eye(4, dtype=np.float32)[[0, 0, 1, 1]]
    labels = [frozenset({name}) for name in "aabb"]
    held = Pairs(rows, rows, ["x", "x", "y", "y"], labels, ["1", "2", "3", "4"])
    assert label_precision(rows, labels, held.patients, k=1) == 1.0
    figures = figures_of(rows, rows, held)
    assert [figures[f"recall@{k}"] for k in (1, 5, 10)] == [1.0, 1.0, 1.0]
    assert (figures["pictures"], figures["texts"]) == (4.0, 2.0)


def test_a_space_on_one_point_finds_nothing() -> None:
    same = np.ones((40, 3), np.float32)
    assert recall_at_k(same, same, [str(number) for number in range(40)], 5) == 0.0


def test_neighbours_are_pictures_of_others() -> None:
    rows = np.eye(3, dtype=np.float32)[[0, 0, 0, 1]]
    labels = [frozenset({name}) for name in "aaab"]
    # Three pictures of one patient and one of another: each has the other's alone to compare with.
    assert label_precision(rows, labels, ["1", "1", "1", "2"]) == 0.0
    assert label_precision(rows, labels, ["1", "1", "1", "1"]) == 0.0
