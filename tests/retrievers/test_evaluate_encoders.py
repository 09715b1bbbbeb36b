"""`eval encoders` on features whose right answers can be counted by hand, and on the drawn home."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from corpora.errors import InputError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record
from indexing.describe import joint_text
from indexing.encoders.base import EncoderContext, unit_rows
from indexing.encoders.heads import Head, Side
from indexing.training.split import split_by_patient
from retrievers.evaluation.encoders import evaluate_encoders, judge_domain
from retrievers.evaluation.spaces import (
    AS_IT_CAME,
    DOMAIN,
    GENERAL,
    OWN,
    SENTENCES,
    TUNED,
    UNTRAINED,
    Space,
    domain_cases,
    domain_spaces,
    encoder_space,
    evaluated_rows,
)
from tests.indexing import tiny_encoder
from tests.retrievers.planted_spaces import CASES, GROUPS, by_name, cases, dead, judged, made, perfect, planted

Vectors = NDArray[np.float32]


@pytest.fixture
def store(home: Home) -> ImageStore:
    return ImageStore(home.images)


@pytest.fixture
def records(store: ImageStore) -> list[Record]:
    return cases(store)


class TestJudging:
    """Known spaces have known figures."""

    def test_a_perfect_space_is_perfect(self, records: list[Record], store: ImageStore) -> None:
        found = by_name(judged(records, store, {"perfect": perfect()}))
        assert list(found) == ["image→text", "text→image", "image→image"]
        for one in found.values():
            assert {value.mean for value in one.means["perfect"].values()} == {1.0}
            assert len(one.asked) == CASES
            assert set(one.best.values()) == {1.0}

    def test_a_dead_space_finds_nothing_across(self, records: list[Record], store: ImageStore) -> None:
        found = by_name(judged(records, store, {"perfect": perfect(), "dead": dead()}))
        across = found["image→text"]
        assert {value.mean for value in across.means["dead"].values()} == {0.0}
        gained = across.differences["dead"]["R@1"]
        assert (gained.mean, gained.low, gained.high) == (1.0, 1.0, 1.0)

    def test_chance_is_what_a_random_order_reaches(self, records: list[Record], store: ImageStore) -> None:
        found = by_name(judged(records, store, {"dead": dead()}))
        assert found["image→text"].chance == pytest.approx({"R@1": 1 / 24, "R@5": 5 / 24, "R@10": 10 / 24}, abs=1e-4)
        # Of 22 pictures of other patients, 5 share the group (the own patient's other case is of another group).
        assert found["image→image"].chance["P@5"] == pytest.approx(5 / 22, abs=1e-4)

    def test_random_spaces_come_near_chance(self, records: list[Record], store: ImageStore) -> None:
        rng = np.random.default_rng(0)
        many = {
            f"random {number}": Space(*(unit_rows(rng.standard_normal((CASES, 16))) for _ in range(2)))
            for number in range(40)
        }
        for one in judged(records, store, many).directions:
            for measure, chance in one.chance.items():
                mean = np.mean([means[measure].mean for means in one.means.values()])
                assert mean == pytest.approx(chance, abs=0.06)

    def test_the_own_patient_is_never_found(self, records: list[Record], store: ImageStore) -> None:
        alike = [
            replace(one, labels=("breast", "same" if number < 2 else "other")) for number, one in enumerate(records)
        ]
        found = by_name(judged(alike, store, {"perfect": perfect()}))["image→image"]
        own = found.answers["perfect"]
        places = {int(row): place for place, row in enumerate(found.asked)}
        for row in (0, 1):  # the two of one patient, alike to nobody else
            assert own.values["P@5"][places[row]] == 0.0
            assert not {0, 1} & set(own.found[places[row]].tolist())
        assert found.best["P@5"] < 1.0

    def test_a_label_of_most_pictures_counts_nothing(self, records: list[Record], store: ImageStore) -> None:
        only = [replace(one, labels=("breast",)) for one in records]
        assert "image→image" not in by_name(judged(only, store, {"perfect": perfect()}))
        half = [replace(one, labels=("breast",) if n % 2 else ("lung",)) for n, one in enumerate(records)]
        assert len(by_name(judged(half, store, {"perfect": perfect()}))["image→image"].asked) == CASES

    def test_radiology_is_judged_by_region(self, records: list[Record], store: ImageStore) -> None:
        states = [{"location_category": ("Head", "Thorax")[n % 2]} if n < 20 else {} for n in range(CASES)]
        regions = [replace(one, domain="radiology", attributes=said) for one, said in zip(records, states, strict=True)]
        found = by_name(judged(regions, store, {"perfect": perfect()}))["image→image"]
        assert (found.judged_by, len(found.asked), found.gallery) == ("body region", 20, 20)
        unknown = [replace(one, domain="radiology") for one in records]
        assert by_name(judged(unknown, store, {"perfect": perfect()}))["image→image"].judged_by == "labels"

    def test_a_text_that_says_the_same_is_right(self, records: list[Record], store: ImageStore) -> None:
        rows, features = planted(records, store)
        texts = features.texts.copy()
        texts[1] = texts[0] + 0.1 * texts[1]  # cosine 0.995
        (cases,) = domain_cases(rows, replace(features, texts=texts), None, False)
        swapped = perfect().images[[1, 0, *range(2, CASES)]]
        found = by_name(judge_domain(cases, {"swapped": Space(swapped, perfect().images)}))
        assert found["image→text"].means["swapped"]["R@1"].mean == 1.0
        assert found["text→image"].means["swapped"]["success@1"].mean == 1.0
        (apart,) = domain_cases(rows, features, None, False)
        found = by_name(judge_domain(apart, {"swapped": Space(swapped, perfect().images)}))
        assert found["image→text"].means["swapped"]["R@1"].mean == pytest.approx(22 / 24, abs=1e-4)

    def test_equal_texts_are_one_of_the_gallery(self, records: list[Record], store: ImageStore) -> None:
        twins = [replace(one, report=f"Finding {n // 2}.", labels=(f"{n // 2 % 3}",)) for n, one in enumerate(records)]
        found = by_name(judged(twins, store, {"perfect": perfect()}))
        assert (len(found["image→text"].asked), found["image→text"].gallery) == (CASES, CASES // 2)
        assert (len(found["text→image"].asked), found["text→image"].gallery) == (CASES // 2, CASES)

    def test_held_out_patients_ask_and_all_answer(self, records: list[Record], store: ImageStore) -> None:
        held = split_by_patient([f"small/{one.patient}" for one in records])
        assert 0 < held.sum() < CASES
        found = by_name(judged(records, store, {"perfect": perfect()}, held_out=True))
        assert [(one.asked.tolist(), one.gallery) for one in found.values()] == [
            (np.flatnonzero(held).tolist(), CASES),
            (np.flatnonzero(held).tolist(), int(held.sum())),
            (np.flatnonzero(held).tolist(), CASES),
        ]

    def test_lines_hold_every_encoder(self, records: list[Record], store: ImageStore) -> None:
        result = judged(records, store, {"perfect": perfect(), "dead": dead()})
        across = by_name(result)["image→text"]
        lines = list(across.lines(result.cases.rows))
        assert len(lines) == CASES
        first = lines[0]
        assert (first["record"], first["found"][0], first["right"][0]) == ("small/case-0", "small/case-0", True)
        assert first["values"] == {
            "perfect": {"R@1": 1.0, "R@5": 1.0, "R@10": 1.0},
            "dead": {"R@1": 0.0, "R@5": 0.0, "R@10": 0.0},
        }
        json.dumps(lines)


class TestRows:
    """Which pictures are asked for."""

    def test_drawn_ones_and_photographs_are_left_out(self, records: list[Record], store: ImageStore) -> None:
        odd = [
            made(50, store, drawn=True),
            made(51, store, corpus="photographs-sky", domain="textbook"),
            made(52, store, corpus="photographs-book", domain="textbook", kind="figure"),
            made(53, store, kind="figure", domain="textbook"),
            made(54, store, domain="textbook"),
            made(55, store, pictures=()),
        ]
        rows = evaluated_rows([*records, *odd], store)
        assert [row.record.id for row in rows[CASES:]] == ["case-53"]
        assert len(evaluated_rows([*records, *odd], store, drawn=True)) == CASES + 2
        assert len(evaluated_rows([*records, *odd], store, ["textbook"])) == 1

    def test_what_cannot_be_asked_is_told(self, records: list[Record], store: ImageStore) -> None:
        with pytest.raises(UnknownNameError, match="named 'pathology'; known: ultrasound"):
            evaluated_rows(records, store, ["pathology"])
        with pytest.raises(InputError, match="--drawn"):
            evaluated_rows([made(50, store, drawn=True)], store)
        with pytest.raises(InputError, match="Every picture of dermatology in this home is drawn"):
            evaluated_rows([*records, made(50, store, domain="dermatology", drawn=True)], store, ["dermatology"])
        for nothing in ([], [made(51, store, pictures=())]):
            for drawn in (False, True):
                with pytest.raises(InputError, match="holds no pictures of cases or figures to ask for; add a corpus"):
                    evaluated_rows(nothing, store, ["pathology"], drawn)
        seen = [one for one in records if not split_by_patient([f"small/{one.patient}"])[0]]
        assert len(evaluated_rows(records, store, held_out=True)) == CASES
        with pytest.raises(InputError, match="ask without --held-out"):
            evaluated_rows(seen, store, held_out=True)

    def test_textbooks_come_last(self, records: list[Record], store: ImageStore) -> None:
        figure = made(60, store, kind="figure", domain="textbook", labels=())
        rows, features = planted([figure, *records], store)
        assert [cases.domain for cases in domain_cases(rows, features, None, False)] == ["ultrasound", "textbook"]


def head(width: int, mixed: bool = False) -> Head:
    """A head that passes features on; `mixed` turns its pictures by one place."""
    one, none = np.ones(width, np.float32), np.zeros((width, 1), np.float32)
    straight = np.eye(width, dtype=np.float32)

    def side(skip: Vectors) -> Side:
        return Side(0 * one, one, skip, none, none.T.copy())

    return Head(side(np.roll(straight, 1, axis=1) if mixed else straight), side(straight), "")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A good head for ultrasound, a bad general one."""
    folder = tmp_path / "weights"
    head(CASES).save(folder / "ultrasound.safetensors", {})
    head(CASES, mixed=True).save(folder / "general.safetensors", {})
    return folder


