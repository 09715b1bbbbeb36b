"""Calibrating whole homes, and searching with what was stored."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.catalog import Catalog
from corpora.errors import InputError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from indexing.training.split import split_by_patient
from retrievers import Found, Query, Retriever
from retrievers.calibration import (
    Calibration,
    CalibrationFolder,
    DomainCalibration,
    RouterCalibration,
    SelectionCalibration,
)
from retrievers.calibration.fit import calibrate
from retrievers.calibration.questions import Neighbours, ask, held_cases, some_of
from retrievers.router import Router, RouterWeights
from retrievers.selection import FixedK, Mass, TopRatio
from tests.conftest import fill, picture, png_bytes
from tests.retrievers.conftest import Drawn


@dataclass(frozen=True)
class TinyFeatures:
    """Two numbers of a picture or a text, instead of a tower's."""

    device: str = "cpu"

    def image(self, image: Image.Image) -> NDArray[np.float32]:
        red, blue = np.asarray(image.convert("RGB"), np.float32).mean(axis=(0, 1))[[0, 2]] / 255
        return np.array([red, blue], np.float32)

    def text(self, text: str) -> NDArray[np.float32]:
        return np.array([len(text) / 100, text.count("e") / 10], np.float32)


class TinyRouter(Router):
    """A router that needs no tower."""

    @property
    def features(self) -> TinyFeatures:  # type: ignore[override]
        return TinyFeatures()


def tiny_router() -> TinyRouter:
    eye, zero = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    weights = RouterWeights(("radiology", "ultrasound"), zero, zero + 1, eye, eye, zero, eye, 1.0, 0.0)
    return TinyRouter(weights, weights)


@pytest.fixture
def small(home: Home, tiny: EncoderPlan) -> Iterator[Retriever]:
    """A home of 120 numbered cases of 60 patients with the tiny encoder; two cases hold one picture."""
    records = fill(home, 120)
    store = ImageStore(home.images)
    digest, width, height = store.add(png_bytes(picture(0)))
    shared = replace(records[60], pictures=(Picture(digest=digest, width=width, height=height),))
    with Catalog.open(home.catalog_url) as catalog:
        catalog.add([shared])
    build_index(home, options=BuildOptions(plan=tiny))
    with Retriever(home, plan=tiny, router=tiny_router()) as opened:
        yield opened


@pytest.fixture
def own_home(drawn_home: Home, tmp_path: Path) -> Home:
    """A copy that a test may change."""
    return Home.open(shutil.copytree(drawn_home.path, tmp_path / "own"))


def seen(found: Found) -> str:
    """Everything that a search says, but for the digest of the calibration."""
    return repr(replace(found, calibration=""))


def without_time(calibration: Calibration) -> Calibration:
    return replace(calibration, created="")


