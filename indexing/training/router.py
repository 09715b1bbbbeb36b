"""Fitting the router: a linear classifier on tower features, calibrated, with references for what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RouterFit", "fit_router"]

Vectors = NDArray[np.float32]
_FALSE_REJECTION = 0.001


@dataclass(frozen=True)
class RouterFit:
    """Arrays and figures of one side of the router, as `retrievers.router.RouterWeights` reads them."""

    classes: tuple[str, ...]
    arrays: dict[str, Vectors]
    temperature: float
    floor: float
    figures: dict[str, float]


def fit_router(
    features: Vectors,
    labels: Sequence[str],
    held: NDArray[np.bool_],
    outside: str,
    dim: int = 96,
    references: int = 256,
    seed: int = 0,
    weights: Vectors | None = None,
    strength: float = 0.05,
) -> RouterFit:
    """A multinomial logistic regression on principal components.

    Classes count alike, and the rows of one by their `weights` (n,) where some are given. `strength` is that of the fit
    against its penalty (scikit-learn's C).

    The temperature minimises the held-out negative log-likelihood (Guo et al., ICML 2017). The floor on closeness to
    the references rejects 0.1 % of held-out known rows: what is strange in a known way is a class of its own.
    Figures: macro accuracy, ECE of 15 bins, AUROC of closeness.
    """
    decomposition, linear = import_module("sklearn.decomposition"), import_module("sklearn.linear_model")
    names = np.array(labels)
    classes = tuple(sorted(set(labels)))
    mean = features[~held].mean(axis=0)
    scale = 1.0 / (features[~held].std(axis=0) + 1e-3)
    standard = (features - mean) * scale
    pca = decomposition.PCA(min(dim, standard.shape[1]), random_state=seed).fit(standard[~held])
    project = (pca.components_ / np.sqrt(pca.explained_variance_ + 1e-6)[:, None]).T.astype(np.float32)
    space = standard @ project
    model: Any = linear.LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
    model.fit(space[~held], names[~held], None if weights is None else weights[~held])
    weight, bias = _columns(model)
    logits = space @ weight + bias
    gold = np.searchsorted(classes, names)
    temperature = _temperature(logits[held], gold[held])
    known = names != outside
    chosen = _references(space, names, ~held & known, references, seed)
    closeness = _closeness(space, chosen)
    floor = float(np.quantile(closeness[held & known], _FALSE_REJECTION))
    figures = _figures(logits[held] / temperature, gold[held], closeness[held], known[held])
    arrays = {
        "mean": mean, "scale": scale, "project": project, "weight": weight, "bias": bias, "references": chosen,
    }  # fmt: skip
    return RouterFit(classes, {k: np.asarray(v, np.float32) for k, v in arrays.items()}, temperature, floor, figures)


def _columns(model: Any) -> tuple[Vectors, Vectors]:
    """Weights (d, c) and biases (c,), a column a class.

    For two classes scikit-learn keeps that of the second alone; with zeros for the first, softmax is its sigmoid.
    """
    weight, bias = model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
    if len(model.classes_) == 2:
        return np.hstack([np.zeros_like(weight), weight]), np.append(np.zeros_like(bias), bias)
    return weight, bias


def _references(space: Vectors, names: NDArray[np.str_], usable: NDArray[np.bool_], count: int, seed: int) -> Vectors:
    """Centres of small clusters of each class, unit rows."""
    cluster = import_module("sklearn.cluster")
    rows = []
    classes = sorted(set(names[usable].tolist()))
    for name in classes:
        mine = space[usable & (names == name)]
        mine = mine / np.linalg.norm(mine, axis=1, keepdims=True)
        groups = max(1, min(count // len(classes), len(mine) // 2))
        rows.append(cluster.KMeans(groups, n_init=2, random_state=seed).fit(mine).cluster_centers_)
    stacked = np.concatenate(rows)
    return np.asarray(stacked / np.linalg.norm(stacked, axis=1, keepdims=True), np.float32)


def _closeness(space: Vectors, references: Vectors) -> Vectors:
    rows = space / np.maximum(np.linalg.norm(space, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.sort(rows @ references.T, axis=1)[:, -5:].mean(axis=1), np.float32)


def _temperature(logits: Vectors, gold: NDArray[np.int64]) -> float:
    candidates = np.geomspace(0.2, 5.0, 60)
    losses = [-np.log(_softmax(logits / t)[np.arange(len(gold)), gold] + 1e-12).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def _softmax(logits: Vectors) -> Vectors:
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True), np.float32)


def _figures(
    logits: Vectors, gold: NDArray[np.int64], closeness: Vectors, known: NDArray[np.bool_]
) -> dict[str, float]:
    metrics = import_module("sklearn.metrics")
    posterior = _softmax(logits)
    right = posterior.argmax(axis=1) == gold
    confidence = posterior.max(axis=1)
    bins = np.minimum((confidence * 15).astype(int), 14)
    ece = sum(
        abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in set(bins.tolist())
    )
    return {
        "macro accuracy": float(np.mean([right[gold == name].mean() for name in set(gold.tolist())])),
        "ECE": float(ece),
        "AUROC of closeness": float(metrics.roc_auc_score(known, closeness))
        if known.any() and not known.all()
        else 1.0,
        "held-out rows": float(len(gold)),
    }