class TestSpaces:
    """Which encoders are compared, on which tower."""

    def test_the_own_head_beats_the_general_one(self, records: list[Record], store: ImageStore, weights: Path) -> None:
        rows, features = planted(records, store)
        (result,) = evaluate_encoders(rows, features, None, weights)
        across = by_name(result)["image→text"]
        assert across.serving == DOMAIN
        assert list(across.means) == [DOMAIN, GENERAL, UNTRAINED]
        assert (across.means[DOMAIN]["R@1"].mean, across.means[GENERAL]["R@1"].mean) == (1.0, 0.0)
        assert across.differences[GENERAL]["R@1"].low == 1.0
        assert across.means[UNTRAINED]["R@10"].mean < 0.8
        within = by_name(result)["image→image"]
        assert list(within.means) == [DOMAIN, GENERAL, UNTRAINED, AS_IT_CAME, SENTENCES]
        again = next(iter(evaluate_encoders(rows, features, None, weights)))
        assert [one.means for one in again.directions] == [one.means for one in result.directions]

    def test_a_tuned_tower_stands_beside_the_one_as_it_came(
        self, records: list[Record], store: ImageStore, weights: Path
    ) -> None:
        rows, features = planted(records, store)
        groups = np.eye(GROUPS, dtype=np.float32)[np.arange(CASES) % GROUPS]
        tuned = replace(
            features, images=np.concatenate([groups, np.zeros((CASES, CASES - GROUPS))], 1, dtype=np.float32)
        )
        (cases,) = domain_cases(rows, tuned, features, False)
        spaces = domain_spaces(cases, weights)
        assert list(spaces) == [DOMAIN, GENERAL, UNTRAINED, TUNED, AS_IT_CAME, SENTENCES]
        found = by_name(judge_domain(cases, spaces))["image→image"].means
        assert found[TUNED]["P@5"].mean == 1.0
        assert found[AS_IT_CAME]["P@5"].mean < 0.6
        assert found[UNTRAINED]["P@5"].mean == 1.0  # of the heads' tower, and turning it changes no distance

    def test_without_a_head_of_its_own_the_general_one_serves(
        self, records: list[Record], store: ImageStore, weights: Path
    ) -> None:
        (weights / "ultrasound.safetensors").unlink()
        rows, features = planted(records, store)
        (result,) = evaluate_encoders(rows, features, None, weights)
        assert {one.serving for one in result.directions} == {GENERAL}
        (weights / "general.safetensors").unlink()
        with pytest.raises(UnknownNameError, match="'general'"):
            list(evaluate_encoders(rows, features, None, weights))

    def test_the_encoder_of_the_home_serves_and_is_compared_with_both_heads(
        self, records: list[Record], store: ImageStore, weights: Path
    ) -> None:
        rows, features = planted(records, store)
        (result,) = evaluate_encoders(rows, features, None, weights, own={"ultrasound": dead(), "pathology": dead()})
        across, within = by_name(result)["image→text"], by_name(result)["image→image"]
        assert across.serving == within.serving == OWN
        assert list(across.means) == [OWN, DOMAIN, GENERAL, UNTRAINED]
        assert list(within.means) == [OWN, DOMAIN, GENERAL, UNTRAINED, AS_IT_CAME, SENTENCES]
        assert (across.differences[DOMAIN]["R@1"].mean, across.differences[GENERAL]["R@1"].mean) == (-1.0, 0.0)
        assert across.figures()["serving"] == OWN
        assert set(next(across.lines(result.cases.rows))["values"]) == set(across.means)

    def test_its_vectors_are_of_the_same_rows(self, records: list[Record], store: ImageStore) -> None:
        rows = evaluated_rows([*records, records[0]], store)
        encoder = tiny_encoder.open_tiny("ultrasound", EncoderContext())
        told: list[tuple[int, int]] = []
        space = encoder_space(encoder, rows, store, lambda *done: told.append(done))
        assert told == [(16, CASES + 1), (CASES + 1, CASES + 1)]
        assert space.texts is not None
        for place in (0, 17, CASES):
            assert np.allclose(space.images[place], encoder.encode_images([store.open(rows[place].digest)])[0])
            assert np.allclose(space.texts[place], encoder.encode_texts([joint_text(rows[place].record)])[0])

    def test_domains_without_a_held_out_patient_are_passed_over(
        self, records: list[Record], store: ImageStore, weights: Path
    ) -> None:
        seen = [one for one in records if not split_by_patient([f"small/{one.patient}"])[0]]
        rows, features = planted(seen, store)
        assert list(evaluate_encoders(rows, features, None, weights, held_out=True)) == []
