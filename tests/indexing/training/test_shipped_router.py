"""The routers that ship: corrupted pictures are learned from, and one router can be fitted without the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record
from indexing.encoders.looks import WHOLE, looks_of
from indexing.encoders.towers import ImageTower, text_tower
from indexing.training import shipped_router
from indexing.training.corrupted_features import corrupted_features, worn
from indexing.training.home_features import HomeFeatures, features_of, picture_rows
from indexing.training.router import RouterFit
from indexing.training.shipped_router import OUTSIDE, fit_picture_router, fit_word_router
from indexing.training.split import split_by_patient
from retrievers.router import load_router
from tests.conftest import case, picture

DOMAINS = ("radiology", "ultrasound", "dermatology")


class Pixels:
    """Stands for a tower: 64 grey values of a picture."""

    def features(self, batch: NDArray[np.float32], traced: bool = False) -> NDArray[np.float32]:
        means: NDArray[np.float32] = batch.mean(axis=1).reshape(-1, 8, 28, 8, 28).mean(axis=(2, 4))
        return means.reshape(len(batch), -1)


def test_corrupted_features_differ_and_repeat(home: Home) -> None:
    store = ImageStore(home.images)
    rows = picture_rows([case(number, home) for number in range(5)], store)
    tower: ImageTower = Pixels()  # type: ignore[assignment]
    done: list[tuple[int, int]] = []
    first = corrupted_features(rows, store, tower, 0, lambda *told: done.append(told))
    plain = tower.features(np.stack([WHOLE.prepare(store.open(row.digest)) for row in rows]))
    assert first.shape == plain.shape == (5, 64)
    assert not np.allclose(first, plain)
    assert np.array_equal(first, corrupted_features(rows, store, tower, 0))
    assert not np.array_equal(first, corrupted_features(rows, store, tower, 1))
    assert done == [(5, 5)]
    seen = corrupted_features(rows, store, tower, 0, looks=looks_of("whole@224 balanced@224"))
    assert seen.shape == (5, 64 + 32)
    assert np.array_equal(seen[:, :64], first)  # every look sees the same corrupted picture
    features = features_of(rows, plain, np.zeros((5, 3), np.float32))
    chosen = np.array([True, False, True, False, False])
    copies = worn(features, rows, chosen, store, tower)
    assert np.array_equal(copies.images[chosen], corrupted_features([rows[0], rows[2]], store, tower))
    assert not copies.images[~chosen].any()
    assert copies.said == features.said


def clouds(seed: int, noise: float) -> NDArray[np.float32]:
    """Four clouds of 120 features: three domains, and what is outside of them."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(4, 24)) * 2
    return (np.repeat(centres, 120, axis=0) + rng.normal(size=(480, 24)) * noise).astype(np.float32)


