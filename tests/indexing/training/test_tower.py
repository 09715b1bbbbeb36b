"""Tuning the real tower on a few drawn pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from corpora.errors import ModelError, SettingsError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders.towers import TEXT_DIM, ImageTower, image_tower, require_device
from indexing.training import home_tower
from indexing.training.home_features import Row, picture_rows
from indexing.training.home_tower import fit_tower, neighbour_score
from indexing.training.tower import TowerOptions, TowerRows, Tuned, checkpoint_of, tune_tower
from indexing.training.views import Maps, view_maps
from tests.indexing.training.drawn_site import site_records

OPTIONS = TowerOptions(blocks=1, views=2, epochs=3, batch=8, rate=2e-3, seeds=1)
TUNED = ("blocks.6.", "conv_head.", "bn2.")

Progress = Callable[[int, int, float, float], None]


@dataclass(frozen=True)
class Drawn:
    """24 pictures of two domains with their maps; every fifth chooses the epoch."""

    tower: ImageTower
    store: ImageStore
    rows: list[Row]
    known: TowerRows
    maps: Maps

    @property
    def stop(self) -> NDArray[np.bool_]:
        return np.array([number % 5 == 0 for number in range(len(self.rows))])

    def score(self, features: NDArray[np.float32]) -> float:
        return neighbour_score(features, [self.rows[n] for n in np.flatnonzero(self.stop)])

    def tune(
        self,
        path: Path,
        options: TowerOptions = OPTIONS,
        progress: Progress | None = None,
        score: Callable[[NDArray[np.float32]], float] | None = None,
    ) -> Tuned:
        split = (~self.stop, self.stop)
        return tune_tower(self.tower, self.maps, self.known, split, path, score or self.score, options, progress)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("tower")
    home = Home.create(folder / "home")
    records = site_records(home, 12) + site_records(home, 12, "skin", domain="dermatology")
    store, tower = ImageStore(home.images), image_tower("cpu")
    rows = picture_rows(records, store)
    domains = [row.record.domain for row in rows]
    maps = view_maps([row.digest for row in rows], domains, store.open, tower, (1, 2, 0), folder / "m.views.npy")
    known = TowerRows(
        np.random.default_rng(0).normal(size=(24, TEXT_DIM)).astype(np.float32),
        [row.record.report for row in rows],
        [frozenset(row.record.labels) for row in rows],
        [row.tags for row in rows],
        np.array(domains),
        np.ones(24, np.float32),
    )
    return Drawn(tower, store, rows, known, maps)


def rising() -> Callable[[NDArray[np.float32]], float]:
    """A score that is better every time."""
    number = iter(range(1000))
    return lambda features: float(next(number))


def test_a_domain_may_have_any_name(drawn: Drawn, tmp_path: Path) -> None:
    named = np.where(drawn.known.domains == "dermatology", "eye.clinic", drawn.known.domains)
    assert replace(drawn, known=replace(drawn.known, domains=named)).tune(tmp_path / "t.safetensors").whole


def stopped(after: int, error: BaseException) -> Progress:
    def progress(done: int, most: int, loss: float, score: float) -> None:
        if done == after:
            raise error

    return progress


def test_only_the_upper_blocks_are_written_and_serve(drawn: Drawn, tmp_path: Path) -> None:
    told: list[tuple[int, int, float]] = []
    went = drawn.tune(tmp_path / "t", progress=lambda done, most, loss, score: told.append((done, most, loss)))
    assert went == Tuned(whole=True, taken_up=0)
    assert [row[:2] for row in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[-1][2] < told[0][2]
    tensors = load_file(tmp_path / "t")
    state = drawn.tower.module.state_dict()
    upper = {name for name, value in state.items() if name.startswith(TUNED) and value.is_floating_point()}
    assert set(tensors) == upper
    assert {value.dtype for value in tensors.values()} == {np.dtype(np.float16)}

    tuned = ImageTower("cpu", tmp_path / "t")
    assert tuned.digest.startswith(f"{drawn.tower.digest}+")
    pictures = np.stack([drawn.tower.prepare(drawn.store.open(row.digest)) for row in drawn.rows[:3]])
    assert np.abs(tuned.features(pictures) - drawn.tower.features(pictures)).max() > 0.01
    for name, value in tuned.module.state_dict().items():
        if not name.startswith(TUNED):
            np.testing.assert_array_equal(value.numpy(), state[name].numpy())
    assert not tuned.module.training
    assert tuned.features(pictures).shape == (3, 2560)


def test_the_tower_that_is_tuned_stays_as_it_is(drawn: Drawn, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in drawn.tower.module.state_dict().items()}
    drawn.tune(tmp_path / "t", replace(OPTIONS, epochs=1))
    for name, value in drawn.tower.module.state_dict().items():
        assert bool((value == before[name]).all()), name


def test_a_killed_tuning_goes_on_as_if_nothing_had_been(drawn: Drawn, tmp_path: Path) -> None:
    drawn.tune(tmp_path / "whole", score=rising())
    with pytest.raises(RuntimeError, match="killed"):
        drawn.tune(tmp_path / "cut", progress=stopped(1, RuntimeError("killed")), score=rising())
    assert checkpoint_of(tmp_path / "cut").is_file()
    done: list[int] = []
    scores = rising()
    scores(np.zeros(0, np.float32))
    went = drawn.tune(tmp_path / "cut", progress=lambda number, *_: done.append(number), score=scores)
    assert done == [2, 3]
    assert went == Tuned(whole=True, taken_up=1)
    whole, cut = load_file(tmp_path / "whole"), load_file(tmp_path / "cut")
    for name, value in whole.items():
        np.testing.assert_array_equal(cut[name], value)
    drawn.tune(tmp_path / "cut", progress=lambda number, *_: done.append(number))
    assert done == [2, 3]  # it was finished


@pytest.mark.parametrize("other", ["options", "rows", "gone"])
def test_a_checkpoint_of_something_else_is_not_taken_up(drawn: Drawn, tmp_path: Path, other: str) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        drawn.tune(tmp_path / "t", progress=stopped(1, RuntimeError("killed")))
    options, asked = OPTIONS, drawn
    if other == "options":
        options = replace(OPTIONS, rate=1e-3)
    elif other == "rows":
        asked = replace(drawn, known=replace(drawn.known, said=[*drawn.known.said[:-1], "Another report."]))
    else:
        (tmp_path / "t").unlink()
    done: list[int] = []
    asked.tune(tmp_path / "t", options, lambda number, *_: done.append(number))
    assert done == [1, 2, 3]


def test_an_interrupt_keeps_the_best_epoch(drawn: Drawn, tmp_path: Path) -> None:
    scores = iter([0.5, 0.9, 0.1])
    drawn.tune(tmp_path / "two", score=rising(), progress=stopped(2, KeyboardInterrupt()))
    tuned = drawn.tune(tmp_path / "t", score=lambda _: next(scores), progress=stopped(3, KeyboardInterrupt()))
    assert not tuned.whole
    for name, value in load_file(tmp_path / "two").items():
        np.testing.assert_array_equal(load_file(tmp_path / "t")[name], value)


def test_an_interrupt_before_the_first_epoch_goes_on(drawn: Drawn, tmp_path: Path) -> None:
    def interrupted(features: NDArray[np.float32]) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn.tune(tmp_path / "t", score=interrupted)
    assert not (tmp_path / "t").exists()


def fitted(
    drawn: Drawn, path: Path, options: TowerOptions, said: list[str] | None = None
) -> dict[str, NDArray[np.float16]]:
    def say(stage: str, done: int, most: int, detail: str) -> None:
        if said is not None:
            said.append(f"{stage} {done}/{most}")

    fit_tower(drawn.rows, (~drawn.stop, drawn.stop), drawn.tower, drawn.store, path, options, say)
    found: dict[str, NDArray[np.float16]] = load_file(path)
    return found


def test_two_seeds_are_averaged(drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts: list[dict[str, NDArray[np.float16]]] = []
    average = home_tower._average

    def kept(paths: Sequence[Path], path: Path) -> None:
        parts.extend(load_file(part) for part in paths)
        average(paths, path)

    monkeypatch.setattr(home_tower, "_average", kept)
    both = fitted(drawn, tmp_path / "both.safetensors", replace(OPTIONS, epochs=1, seeds=2))
    one, two = parts
    assert any(np.abs(one[name] - two[name]).max() > 1e-3 for name in one)
    for name, value in both.items():
        mean = (one[name].astype(np.float32) + two[name].astype(np.float32)) / 2
        np.testing.assert_allclose(value.astype(np.float32), mean, rtol=2e-3, atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["both.safetensors"]  # the views are gone too


def test_a_killed_second_seed_does_not_cost_the_first(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, epochs=1, seeds=2)
    whole = fitted(drawn, tmp_path / "whole.safetensors", options)

    def killed(parts: object, path: Path) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(home_tower, "_average", killed)
        with pytest.raises(RuntimeError, match="killed"):
            fitted(drawn, tmp_path / "cut.safetensors", options)
    said = list[str]()
    cut = fitted(drawn, tmp_path / "cut.safetensors", options, said)
    assert said == []  # neither views nor an epoch again
    for name, value in whole.items():
        np.testing.assert_array_equal(cut[name], value)


@pytest.mark.parametrize("when", ["first seed", "second seed"])
def test_an_interrupt_ends_every_seed(drawn: Drawn, tmp_path: Path, when: str) -> None:
    said = list[str]()

    def say(stage: str, done: int, most: int, detail: str) -> None:
        said.append(stage)
        if said.count("tuning") == (1 if when == "first seed" else 3):
            raise KeyboardInterrupt

    options = replace(OPTIONS, epochs=2, seeds=2)
    split = (~drawn.stop, drawn.stop)
    fit_tower(drawn.rows, split, drawn.tower, drawn.store, tmp_path / "t.safetensors", options, say)
    assert said.count("tuning") == (1 if when == "first seed" else 3)
    ImageTower("cpu", tmp_path / "t.safetensors")
    assert not list(tmp_path.glob("*seed*"))
    assert (tmp_path / "t.views.npy").is_file()  # an ended fit may be begun again


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_file({"conv_head.weight": np.zeros((2, 2), np.float16)}, tmp_path / "shape")
    save_file({"somewhere.else": np.zeros(2, np.float16)}, tmp_path / "name")
    save_file({}, tmp_path / "empty")
    for name in ("shape", "name", "empty"):
        with pytest.raises(ModelError, match="does not fit EfficientNet-Lite0"):
            ImageTower("cpu", tmp_path / name)
    (tmp_path / "cut").write_bytes(b"nothing")
    for name in ("cut", "gone"):
        with pytest.raises((ModelError, OSError)):
            ImageTower("cpu", tmp_path / name)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "", "cpu:0x", "mps", "cuda:99"])
def test_a_device_that_is_not_here_is_told(device: str) -> None:
    with pytest.raises(SettingsError, match=r"device|GPU"):
        require_device(device)
    require_device("cpu")
