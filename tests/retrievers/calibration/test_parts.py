"""Each part on data whose right answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from corpora.records import Record
from retrievers.calibration.fusion import FusedQuestion, fit_fusion
from retrievers.calibration.gap import GapPairs, fit_gap
from retrievers.calibration.judging import LEAST_PATIENTS, Row, judged
from retrievers.calibration.relevance import HitsJudged, fit_domain_relevance
from retrievers.calibration.risk import fit_risk, vote_wrong
from retrievers.calibration.router import Routed, fit_floor, fit_temperature
from retrievers.calibration.selection import Judged
from retrievers.calibration.values import DomainCalibration
from retrievers.calibration.weights import Ranks, fit_weights, reweighted
from retrievers.evaluation.measures import measure_queries
from retrievers.found import Hit
from retrievers.fusion import reciprocal_rank_fusion
from retrievers.relevance import FEATURES
from retrievers.router import RouterWeights
from retrievers.search import LIST_WEIGHTS, RankedList
from retrievers.selection.risk import KS

CLASSES = ("dermatology", "radiology", "ultrasound")


def weights(temperature: float = 1.0, floor: float = 0.0, classes: tuple[str, ...] = CLASSES) -> RouterWeights:
    """A router whose logits are the features, and whose references are the axes."""
    dim = len(classes)
    eye, zero = np.eye(dim, dtype=np.float32), np.zeros(dim, np.float32)
    return RouterWeights(classes, zero, zero + 1, eye, eye, zero, eye, temperature, floor)


def routed(count: int, seed: int, start: int = 0) -> Routed:
    """Features whose softmax at temperature 1 is just the chance of each domain."""
    rng = np.random.default_rng(seed)
    features = rng.normal(scale=2.0, size=(count, 3)).astype(np.float32)
    chance = np.exp(features) / np.exp(features).sum(axis=1, keepdims=True)
    domains = tuple(CLASSES[rng.choice(3, p=row / row.sum())] for row in chance.astype(float))
    return Routed(features, domains, tuple(f"p{start + n}" for n in range(count)))


class TestTemperature:
    """The router's confidence."""

    @pytest.mark.parametrize("wrong", [0.25, 5.0])
    def test_a_wrong_one_is_repaired(self, wrong: float) -> None:
        fitting, judging = routed(600, 1), routed(600, 2, 600)
        part, found = fit_temperature("picture", weights(wrong), fitting, judging)
        assert found == pytest.approx(1.0, abs=0.15)
        assert part.kept
        assert part.gain is not None
        assert part.gain > 0.05
        assert part.before is not None
        assert part.after is not None
        assert part.after < part.before
        assert part.notes["ECE after"] < 0.08 < part.notes["ECE before"]

    def test_a_right_one_stays(self) -> None:
        part, found = fit_temperature("words", weights(1.0), routed(400, 3), routed(400, 4, 400))
        assert found is None
        assert not part.kept
        assert part.low is not None
        assert part.low <= 0

    def test_domains_that_the_router_cannot_name_are_passed_over(self) -> None:
        fitting = routed(60, 5)
        strange = replace(fitting, domains=("endoscopy",) * 60)
        part, found = fit_temperature("picture", weights(5.0), strange, strange)
        assert found is None
        assert part.reason == "too few patients: 0 to fit and 0 to judge, 20 each are needed"