class TestQuestions:
    """Who is asked, and what must not be found."""

    def test_patients_are_in_one_half_and_held_out(self, small: Retriever) -> None:
        records = list(small.catalog.records())
        cases = held_cases(records, seed=0, share=0.5)
        halves: dict[str, set[bool]] = {}
        for case in cases:
            halves.setdefault(case.patient, set()).add(case.judging)
            assert split_by_patient([case.patient], 0.5)[0]
        assert all(len(half) == 1 for half in halves.values())
        assert set.union(*halves.values()) == {False, True}
        assert {case.record.id for case in held_cases(records, seed=1, share=0.5)} == {case.record.id for case in cases}
        assert held_cases(records, seed=1, share=0.5) != cases

    def test_some_of_them(self, small: Retriever) -> None:
        cases = held_cases(small.catalog.records(), seed=0, share=1)
        assert len(cases) == 120
        chosen = some_of(cases, 7, seed=3)
        assert [case.judging for case in chosen].count(True) == 7
        assert [case.judging for case in chosen].count(False) == 7
        assert chosen == some_of(cases, 7, seed=3) != some_of(cases, 7, seed=4)

    def test_neither_itself_nor_its_twins_nor_its_patient_is_found(self, small: Retriever) -> None:
        records = {record.uid: record for record in small.catalog.records()}
        neighbours = Neighbours(small.index, records)
        by_id = {record.id: record for record in records.values()}
        twin, other = by_id["case-60"], by_id["case-0"]
        assert neighbours.twins(other) == {twin.uid}
        asked = 0
        for case in held_cases(records.values(), seed=0, share=1):
            for one in ask(small, case, picture(0), neighbours, Calibration()):
                asked += 1
                found = {uid for ranked in one.lists for uid in ranked.records}
                assert found
                hidden = {case.record.uid, *neighbours.twins(case.record)}
                assert not found & hidden
                assert not one.relevant & hidden
                assert not {records[uid].patient for uid in found | one.relevant} & {case.record.patient}
                assert all(set(records[uid].labels) & set(case.record.labels) for uid in one.relevant)
        assert asked == 3 * 120

    def test_who_must_stay_together_is_in_one_half_and_finds_not_each_other(self, small: Retriever) -> None:
        records = {record.uid: record for record in small.catalog.records()}
        by_id = {record.id: record for record in records.values()}
        one = by_id["case-0"]
        other = next(
            record for record in records.values()
            if set(record.labels) & set(one.labels)
            and record.patient != one.patient and record.uid not in Neighbours(small.index, records).together(one)
        )  # fmt: skip
        tied = records | {other.uid: replace(other, attributes={"near_duplicates": (one.id,)})}
        halves = {case.record.uid: case for case in held_cases(tied.values(), seed=0, share=1)}
        assert halves[one.uid].patient == halves[other.uid].patient
        neighbours = Neighbours(small.index, tied)
        (asked, *_) = ask(small, halves[one.uid], picture(0), neighbours, Calibration())
        assert other.uid not in asked.relevant | {uid for ranked in asked.lists for uid in ranked.records}

    def test_a_case_that_shares_no_label_is_not_asked(self, small: Retriever) -> None:
        records = {record.uid: record for record in small.catalog.records()}
        lonely = replace(next(iter(records.values())), labels=("only this one",))
        (case,) = held_cases([lonely], seed=0, share=1)
        assert list(ask(small, case, picture(0), Neighbours(small.index, records), Calibration())) == []


class TestCalibrate:
    """The whole fit."""

    def test_the_same_seed_gives_the_same_calibration(self, small: Retriever) -> None:
        told: list[tuple[int, int, str]] = []
        first = calibrate(small, share=1, most=25, progress=lambda *step: told.append(step)).calibration
        again = calibrate(small, share=1, most=25).calibration
        assert without_time(again) == without_time(first)
        assert [(part.name, part.domain) for part in first.parts] == [
            ("temperature, picture", "all"),
            ("temperature, words", "all"),
            ("floor, picture", "all"),
            ("gap", "radiology"),
            ("list weights, picture", "radiology"),
            ("list weights, words", "radiology"),
            ("fusion, standardised", "all"),
            ("fusion, learned", "all"),
            ("relevance, picture", "radiology"),
            ("relevance, words", "radiology"),
            ("selection, gap", "all"),
            ("selection, ratio", "all"),
            ("selection, mass", "all"),
            ("selection, risk", "all"),
        ]
        assert told[0] == (0, 50, "asking radiology")
        assert told[-1] == (50, 50, "fitting")
        for part in first.parts:
            assert not part.kept or part.name == "selection, risk" or (part.low is not None and part.low > 0)
            assert part.reason
        assert not CalibrationFolder(small.home).path.exists()

    def test_what_is_in_force_is_what_was_kept(self, small: Retriever) -> None:
        calibration = calibrate(small, share=1, most=40).calibration
        kept = {part.name for part in calibration.parts if part.kept}
        own = calibration.domains.get("radiology", DomainCalibration())
        assert ("gap" in kept) == bool(own.shift)
        assert ("list weights, picture" in kept) == ("image→image" in own.weights)
        assert ("list weights, words" in kept) == ("words" in own.weights)
        won = calibration.selection.policy
        assert {name for name in kept if name in {f"selection, {one}" for one in ("gap", "ratio", "mass")}} == (
            {f"selection, {won}"} if won else set()
        )
        assert ("selection, risk" in kept) == bool(calibration.selection.k)
        assert {name for name in kept if name.startswith("fusion")} == (
            {f"fusion, {calibration.fusion}"} if calibration.fusion else set()
        )
        assert {f"relevance, {asked}" for asked in own.relevance} == {n for n in kept if n.startswith("relevance")}
        assert ("temperature, picture" in kept) == (calibration.router.temperature is not None)
        assert calibration.digest or not kept
        before = small.search(Query(text="pneumothorax", domain="radiology"))
        CalibrationFolder(small.home).save(calibration)
        after = small.search(Query(text="pneumothorax", domain="radiology"))
        assert (before.calibration, after.calibration) == ("", calibration.digest)
        assert without_time(calibrate(small, share=1, most=40).calibration) == without_time(calibration)

    def test_too_few_patients_keep_the_defaults(self, own_home: Home, drawn: list[Drawn]) -> None:
        queries = [Query(images=[drawn[0].data]), Query(text="drusen of the macula")]
        with Retriever.open(own_home) as retriever:
            before = [seen(retriever.search(query)) for query in queries]
            report = calibrate(retriever, share=1)
            assert [part.reason for part in report.calibration.parts if part.kept] == []
            told = [part.reason for part in report.calibration.parts]
            assert all("too few" in reason or "no guarantee" in reason for reason in told)
            assert sum(report.fitting.values()) + sum(report.judging.values()) == len(drawn)
            CalibrationFolder(own_home).save(report.calibration)
            assert [seen(retriever.search(query)) for query in queries] == before
            assert retriever.search(queries[0]).calibration == ""

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [({"share": 0}, "share is 0"), ({"share": 1.5}, "share is 1.5"), ({"most": 0}, "most is 0"),
         ({"rejection": -1}, "rejection is -1")],
    )  # fmt: skip
    def test_settings_that_cannot_be(self, small: Retriever, wrong: dict[str, float], told: str) -> None:
        with pytest.raises(InputError, match=told):
            calibrate(small, **wrong)  # type: ignore[arg-type]

    def test_pictures_that_are_gone_are_passed_over(self, small: Retriever) -> None:
        for path in small.home.images.rglob("*.*"):
            if path.is_file():
                path.unlink()
        parts = calibrate(small, share=1).calibration.parts
        assert {part.name for part in parts if "too few patients: 0" in part.reason} >= {"temperature, picture"}


