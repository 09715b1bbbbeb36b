"""Fitting the router: what it says is what scikit-learn's classifier says, of two classes too."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexing.training.router import RouterFit, fit_router

NAMES = ("outside", "radiology", "ultrasound")
EACH = 60


def clouds(classes: int) -> tuple[NDArray[np.float32], list[str], NDArray[np.bool_]]:
    """Features of overlapping clouds, their names, and every fourth row held out."""
    rng = np.random.default_rng(0)
    features = np.repeat(rng.normal(size=(classes, 12)), EACH, axis=0) + rng.normal(size=(classes * EACH, 12))
    return features.astype(np.float32), np.repeat(NAMES[:classes], EACH).tolist(), np.arange(len(features)) % 4 == 0


def told(fit: RouterFit, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (n, c) at temperature 1."""
    space = ((features - fit.arrays["mean"]) * fit.arrays["scale"]) @ fit.arrays["project"]
    logits = np.exp((space @ fit.arrays["weight"] + fit.arrays["bias"]).astype(np.float64))
    return np.asarray(logits / logits.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_the_classifier(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    linear = import_module("sklearn.linear_model")
    fitted: list[Any] = []

    class Kept(linear.LogisticRegression):  # type: ignore[misc]
        """Remembers itself and what it learned from."""

        def fit(self, rows: NDArray[np.float32], names: NDArray[np.str_], weights: NDArray[np.float32] | None) -> Any:
            fitted[:] = [self, rows]
            assert weights is None
            return super().fit(rows, names)

    monkeypatch.setattr(linear, "LogisticRegression", Kept)
    features, names, held = clouds(classes)
    fit = fit_router(features, names, held, "outside", dim=8, references=16)
    assert fit.classes == NAMES[:classes]
    assert fit.arrays["weight"].shape == (8, classes)
    model, learned = fitted
    assert np.allclose(told(fit, features[~held]), model.predict_proba(learned), atol=1e-5)
    assert fit.figures["macro accuracy"] > 0.8


def test_where_two_classes_say_the_same_weights_decide() -> None:
    rng = np.random.default_rng(1)
    alike, one, other = (rng.normal(size=12) + rng.normal(size=(EACH, 12)) / 4 for _ in range(3))
    features = np.concatenate([alike, alike, one, other]).astype(np.float32)
    names = np.repeat(["radiology", "ultrasound", "radiology", "ultrasound"], EACH).tolist()
    held = np.arange(len(features)) % 4 == 0
    rows = np.repeat([4.0, 1.0, 1.0, 4.0], EACH).astype(np.float32)
    even, heavy = (fit_router(features, names, held, "outside", dim=8, weights=given) for given in (None, rows))
    assert told(even, features)[:EACH, 0].mean() == pytest.approx(0.5, abs=0.05)
    assert told(heavy, features)[:EACH, 0].mean() > 0.65


def test_a_stronger_fit_is_surer() -> None:
    features, names, held = clouds(3)
    weak, strong = (fit_router(features, names, held, "outside", dim=8, strength=one) for one in (0.01, 1.0))
    assert told(strong, features).max(axis=1).mean() > told(weak, features).max(axis=1).mean() + 0.05
