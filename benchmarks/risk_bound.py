"""The risk-controlled number of hits: over random splits, how often is the stated bound broken?

`python -m benchmarks.risk_bound HOME [SHARE]`, where SHARE is that of the patients asked.

Every case of a home's held-out patients is asked once by its picture, as `curbside calibrate` asks it. Then the
patients are split into halves 200 times at random: one half proves a bound (`fit_risk`), and the bound is broken where
the risk of the certified number of hits is above it, on the other half, and on all patients together (the test half is
finite, so it may lie above a bound that the whole keeps). Both must happen in at most δ of the splits. The last lines
draw questions whose true risk lies just above a bound: there a certificate is always wrong, and δ is what is allowed.
"""

import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from retrievers.calibration.questions import Neighbours, ask, held_cases, opened_picture, some_of
from retrievers.calibration.risk import DELTA, fit_risk
from retrievers.calibration.selection import Judged
from retrievers.calibration.values import Calibration
from retrievers.retriever import Retriever
from retrievers.selection.risk import KS, controlled_ks

_SPLITS, _MOST, _NULLS, _QUESTIONS = 200, 60, 2000, 200


def run(home: Path = Path("demo-home"), share: float = 0.15, seed: int = 0) -> None:
    if not (home / "curbside.toml").is_file():
        print(f"skipped: there is no {home}; run 'make demo' first")
        return
    asked = _asked(home, share, seed)
    patients = sorted({one.patient for one in asked})
    print(f"{len(asked)} questions of {len(patients)} patients, by corpus {_corpora(asked)}")
    if len(patients) > 1:
        _print_splits(asked, patients, seed)
    _print_nulls(seed)


def _asked(home: Path, share: float, seed: int) -> list[Judged]:
    plain = Calibration()
    with Retriever.open(home) as retriever:
        records = {record.uid: record for record in retriever.catalog.records()}
        neighbours = Neighbours(retriever.index, records)
        cases = some_of(held_cases(records.values(), seed=seed, share=share), _MOST, seed)
        judged = []
        for case in cases:
            picture = opened_picture(retriever, case.record)
            one = None if picture is None else next(ask(retriever, case, picture, neighbours, plain), None)
            if one is not None:
                judged.append(one.judged(retriever, plain))
    return judged


def _print_splits(asked: Sequence[Judged], patients: Sequence[str], seed: int) -> None:
    generator = random.Random(seed)
    broken, broken_of_all, found = 0, 0, list[tuple[int, float]]()
    for _ in range(_SPLITS):
        chosen = set(generator.sample(patients, len(patients) // 2))
        test, proving = _halves(asked, chosen)
        _, (k, alpha, _) = fit_risk(test, proving)
        if k:
            found.append((k, alpha))
            broken += _risk(test, k) > alpha
            broken_of_all += _risk(asked, k) > alpha
    print(f"\n{_SPLITS} splits: {len(found)} prove a bound; δ = {DELTA}")
    print(
        f"broken on the test half {broken / _SPLITS:.3f}, on all patients {broken_of_all / _SPLITS:.3f} of the splits"
    )
    for k, alpha in sorted(set(found)):
        count = found.count((k, alpha))
        print(f"  k {k:2d}, at most {alpha:.0%}: {count:3d} splits; risk on all patients {_risk(asked, k):.3f}")


def _print_nulls(seed: int) -> None:
    generator = np.random.default_rng(seed)
    print(f"\nrisk just above the bound, {_QUESTIONS} questions, {_NULLS} draws: share that certifies any k")
    for alpha in (0.05, 0.1, 0.2, 0.3):
        certified = 0
        for _ in range(_NULLS):
            wrong = generator.random((_QUESTIONS, len(KS))) < alpha + 1e-9
            certified += bool(controlled_ks(wrong, KS, alpha, DELTA))
        print(f"  at most {alpha:.0%}: {certified / _NULLS:.4f}, allowed {DELTA}")


def _halves(asked: Sequence[Judged], chosen: set[str]) -> tuple[list[Judged], list[Judged]]:
    return [one for one in asked if one.patient in chosen], [one for one in asked if one.patient not in chosen]


def _risk(asked: Sequence[Judged], k: int) -> float:
    """Of the first question of each patient."""
    first = {one.patient: one.wrong[KS.index(k)] for one in reversed(asked)}
    return float(np.mean(list(first.values())))


def _corpora(asked: Sequence[Judged]) -> dict[str, int]:
    names = [one.corpus for one in asked]
    return {name: names.count(name) for name in sorted(set(names))}


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run(Path(sys.argv[1]), float(sys.argv[2]))
    else:
        run(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-home"))
