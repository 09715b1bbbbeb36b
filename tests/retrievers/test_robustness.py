"""Evaluations of retrieval, robustness and missing sides, on a home whose right answers can be counted by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from corpora.catalog import Catalog, Corpus
from corpora.errors import InputError, MissingDependencyError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.encoders import EncoderPlan
from indexing.encoders.base import Encoder, EncoderContext
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from indexing.training.split import split_by_patient
from retrievers.evaluation.measures import measure_queries
from retrievers.evaluation.retrieval import evaluate_retrieval
from retrievers.evaluation.robustness import MEASURES, DomainRobustness, evaluate_robustness
from retrievers.evaluation.robustness_plot import plot_robustness
from retrievers.evaluation.sides import SIDES, evaluate_sides
from retrievers.evaluation.tasks import Rows, cross_task, within_task
from retrievers.found import DomainFound, Found, Hit, Selection
from retrievers.query import Query
from retrievers.retriever import Retriever
from retrievers.router import Router
from tests.conftest import FINDINGS, png_bytes
from tests.indexing.tiny_encoder import TinyEncoder

CASES = 30
SIDE = 40


def shade(number: int) -> Image.Image:
    """A picture whose left half says its finding by brightness, and its right half its number."""
    pixels = np.full((SIDE, SIDE, 3), 40, np.uint8)
    pixels[:, : SIDE // 2] = 30 + 45 * (number % len(FINDINGS))
    pixels[number:, SIDE // 2 :] = 90
    return Image.fromarray(pixels)


def made_case(number: int, home: Home, domain: str) -> Record:
    digest, width, height = ImageStore(home.images).add(png_bytes(shade(number)))
    finding = FINDINGS[number % len(FINDINGS)]
    return Record(
        id=f"{domain}-{number}",
        corpus="shades",
        kind="case",
        domain=domain,
        report=f"There is {finding}, grade {number}.",
        findings=f"There is {finding}, grade {number}.",
        pictures=(Picture(digest=digest, width=width, height=height),),
        labels=(finding,),
        patient=f"p{number // 2}",
    )


@pytest.fixture
def shades(home: Home, tiny: EncoderPlan) -> Home:
    records = [made_case(number, home, domain) for domain in ("radiology", "ultrasound") for number in range(CASES)]
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("shades"))
        catalog.add(records)
    build_index(home, options=BuildOptions(plan=tiny))
    return home


@pytest.fixture
def opened(shades: Home) -> OpenedIndex:
    return OpenedIndex.open(IndexFolder(shades))


@pytest.fixture
def records(shades: Home) -> dict[int, Record]:
    with Catalog.open(shades.catalog_url) as catalog:
        return {record.uid: record for record in catalog.records()}


class BrightnessRouter(Router):
    """Sends bright pictures nowhere, and all others to radiology."""

    def __init__(self, like: Router) -> None:
        vars(self).update(vars(like))
        self.asked: list[Query] = []

    def route(self, query: Query, domains: Any, text: str | None = None) -> DomainFound:
        self.asked.append(query)
        bright = bool(query.pictures) and np.asarray(query.pictures[0])[:, -SIDE // 2 :].mean() > 100
        name = None if bright else "radiology"
        return DomainFound(name, 1.0, {}, () if name is None else (name,))


@pytest.fixture
def by_brightness(no_router: Router) -> BrightnessRouter:
    return BrightnessRouter(no_router)


def tiny_encoder(domain: str) -> Encoder:
    return TinyEncoder(domain, EncoderContext())


class TestTasks:
    """Queries, galleries and right answers."""

    @pytest.fixture
    def rows(self, opened: OpenedIndex, records: dict[int, Record]) -> Rows:
        return Rows.of(opened.sides["radiology", "image"], records)

    def test_across_sides_the_own_text_is_right(
        self, opened: OpenedIndex, records: dict[int, Record], rows: Rows
    ) -> None:
        texts = Rows.of(opened.sides["radiology", "text"], records)
        task = cross_task("radiology", "image→text", rows, texts)
        assert task is not None
        for record, right in zip(task.queries.records, task.relevant, strict=True):
            assert [task.gallery.records[n].id for n in right] == [record.id]
        assert task.chance == pytest.approx(10 / CASES)

    def test_within_a_side_who_stays_together_is_hidden(self, opened: OpenedIndex, records: dict[int, Record]) -> None:
        one, other = list(records.values())[:2]
        tied = records | {other.uid: replace(other, attributes={"near_duplicates": (one.id,)})}
        task = within_task("radiology", "image→image", Rows.of(opened.sides["radiology", "image"], tied))
        assert task is not None
        assert task.hidden is not None
        row = {record.uid: number for number, record in enumerate(task.gallery.records)}
        assert task.hidden[row[one.uid], row[other.uid]]

    def test_within_a_side_the_own_patient_is_hidden(self, rows: Rows) -> None:
        task = within_task("radiology", "image→image", rows)
        assert task is not None
        ranked = task.ranked(task.queries.vectors)
        for row, record in enumerate(task.queries.records):
            found = [task.gallery.records[int(n)] for n in ranked[str(row)]]
            assert len(found) == CASES - 2
            assert record.patient not in {one.patient for one in found}
            assert {task.gallery.records[n].labels for n in task.relevant[row]} == {record.labels}

    def test_held_out_asks_only_for_held_patients(self, rows: Rows) -> None:
        held = [record.id for record, is_held in zip(rows.records, rows.held, strict=True) if is_held]
        assert 0 < len(held) < CASES
        task = within_task("radiology", "image→image", rows, held_out=True)
        assert task is not None
        assert [record.id for record in task.queries.records] == held
        assert len(task.gallery.records) == CASES

    def test_some_of_the_queries(self, rows: Rows) -> None:
        task = within_task("radiology", "image→image", rows)
        assert task is not None
        few = task.asking(np.array([7, 2]))
        assert [record.id for record in few.queries.records] == [rows.records[7].id, rows.records[2].id]
        whole = task.ranked(task.queries.vectors)
        assert few.ranked(few.queries.vectors) == {"0": whole["7"], "1": whole["2"]}
        assert few.judged()["0"] == task.judged()["7"]

    def test_no_shared_label_is_no_task(self, rows: Rows) -> None:
        one_each = {record.labels: row for row, record in enumerate(rows.records)}
        assert within_task("radiology", "image→image", rows.subset(np.array(list(one_each.values())))) is None


def test_retrieval_measures_each_direction_once(opened: OpenedIndex, records: dict[int, Record]) -> None:
    results = list(evaluate_retrieval(opened, records))
    assert [(result.domain, result.direction) for result in results] == [
        (domain, direction)
        for domain in ("radiology", "ultrasound")
        for direction in ("image→text", "text→image", "image→image", "text→text")
    ]
    assert all(result.gallery == CASES and len(result.queries) == CASES for result in results)


Robust = Callable[..., list[DomainRobustness]]


@pytest.fixture
def robust(shades: Home, opened: OpenedIndex, records: dict[int, Record], by_brightness: BrightnessRouter) -> Robust:
    def ask(**options: Any) -> list[DomainRobustness]:
        store = ImageStore(shades.images)
        return list(evaluate_robustness(opened, records, store, tiny_encoder, by_brightness, **options))

    return ask


class TestRobustness:
    """Changes against the clean pictures."""

    def test_clean_figures_are_those_of_eval_retrieval(
        self, robust: Robust, opened: OpenedIndex, records: dict[int, Record]
    ) -> None:
        found = robust(families=["contrast_up"], domains=["radiology"], most=CASES)
        whole = {result.direction: result for result in evaluate_retrieval(opened, records)}
        clean = found[0].clean
        assert found[0].pictures == CASES
        assert clean["Recall@10"].mean == whole["image→text"].measures["Success@10"].mean
        assert clean["P@5"].mean == whole["image→image"].measures["P@5"].mean
        assert clean["P@5"].mean > 0.3

    def test_the_changes_are_what_the_lines_say(self, robust: Robust) -> None:
        (found,) = robust(families=["brightness_up"], domains=["radiology"], most=12)
        lines = {(line["record"], line["severity"]): line for line in found.queries}
        assert len(lines) == 12 * 6
        (change,) = found.families
        for name in MEASURES:
            by_severity = []
            for severity in range(1, 6):
                moved = [line[name] - lines[record, 0][name] for (record, at), line in lines.items() if at == severity]
                assert change.severities[severity][name].mean == pytest.approx(np.mean(moved), abs=1e-3)
                by_severity.append(np.mean(moved))
            assert change.mean[name].mean == pytest.approx(np.mean(by_severity), abs=1e-3)
            assert change.worst[name].change.mean == pytest.approx(min(by_severity), abs=1e-3)
            assert by_severity[change.worst[name].severity - 1] == pytest.approx(min(by_severity), abs=1e-3)

    def test_harm_is_seen_and_the_harmless_is_not(self, robust: Robust) -> None:
        (found,) = robust(families=["brightness_up", "jpeg"], domains=["radiology"], most=CASES)
        bright, jpeg = found.families
        assert bright.mean["P@5"].high < -0.05
        assert bright.mean["P@5"].mean < jpeg.mean["P@5"].mean
        assert abs(jpeg.severities[1]["P@5"].mean) < 0.1

    def test_turning_away_is_told_from_misrouting(self, robust: Robust) -> None:
        first, second = robust(families=["brightness_up"], most=10)
        assert (first.clean["routing"].mean, second.clean["routing"].mean) == (1.0, 0.0)
        assert first.families[0].turned_away.mean > 0.2
        assert first.families[0].mean["routing"].mean == pytest.approx(-first.families[0].turned_away.mean, abs=1e-3)
        routed = {line["routed_to"] for line in first.queries}
        assert routed == {"radiology", None}

    def test_the_router_sees_the_corrupted_pictures(self, robust: Robust, by_brightness: BrightnessRouter) -> None:
        robust(families=["gaussian_noise"], domains=["radiology"], most=3)
        assert len({query.pictures[0].tobytes() for query in by_brightness.asked}) == 3 * 6

    def test_the_same_call_gives_the_same_figures(self, robust: Robust) -> None:
        first, second = (robust(families=["impulse_noise"], most=5) for _ in range(2))
        assert first == second

    def test_families_are_the_domains_own(self, robust: Robust) -> None:
        done: list[tuple[int, int, str]] = []
        found = robust(most=2, progress=lambda *said: done.append(said))
        assert "gamma_up" in [change.family for change in found[0].families]
        assert "gamma_up" not in [change.family for change in found[1].families]
        assert done[-1][0] == done[-1][1] == 2 * (1 + 5 * len(found[0].families)) + 2 * (1 + 5 * len(found[1].families))
        assert done[-1][2].startswith("ultrasound ")

    def test_held_out_patients_only(self, robust: Robust) -> None:
        found = robust(families=["jpeg"], held_out=True)
        patients = {str(line["patient"]) for one in found for line in one.queries}
        assert patients
        assert split_by_patient(sorted(patients)).all()

    def test_a_lost_picture_is_passed_over(self, robust: Robust, shades: Home, records: dict[int, Record]) -> None:
        lost = next(record for record in records.values() if record.domain == "radiology")
        ImageStore(shades.images).path(lost.pictures[0].digest).unlink()
        found = robust(families=["jpeg"], domains=["radiology"], most=CASES)
        assert found[0].pictures == CASES - 1

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"families": ["fog"]}, UnknownNameError, "no corruption named 'fog'"),
            ({"domains": ["astrology"]}, UnknownNameError, "no domain in this index named 'astrology'"),
            ({"most": 0}, InputError, "no picture to ask with"),
        ],
    )
    def test_bad_wishes_are_refused(
        self,
        robust: Robust,
        options: dict[str, Any],
        error: type[Exception],
        told: str,
    ) -> None:
        with pytest.raises(error, match=told):
            robust(**options)

    def test_a_heat_map_is_drawn(self, robust: Robust, tmp_path: Path) -> None:
        found = robust(families=["shot_noise", "jpeg"], most=8)
        plot_robustness(found, tmp_path / "robustness.png")
        with Image.open(tmp_path / "robustness.png") as image:
            assert image.width > 1000
            pixels = np.asarray(image.convert("RGB"))
        red = (pixels[..., 0].astype(int) - pixels[..., 2]) > 40
        assert red.sum() > 1000

    def test_a_heat_map_needs_matplotlib(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MissingDependencyError, match=r"curbside\[plots\]"):
            plot_robustness([], tmp_path / "robustness.png")


def test_measures_of_queries_can_be_counted_by_hand() -> None:
    found = measure_queries(
        {"a": {"1": 1, "2": 1}, "b": {"9": 1}, "c": {}}, {"a": ["2", "3", "1"], "b": ["4"], "c": []}
    )
    assert set(found) == {"a", "b"}
    assert (found["a"]["P@5"], found["a"]["Success@1"], found["b"]["Success@10"]) == (0.4, 1.0, 0.0)


class TestSides:
    """Picture alone, words alone, both."""

    @pytest.fixture
    def retriever(self, shades: Home, tiny: EncoderPlan, by_brightness: BrightnessRouter) -> Iterator[Retriever]:
        with Retriever(shades, plan=tiny, router=by_brightness) as opened:
            yield opened

    def test_every_side_is_asked_without_the_own_patient(
        self, retriever: Retriever, records: dict[int, Record], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[Query] = []
        search = Retriever.search

        def remember(self: Retriever, query: Query, k: int = 10) -> Any:
            asked.append(query)
            return search(self, query, k)

        monkeypatch.setattr(Retriever, "search", remember)
        results = evaluate_sides(retriever, records, domains=("radiology",), most=4)
        assert [(result.domain, result.sides) for result in results] == [("radiology", name) for name in SIDES]
        assert all(result.routing.mean == 1.0 and result.precision.queries == 4 for result in results)
        assert [(bool(query.images), bool(query.text)) for query in asked] == list(SIDES.values()) * 4
        assert all(len(list(query.exclude_patients)) == 1 for query in asked)

    def test_precision_is_of_the_first_five_cases(
        self, retriever: Retriever, records: dict[int, Record], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = next(record for record in records.values() if record.domain == "radiology")
        like = replace(asked, id="like")
        unlike, page = replace(asked, id="unlike", labels=("other",)), replace(asked, id="page", kind="passage")
        hits = [Hit(one, 1.0, {}, {}) for one in (page, like, unlike, like, page, unlike, like, like, like)]
        found = Found(tuple(hits), DomainFound("radiology", 1.0), Selection("fixed", 5, 9, ""))
        monkeypatch.setattr(Retriever, "search", lambda self, query, k=10: found)
        results = evaluate_sides(retriever, {asked.uid: asked})
        assert [result.precision.mean for result in results] == [0.6, 0.6, 0.6]

    def test_progress_reaches_its_end(self, retriever: Retriever, records: dict[int, Record]) -> None:
        done: list[tuple[int, int, str]] = []
        evaluate_sides(retriever, records, most=2, progress=lambda *said: done.append(said))
        assert done[-1][:2] == (12, 12)