class TestFloor:
    """What is near enough to known pictures."""

    def near(self, count: int, angle: float, seed: int, start: int = 0) -> Routed:
        """Pictures whose mean cosine to the three references falls with the angle from their middle."""
        rng = np.random.default_rng(seed)
        middle = np.ones(3) / np.sqrt(3)
        away = rng.normal(size=(count, 3))
        away -= (away @ middle)[:, None] * middle
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        turn = rng.normal(angle, 0.05, count)[:, None]
        rows = np.cos(turn) * middle + np.sin(turn) * away
        return Routed(rows.astype(np.float32), ("radiology",) * count, tuple(f"p{start + n}" for n in range(count)))

    def test_one_that_turns_medical_pictures_away_is_lowered(self) -> None:
        fitting, judging = self.near(300, 0.9, 1), self.near(200, 0.9, 2, 300)
        everyday = self.near(80, 2.2, 3).features
        part, floor = fit_floor(weights(floor=0.45), fitting, judging, everyday)
        assert floor is not None
        assert 0.2 < floor < 0.36
        assert part.notes["medical turned away before"] > 0.9
        assert part.notes["medical turned away after"] < 0.05
        assert part.notes["everyday turned away after"] == 1.0

    def test_letting_everything_in_is_no_gain(self) -> None:
        fitting, judging = self.near(300, 0.9, 1), self.near(200, 0.9, 2, 300)
        part, floor = fit_floor(weights(floor=0.3), fitting, judging, fitting.features[:80])
        assert floor is None
        assert not part.kept

    def test_one_in_a_hundred_needs_a_hundred(self) -> None:
        part, floor = fit_floor(
            weights(floor=0.9), self.near(99, 0.9, 1), self.near(99, 0.9, 2), np.ones((3, 3), np.float32)
        )
        assert floor is None
        assert part.reason == "too few pictures: 99, 100 are needed for 1 in 100"