@pytest.fixture
def without_tower(monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        def prepare(self, image: Image.Image) -> NDArray[np.float32]:
            return np.zeros(24, np.float32)

        def features(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
            return clouds(3, 0.3)[-len(batch) :]

    monkeypatch.setattr(shipped_router, "image_tower", lambda *_: Made())
    monkeypatch.setattr(shipped_router, "everyday_pictures", lambda count: [picture(0)] * count)


@pytest.mark.usefixtures("without_tower")
def test_one_router_is_fitted_and_the_other_stays(tmp_path: Path) -> None:
    domains = np.repeat([*DOMAINS, "textbook"], 120)
    medical = domains != "textbook"
    patients = [f"{name}/{number}" for number, name in enumerate(domains.tolist())]
    features = HomeFeatures(
        clouds(1, 0.3), np.zeros((480, 2), np.float32), [""] * 480, [frozenset()] * 480, patients, domains,
        domains, np.repeat("", 480),
    )  # fmt: skip
    words = RouterFit(
        ("outside", "radiology"),
        {name: np.full((2, 2), 7, np.float32) for name in ("mean", "scale", "project", "weight", "bias", "references")},
        1.5, 0.25, {},
    )  # fmt: skip
    path = tmp_path / "router.safetensors"
    shipped_router._save({"image": words, "text": words}, path)
    figures = fit_picture_router(features, [clouds(2, 1.5)], medical, DOMAINS, None, path)
    assert figures["macro accuracy"] > 0.99
    assert figures["held-out rows"] < 300  # corrupted ones judge nothing
    router = load_router(path)
    assert set(router.image.classes) == {*DOMAINS, OUTSIDE}
    assert router.text.classes == words.classes
    assert (router.text.temperature, router.text.floor) == (1.5, 0.25)
    assert np.all(router.text.project == 7)


def said(number: int, domain: str, finding: str) -> Record:
    """A report of its own with that finding, of a patient of its own."""
    words = {"radiology": "radiograph of the chest", "ultrasound": "ultrasound of the lung"}
    report = f"On the {words[domain]} number {number} there is {finding}. Line {number} ends at {number * 7} mm."
    return Record(
        id=f"{domain}-{number}", corpus="site", kind="case", domain=domain, modality=domain, report=report,
        labels=(finding,), patient=f"{domain}-p{number}",
    )  # fmt: skip


def test_a_finding_is_sought_where_more_records_have_it(tmp_path: Path) -> None:
    both = {name: np.zeros((2, 2), np.float32) for name in ("mean", "scale", "project", "weight", "bias", "references")}

    def radiology(effusions: int, others: int) -> float:
        """The probability of radiology for a question that both domains have records of."""
        path = tmp_path / f"{effusions}.safetensors"
        shipped_router._save(dict.fromkeys(("image", "text"), RouterFit(("a", "b"), both, 1.0, 0.0, {})), path)
        records = [said(n, "radiology", "effusion" if n < effusions else "fracture") for n in range(90)]
        records += [said(n, "ultrasound", "effusion" if n < others else "cyst") for n in range(90)]
        assert fit_word_router(records, ("radiology", "ultrasound"), path)["held-out rows"] > 20
        router = load_router(path)
        assert router.image.classes == ("a", "b")  # which stays
        features = text_tower("cpu").features(["What does effusion look like?"])
        return float(router.text.posterior(features)[0][router.text.classes.index("radiology")])

    assert radiology(80, 10) > 0.5 > radiology(10, 80)


def test_lines_count_by_the_records_of_the_domain_that_teach_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that another domain alone has taught must not tell that held-out records of this one say it."""
    shared = "The same sentence stands in both reports."
    held = next(n for n in range(99) if split_by_patient([f"site/ultrasound-p{n}"])[0])
    taught = next(n for n in range(99) if not split_by_patient([f"site/radiology-p{n}"])[0])
    records = [
        replace(said(taught, "radiology", "effusion"), report=shared),
        replace(said(held, "ultrasound", "cyst"), report=shared),
    ]
    more = range(taught + 1, taught + 40)
    records += [said(n, "radiology", "effusion") for n in more]
    given: dict[str, Any] = {}

    class Words:
        def sentence_vectors(self, texts: list[str]) -> NDArray[np.float32]:
            given["texts"] = texts
            return np.zeros((len(texts), 2), np.float32)

    def fit(vectors: object, labels: list[str], *_: object, **how: Any) -> None:
        given.update(how, labels=labels)

    monkeypatch.setattr(shipped_router, "text_tower", lambda *_: Words())
    monkeypatch.setattr(shipped_router, "fit_router", fit)
    shipped_router._of_words(records, ("radiology", "ultrasound"))
    rows = dict(zip(zip(given["texts"], given["labels"], strict=True), given["weights"].tolist(), strict=True))
    assert rows[shared, "radiology"] == 1
    assert (shared, "ultrasound") not in rows
    assert rows["Is there cyst?", "ultrasound"] == 0.5  # which judges
    teachers = 1 + sum(not split_by_patient([f"site/radiology-p{n}"])[0] for n in more)
    assert rows["Is there effusion?", "radiology"] == pytest.approx(teachers**0.5 / 2)
