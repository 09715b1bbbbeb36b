"""The heads that ship: means of fits that begin at one head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexing.encoders.heads import Head
from indexing.encoders.looks import looks_of
from indexing.training import shipped_heads
from indexing.training.heads import HeadOptions, _Fitting, fit_head, fit_head_on_both, head_score
from indexing.training.pairs import Pairs, recall_at_k
from indexing.training.shipped_heads import fit_domain_head, fit_general_head, mean_head

QUICK = HeadOptions(dim=16, hidden=4, epochs=6, batch=32, dropout=0.1)


def pairs(seed: int, count: int = 96) -> Pairs:
    """Pictures and texts of eight kinds, seen through fixed random maps with noise."""
    shape, rng = np.random.default_rng(7), np.random.default_rng(seed)
    pictures, texts = shape.standard_normal((8, 40)), shape.standard_normal((8, 24))
    kinds = rng.integers(0, 8, count)
    return Pairs(
        (pictures[kinds] + 0.5 * rng.standard_normal((count, 40))).astype(np.float32),
        (texts[kinds] + 0.1 * rng.standard_normal((count, 24))).astype(np.float32),
        [f"kind {kind}" for kind in kinds.tolist()],
        [frozenset({str(kind)}) for kind in kinds.tolist()],
        [f"{seed}/{number}" for number in range(count)],
    )


def worn(pairs: Pairs) -> Pairs:
    """The same with a strong glare that is alike in no two pictures, along one direction."""
    glare = np.random.default_rng(11).standard_normal(40)
    strength = np.random.default_rng(len(pairs)).normal(0, 3, (len(pairs), 1))
    return replace(pairs, images=(pairs.images + strength * glare).astype(np.float32))


def found(head: Head, pairs: Pairs) -> float:
    return recall_at_k(head.image(pairs.images), head.text(pairs.texts), pairs.said, 1)


FIT, STOP, HELD = pairs(1), pairs(2), pairs(3)
CLEAN, WORN = (FIT, STOP), (worn(FIT), worn(STOP))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_heads, "FIRST", QUICK)
    ways = tuple(replace(QUICK, seed=seed, pictures=weight) for seed, weight in enumerate((0.5, 1.0)))
    monkeypatch.setattr(shipped_heads, "WAYS", ways)
    monkeypatch.setattr(shipped_heads, "DOMAIN_WAYS", ways)


def test_the_mean_is_that_of_the_weights() -> None:
    start = fit_head(FIT, STOP, QUICK)
    heads = [fit_head(FIT, STOP, replace(QUICK, seed=seed), start) for seed in (1, 2)]
    mean = mean_head(heads)
    for side in ("image", "text"):
        one, two, both = (getattr(head, side) for head in (*heads, mean))
        assert np.abs(one.skip - two.skip).max() > 1e-4
        np.testing.assert_allclose(both.skip, (one.skip + two.skip) / 2, atol=1e-6)
        np.testing.assert_array_equal(both.mean, start_of(start, side))
        assert both.skip.dtype == np.float32
    assert head_score(mean, STOP) > 1.0  # the fits stand in one space: their mean still finds


def start_of(head: object, side: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    mean: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = getattr(head, side).mean
    return mean


def test_a_domain_begins_at_the_general_head() -> None:
    told: list[tuple[int, int]] = []
    general = fit_general_head(FIT, STOP, lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]
    told.clear()
    domain = fit_domain_head(CLEAN, WORN, general, told=lambda *done: told.append(done))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    np.testing.assert_array_equal(domain.image.mean, general.image.mean)
    assert np.abs(domain.image.skip - general.image.skip).max() > 1e-4
    assert found(domain, HELD) > 0.5


def test_the_same_fit_twice_is_the_same_head() -> None:
    general = fit_general_head(FIT, STOP)
    one, two = fit_domain_head(CLEAN, WORN, general), fit_domain_head(CLEAN, WORN, general)
    for side in ("image", "text"):
        for name in ("skip", "down", "up"):
            np.testing.assert_array_equal(getattr(getattr(one, side), name), getattr(getattr(two, side), name))


def test_a_domain_learns_to_see_through_what_corrupts_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_heads, "DOMAIN_WAYS", (replace(QUICK, rate=5e-3, epochs=40, patience=40),))
    general = fit_general_head(FIT, STOP)
    blind, seeing = (fit_domain_head(CLEAN, other, general) for other in (CLEAN, WORN))
    assert found(seeing, worn(HELD)) > found(blind, worn(HELD)) + 0.15
    assert found(seeing, HELD) > found(blind, HELD) - 0.05


def test_the_patients_who_chose_the_epoch_are_learned_from_too() -> None:
    """Kinds that only they show are known afterwards."""
    rare = np.array([text in ("kind 6", "kind 7") for text in FIT.said])
    common, start = FIT.rows(np.flatnonzero(~rare)), fit_head(FIT, STOP, replace(QUICK, epochs=1))
    asked = HELD.rows(np.flatnonzero([text in ("kind 6", "kind 7") for text in HELD.said]))
    options = replace(QUICK, rate=5e-3, epochs=30, patience=30)
    alone = fit_head(common, STOP.rows(np.arange(0, 96, 2)), options, start)
    both, learned = fit_head_on_both(common, STOP.rows(np.arange(0, 96, 2)), STOP, options, start)
    assert learned
    assert found(both, asked) > found(alone, asked) + 0.1


@pytest.mark.parametrize("epoch", [3, 9])
def test_an_interrupt_keeps_what_was_learned_alone(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """In the first pass (of six epochs at most), or in the second, over those who chose."""
    options, epochs = replace(QUICK, patience=20), [0]
    best = fit_head(FIT, STOP, replace(options, epochs=6))
    one = _Fitting.epoch

    def interrupted(fitting: _Fitting) -> float:
        epochs[0] += 1
        if epochs[0] == epoch:
            raise KeyboardInterrupt
        return one(fitting)

    monkeypatch.setattr(_Fitting, "epoch", interrupted)
    head, learned = fit_head_on_both(FIT, STOP, STOP, options)
    assert not learned
    assert epochs[0] == epoch
    if epoch > 6:
        np.testing.assert_array_equal(head.image.skip, best.image.skip)
    epochs[0] = 0
    with pytest.raises(KeyboardInterrupt):  # as where the head would be one of several in a mean
        fit_head_on_both(FIT, STOP, STOP, options, keep=False)


def test_a_domain_learns_from_a_further_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The further look shows the kinds clearly, where the first is drowned in noise."""

    def seen(pairs: Pairs, seed: int) -> Pairs:
        rng = np.random.default_rng(seed)
        clear = np.eye(8, 20, dtype=np.float32)[[int(text.removeprefix("kind ")) for text in pairs.said]]
        drowned = pairs.images + 2 * rng.standard_normal(pairs.images.shape).astype(np.float32)
        return replace(
            pairs, images=np.concatenate([drowned, clear + 0.2 * rng.random((len(pairs), 20), np.float32)], 1)
        )

    monkeypatch.setattr(shipped_heads, "DOMAIN_WAYS", (replace(QUICK, rate=1e-2, epochs=30, patience=30),))
    fit, stop, held = seen(FIT, 1), seen(STOP, 2), seen(HELD, 3)
    first = [replace(part, images=part.images[:, :40]) for part in (fit, stop)]
    general = fit_general_head(*first)
    looks = looks_of("whole@224 balanced@224")
    head = fit_domain_head((fit, stop), (fit, stop), general, looks)
    assert head.looks == looks
    assert found(head, held) > found(general, held) + 0.15