class TestGap:
    """Moving a question across the gap."""

    def pairs(self, gap: float, seed: int = 0, count: int = 240, dim: int = 24) -> GapPairs:
        """Pairs that share a direction; pictures lie on one side of an axis, texts at varying depths on the other."""
        rng = np.random.default_rng(seed)
        meaning = rng.normal(size=(count, dim))
        meaning[:, 0] = 0
        meaning /= np.linalg.norm(meaning, axis=1, keepdims=True)
        axis = np.eye(dim)[0]
        images = meaning + 0.12 * rng.normal(size=(count, dim)) + gap * axis
        texts = meaning + 0.12 * rng.normal(size=(count, dim)) - gap * rng.uniform(0.2, 1.8, (count, 1)) * axis
        images, texts = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (images, texts))
        numbers = np.arange(count, dtype=np.int64)
        return GapPairs(images.astype(np.float32), texts.astype(np.float32), numbers, numbers)

    def fit(self, pairs: GapPairs) -> tuple[object, DomainCalibration | None]:
        rows = np.arange(len(pairs.said), dtype=np.int64)
        return fit_gap("radiology", pairs, rows[::2], rows[1::2], [f"p{row}" for row in rows])

    def test_a_planted_one_is_found(self) -> None:
        part, found = self.fit(self.pairs(gap=1.2))
        assert found is not None, part
        assert found.shift >= 0.4
        assert abs(found.gap[0]) > 5 * max(abs(value) for value in found.gap[1:])

    def test_without_one_nothing_moves(self) -> None:
        _, found = self.fit(self.pairs(gap=0.0))
        assert found is None

    def test_recall_is_that_of_whole_lists(self) -> None:
        pairs = self.pairs(gap=0.8, count=40)
        pairs = replace(pairs, said=pairs.said // 2, patients=pairs.patients // 4)
        rows = np.arange(40, dtype=np.int64)
        expected = []
        for row in rows.tolist():
            inside = [n for n in rows.tolist() if pairs.patients[n] != pairs.patients[row] or n == row]
            texts = sorted(inside, key=lambda n: -float(pairs.images[row] @ pairs.texts[n]))
            distinct = list(dict.fromkeys(pairs.said[texts].tolist()))[:3]
            images = sorted(inside, key=lambda n: -float(pairs.texts[row] @ pairs.images[n]))[:3]
            right = (pairs.said[row] in distinct) + (pairs.said[row] in pairs.said[images])
            expected.append(right / 2)
        assert pairs.recalls(rows, DomainCalibration(), 3).tolist() == expected

    def test_few_patients_are_no_fit(self) -> None:
        pairs = self.pairs(gap=1.2, count=30)
        part, found = self.fit(pairs)
        assert found is None
        assert "too few patients: 15 to fit and 15 to judge" in str(part)


def ranks(rng: np.random.Generator, number: int, good: int, lists: int) -> Ranks:
    """One list that puts six right records among its first; the others are random orders of a hundred records."""
    relevant = set(range(6))
    ordered = [[int(n) for n in rng.permutation(100)] for _ in range(lists)]
    first = [*rng.permutation(6), *rng.permutation(np.arange(6, 100))]
    ordered[good] = [int(n) for n in first]
    return Ranks.of(f"p{number}", [one[:50] for one in ordered], relevant)


class TestWeights:
    """What each list counts."""

    @pytest.mark.parametrize(("group", "good"), [("picture", 0), ("picture", 1), ("words", 0), ("words", 2)])
    def test_a_useless_list_gets_nothing(self, group: str, good: int) -> None:
        rng = np.random.default_rng(good)
        lists = 2 if group == "picture" else 3
        asked = [ranks(rng, number, good, lists) for number in range(80)]
        part, found = fit_weights("radiology", group, asked[::2], asked[1::2])
        assert part.kept, part
        values = list(found.values())
        assert values[good] == max(values)
        assert sum(values) - values[good] <= 0.2 * sum(values)
        assert sum(values) == pytest.approx(sum(LIST_WEIGHTS[sides] for sides in found))

    def test_lists_that_agree_are_left_alone(self) -> None:
        asked = [Ranks.of(f"p{number}", [[1, 2, 3], [1, 2, 3]], {2, 9}) for number in range(60)]
        part, found = fit_weights("radiology", "picture", asked[::2], asked[1::2])
        assert found == {}
        assert part.reason == "the default weights are best on the fitting patients"

    def test_random_lists_win_nothing(self) -> None:
        rng = np.random.default_rng(3)
        asked = [Ranks.of(f"p{n}", [list(map(int, rng.permutation(60))) for _ in range(3)], {1, 2}) for n in range(80)]
        _, found = fit_weights("radiology", "words", asked[::2], asked[1::2])
        assert found == {}

    def test_the_measure_is_that_of_the_evaluation(self) -> None:
        rng = np.random.default_rng(4)
        lists = {"image→image": list(map(int, rng.permutation(40)))[:25], "image→text": [30, 1, 4, 7, 2]}
        relevant = {1, 2, 30, 77}
        fused = reciprocal_rank_fusion(lists, LIST_WEIGHTS)
        expected = measure_queries(
            {"q": {str(one): 1 for one in relevant}}, {"q": [str(record) for record, _ in fused]}
        )["q"]["nDCG@10"]
        usual = np.array([LIST_WEIGHTS[name] for name in lists])
        assert Ranks.of("p", list(lists.values()), relevant).gain(usual) == pytest.approx(expected)

    def test_lists_are_reweighted_by_their_sides(self) -> None:
        beside = RankedList("radiology", "radiology words", 0.15, (), (), ())
        other = RankedList("textbook", "textbook words", 1.0, (), (), ())
        found = reweighted([beside, other], {"radiology": DomainCalibration(weights={"words": 0.5})})
        assert [one.weight for one in found] == [0.075, 1.0]


class TestRisk:
    """The number of hits whose risk is bounded."""

    def asked(self, seed: int, count: int, risk: float, late: float = 0.9) -> list[Judged]:
        """Questions led astray with probability `risk` by up to three hits, with `late` by more."""
        rng = np.random.default_rng(seed)
        rows = rng.random((count, 1)) < np.where(np.array(KS) <= 3, risk, late)
        return [Judged(f"p{n}", (), (), "one", tuple(row)) for n, row in enumerate(rows.tolist())]

    def test_the_strictest_bound_with_the_largest_number(self) -> None:
        part, (k, alpha, questions) = fit_risk(self.asked(1, 200, 0.08), self.asked(2, 200, 0.08))
        assert (k, questions) == (3, 200)
        assert 0.1 < alpha <= 0.25
        assert part.kept
        assert part.after is not None
        assert part.after < alpha

    def test_no_guarantee_where_nothing_passes(self) -> None:
        for asked in (self.asked(1, 200, 0.7), self.asked(1, 5, 0.0), []):
            part, found = fit_risk([], asked)
            assert found == (0, 0.0, 0)
            assert "no guarantee" in part.reason

    def test_patients_count_once(self) -> None:
        many = [replace(one, patient="same") for one in self.asked(1, 200, 0.0, 0.0)]
        assert fit_risk([], many)[1][0] == 0

    def test_votes(self) -> None:
        def hit(*labels: str) -> Hit:
            return Hit(Record("r", "c", "case", "radiology", labels=labels), 1.0, {}, {})

        hits = [hit("mass"), hit("effusion"), hit("effusion", "fracture"), hit("effusion")]
        assert vote_wrong(hits, ["effusion"])[:4] == (True, True, False, False)
        assert vote_wrong(hits, ["mass"])[:4] == (False, False, True, True)
        assert vote_wrong([], ["mass"]) == (True,) * len(KS)


class TestRelevance:
    """The probability that a hit is right."""

    def questions(self, seed: int, telling: bool) -> list[HitsJudged]:
        rng = np.random.default_rng(seed)
        made = []
        for number in range(50):
            right = rng.random(10) < 0.3
            features = rng.normal(size=(10, len(FEATURES)))
            features[:, 0] += 2.0 * right * telling
            made.append(HitsJudged(f"p{number}", features, right))
        return made

    def test_similarities_that_tell_are_kept_and_calibrated(self) -> None:
        part, model = fit_domain_relevance("radiology", "picture", self.questions(1, True), self.questions(2, True))
        assert model is not None
        assert part.notes["ECE"] < 0.1
        assert model.weights[0] > 5 * max(map(abs, model.weights[1:]))
        low, high = (model.probability((value, *(0.0,) * (len(FEATURES) - 1))) for value in (-2.0, 4.0))
        assert 0 < low < 0.1 < 0.7 < high < 1

    def test_noise_is_not(self) -> None:
        part, model = fit_domain_relevance("radiology", "picture", self.questions(1, False), self.questions(2, False))
        assert model is None
        assert not part.kept


class TestFusion:
    """Reciprocal ranks against scores."""

    def questions(self, seed: int, spread: float) -> list[FusedQuestion]:
        """Two lists: in one the right ones stand `spread` above the rest, the other is noise with a heavy weight."""
        rng, made = np.random.default_rng(seed), []
        for number in range(60):
            right = frozenset(rng.choice(40, 4, replace=False).tolist())
            lists = []
            for sides, weight, above in (("image→image", 1.0, spread), ("image→text", 1.0, 0.0)):
                score = {record: rng.normal() + above * (record in right) for record in range(40)}
                order = sorted(score, key=lambda record: -score[record])[:25]
                values = tuple(score[record] for record in order)
                lists.append(RankedList("radiology", f"radiology {sides}", weight, tuple(order), values, (0,) * 25))
            made.append(FusedQuestion(f"p{number}", "radiology", "picture", tuple(lists), right))
        return made

    def test_learned_weights_win_where_one_list_is_noise(self) -> None:
        parts, won, learned = fit_fusion(self.questions(1, 3.0), self.questions(2, 3.0))
        assert won == "learned"
        assert learned["radiology"]["image→image"] > 3 * learned["radiology"]["image→text"]
        assert [part.kept for part in parts] == [False, True]

    def test_noise_wins_nothing(self) -> None:
        assert fit_fusion(self.questions(1, 0.0), self.questions(2, 0.0))[1] == ""
        assert fit_fusion(self.questions(1, 3.0)[:5], self.questions(2, 3.0)[:5])[1:] == ("", {})


class TestJudging:
    """When a gain counts."""

    def test_one_patient_with_many_queries_is_one_patient(self) -> None:
        before: NDArray[np.float64] = np.zeros(100)
        after = before.copy()
        after[:50] = 1.0
        row = Row("gap", "radiology", "Recall@10")
        alone = judged(row, "", before, after, ["one"] * 50 + [f"p{n}" for n in range(50)])
        many = judged(row, "", before, after, [f"p{n}" for n in range(100)])
        assert (alone.kept, many.kept) == (False, True)
        assert alone.reason == "the gain's 95 % interval includes zero"
        assert LEAST_PATIENTS >= 20

    def test_smaller_losses_are_a_gain(self) -> None:
        row = Row("temperature, picture", "all", "NLL")
        names = [f"p{n}" for n in range(30)]
        part = judged(row, "", np.full(30, 0.5), np.full(30, 0.3), names, losses=True)
        assert (part.kept, part.gain, part.before, part.after) == (True, 0.2, 0.5, 0.3)
        assert not judged(row, "", np.full(30, 0.5), np.full(30, 0.3), names).kept