def stored(home: Home, **values: object) -> Calibration:
    """A calibration that fits the home, in place."""
    with Retriever.open(home) as retriever:
        made = Calibration(encoders=dict(retriever.index.manifest.encoders), **values)  # type: ignore[arg-type]
    CalibrationFolder(home).save(made)
    return made


class TestSearching:
    """Searches with a stored calibration."""

    def test_each_part_is_applied_and_undone(self, own_home: Home, drawn: list[Drawn]) -> None:
        query = Query(text="pleural effusion", images=[drawn[1].data], question=True)
        with Retriever.open(own_home) as retriever:
            plain = retriever.search(query)
            base = retriever.base_router.fingerprint
            assert "pleural effusion" not in plain.hits[0].record.labels
            one = DomainCalibration(weights={"image→image": 0.0, "image→text": 0.0, "words": 50.0})
            heavy = stored(own_home, domains={"radiology": one})
            found = retriever.search(query)
            assert found.calibration == heavy.digest
            assert "pleural effusion" in found.hits[0].record.labels
            stored(own_home, router=RouterCalibration(floor=2.0, fingerprint=base))
            assert retriever.route(query).reason == "this home holds the picture"
            strange = replace(query, exclude=[drawn[1].case.id])
            assert "unlike every medical picture" in retriever.search(strange).domain.reason
            assert retriever.route(strange).name is None
            assert retriever.router.image.floor == 2.0
            stored(own_home, router=RouterCalibration(temperature=50.0, fingerprint=base))
            assert retriever.route(query).probability < 0.5 < plain.domain.probability
            stored(own_home, selection=SelectionCalibration("ratio", ratio=1.0001))
            assert retriever.search(query).selection.kept == 1
            for _ in range(4):
                CalibrationFolder(own_home).undo()
            assert repr(retriever.search(query)) == repr(plain)

    def test_a_gap_moves_only_lists_across_sides(self, own_home: Home, drawn: list[Drawn]) -> None:
        query = Query(text="a chest radiograph", images=[drawn[0].data], domain="radiology")
        with Retriever.open(own_home) as retriever:
            plain = retriever.search(query)
            gap = tuple(np.random.default_rng(0).normal(size=256).round(3).tolist())
            stored(own_home, domains={"radiology": DomainCalibration(0.5, gap)})
            moved = retriever.search(query)
        before, after = ({hit.record.id: hit.similarities for hit in found.hits} for found in (plain, moved))
        changed = {
            name
            for case in before.keys() & after.keys()
            for name in before[case].keys() & after[case].keys()
            if before[case][name] != after[case][name]
        }
        assert changed == {"radiology image→text", "radiology text→image"}

    def test_a_chosen_policy_stays(self, own_home: Home, drawn: list[Drawn]) -> None:
        stored(own_home, selection=SelectionCalibration("ratio", ratio=1.0001))
        query = Query(images=[drawn[0].data])
        with Retriever.open(own_home, policy=FixedK()) as retriever:
            assert retriever.search(query, 5).selection.kept == 5
        with Retriever.open(own_home, policy=TopRatio(9.0)) as retriever:
            assert retriever.search(query, 5).selection.kept == 1
        with Retriever.open(own_home, policy=Mass(0.01)) as retriever:
            assert retriever.search(query, 5).selection.policy == "mass"

    @pytest.mark.parametrize(
        ("spoil", "told"),
        [
            (lambda path: path.write_text("{"), "damaged"),
            (
                lambda path: path.write_text(path.read_text().replace("embedded:radiology/", "embedded:radiology/x")),
                "x",
            ),
            (lambda path: path.write_text(path.read_text().replace('"format": 2', '"format": 9')), "newer Curbside"),
            (lambda path: path.write_text(path.read_text().replace('"format": 2', '"format": 1')), "earlier Curbside"),
            (lambda path: path.write_bytes(b"\xff"), "cannot be read"),
        ],
        ids=["damaged", "other encoder", "newer", "older", "not text"],
    )
    def test_what_does_not_fit_is_passed_over_with_a_warning(
        self,
        own_home: Home,
        drawn: list[Drawn],
        spoil: Callable[[Path], object],
        told: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        query = Query(images=[drawn[0].data])
        with Retriever.open(own_home) as retriever:
            plain = repr(retriever.search(query))
            stored(own_home, selection=SelectionCalibration("ratio", ratio=1.0001))
            spoil(CalibrationFolder(own_home).path)
            with caplog.at_level(logging.WARNING, "retrievers.retriever"):
                assert repr(retriever.search(query)) == plain
                assert repr(retriever.search(query)) == plain
        (line,) = caplog.messages
        assert line.startswith("The calibration of this home is not in force. ")
        assert told in line

    def test_another_router_is_told(self, own_home: Home, drawn: list[Drawn], caplog: pytest.LogCaptureFixture) -> None:
        stored(own_home, router=RouterCalibration(floor=2.0, fingerprint="0" * 16))
        with Retriever.open(own_home) as retriever:
            assert retriever.search(Query(images=[drawn[0].data])).domain.name == "radiology"
            assert retriever.calibration == Calibration()
        assert "another router" in caplog.text

    def test_searches_beside_a_writer_see_one_or_the_other(self, own_home: Home, drawn: list[Drawn]) -> None:
        query = Query(text="pleural effusion", images=[drawn[1].data], domain="radiology")
        folder = CalibrationFolder(own_home)
        with Retriever.open(own_home) as retriever:
            expected = {"": seen(retriever.search(query))}
            choices = [
                stored(own_home, domains={"radiology": DomainCalibration(weights={"words": weight})})
                for weight in (0.0, 3.0)
            ]
            for choice in choices:
                folder.save(choice)
                expected[choice.digest] = seen(retriever.search(query))
            assert len(set(expected.values())) == 3
            wrong: list[str] = []
            met: set[str] = set()
            stop = threading.Event()

            def search() -> None:
                while not stop.is_set():
                    found = retriever.search(query)
                    met.add(found.calibration)
                    if expected.get(found.calibration) != seen(found):
                        wrong.append(found.calibration)

            threads = [threading.Thread(target=search) for _ in range(3)]
            for thread in threads:
                thread.start()
            for number in range(40):
                folder.save(choices[number % 2])
            stop.set()
            for thread in threads:
                thread.join()
        assert wrong == []
        assert met <= set(expected) - {""}
        assert met
