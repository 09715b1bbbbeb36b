"""The whole retriever measured on a small home: what is asked, what is hidden, and what each variant changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from retrievers import Query, Retriever
from retrievers.evaluation.questions import SIDES, Subject, Subjects, words_of
from retrievers.evaluation.report import worst_rows, write_report
from retrievers.evaluation.retrieval_plot import plot_retrieval
from retrievers.evaluation.summary import ALL, Summary, summary_of
from retrievers.evaluation.tables import as_markdown, tables_of
from retrievers.evaluation.variants import LEARNED, VARIANTS, WHOLE, Listening, Variant
from retrievers.evaluation.whole import BEST, RANDOM, Row, evaluate_whole
from retrievers.fusion import ReciprocalRank
from retrievers.router import Router, RouterWeights
from retrievers.selection import FixedK, Gap
from tests.conftest import case, fill, picture, png_bytes

ASIS = Variant("as it is", "nothing is otherwise")


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

    def __init__(self, weights: RouterWeights) -> None:
        super().__init__(weights, weights)
        self._features = TinyFeatures()  # type: ignore[assignment]


@dataclass(frozen=True)
class Measured:
    """A home, opened, with everything that was measured on it."""

    retriever: Retriever
    plan: EncoderPlan
    records: Mapping[int, Record]

    def rows(self, **options: object) -> list[Row]:
        listening = Listening(self.retriever, self.plan)
        wanted = {"ablation": True, "most": 6} | options
        return evaluate_whole(self.retriever, self.records, listening, **wanted)  # type: ignore[arg-type]


@pytest.fixture
def measured(home: Home, tiny: EncoderPlan) -> Iterator[Measured]:
    """Forty cases of twenty patients in each of two domains, two of one picture, and a book with two figures."""
    cases = fill(home, 40)
    fill(home, 40, "other", "ultrasound", first=100)
    store = ImageStore(home.images)
    digest, width, height = store.add(png_bytes(picture(0)))
    twin = replace(cases[30], pictures=(Picture(digest=digest, width=width, height=height),))
    pages = [
        Record(
            f"page-{number}", "book", "passage", "textbook", report=f"A page that explains thing {number}.",
            attributes={"section": ["one", str(number // 2)], "figures": [f"figure-{number}"] if number < 2 else []},
        )
        for number in range(4)
    ]  # fmt: skip
    figures = []
    for number in range(2):
        digest, width, height = store.add(png_bytes(picture(500 + number)))
        shown = (Picture(digest=digest, width=width, height=height),)
        figures.append(
            Record(
                f"figure-{number}", "book", "figure", "textbook", caption=f"Thing {number} as it looks.",
                pictures=shown, attributes={"section": ["one", str(number)]},
            )
        )  # fmt: skip
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("book"))
        catalog.add([twin, *pages, *figures])
    build_index(home, options=BuildOptions(plan=tiny))
    eye, zero = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    weights = RouterWeights(("radiology", "ultrasound"), zero, zero + 1, eye, eye, zero, eye, 1.0, 0.0)
    with Retriever(home, plan=tiny, router=TinyRouter(weights)) as opened:
        yield Measured(opened, tiny, {record.uid: record for record in opened.catalog.records()})


class TestQuestions:
    """Which records are asked, and which answers are right."""

    def test_a_case_is_graded_by_labels_and_never_by_its_own_patient(self, measured: Measured) -> None:
        subjects = Subjects(measured.retriever.index, measured.records)
        chosen = list(subjects.chosen("radiology", most=50, held_out=False))
        assert len({one.patient for one in chosen}) == len(chosen) > 10
        for one in chosen:
            own = one.record
            assert one.corpora == {"small", "other"}
            assert own.uid in one.hidden
            for uid, grade in one.grades.items():
                other = measured.records[uid]
                assert (grade, other.domain) == (2, "radiology")
                assert set(other.labels) == set(own.labels)
                assert other.patient != own.patient
            wanted = {
                uid
                for uid, other in measured.records.items()
                if other.domain == "radiology" and set(other.labels) & set(own.labels) and uid not in one.hidden
            }
            assert set(one.grades) == wanted

    def test_the_same_picture_is_hidden(self, measured: Measured) -> None:
        subjects = Subjects(measured.retriever.index, measured.records)
        by_id = {one.record.id: one for one in subjects.chosen("radiology", most=50, held_out=False, seed=1)}
        by_id |= {one.record.id: one for one in subjects.chosen("radiology", most=50, held_out=False, seed=2)}
        pair = {"case-0", "case-30"}
        asked = by_id.get("case-0") or by_id["case-30"]
        hidden = {measured.records[uid].id for uid in asked.hidden}
        assert pair <= hidden
        assert not hidden & {measured.records[uid].id for uid in asked.gallery}

    def test_held_out_patients_are_a_part(self, measured: Measured) -> None:
        subjects = Subjects(measured.retriever.index, measured.records)
        everyone = {one.patient for one in subjects.chosen("radiology", most=50, held_out=False)}
        held = {one.patient for one in subjects.chosen("radiology", most=50, held_out=True)}
        assert held < everyone

    def test_a_figure_is_answered_by_what_names_it_and_by_its_section(self, measured: Measured) -> None:
        subjects = Subjects(measured.retriever.index, measured.records)
        found = {one.record.id: one for one in subjects.chosen("textbook", most=9, held_out=False)}
        graded = {measured.records[uid].id: grade for uid, grade in found["figure-1"].grades.items()}
        assert graded == {"page-1": 2, "page-2": 1, "page-3": 1}
        assert found["figure-1"].corpora == {"book"}
        assert found["figure-1"].question == ""

    def test_every_side_is_asked_with_the_exclusions(self, measured: Measured) -> None:
        subjects = Subjects(measured.retriever.index, measured.records)
        one = next(subjects.chosen("ultrasound", most=1, held_out=False))
        queries = dict(one.queries(measured.retriever.images))
        assert tuple(queries) == SIDES
        assert [bool(query.text) for query in queries.values()] == [False, True, True, True]
        assert [len(query.pictures) for query in queries.values()] == [1, 0, 1, 1]
        assert queries["words"].text == words_of(one.record)
        assert re.fullmatch(r"Is there .+\?", queries["picture + question"].text)
        for query in queries.values():
            assert f"other/{one.record.id}" in query.exclude
            assert f"other/{one.record.patient}" in query.exclude_patients

    def test_a_label_of_most_cases_tells_nothing(self, measured: Measured) -> None:
        common = {
            uid: replace(record, labels=(*record.labels, "lung")) if record.kind == "case" else record
            for uid, record in measured.records.items()
        }
        subjects = Subjects(measured.retriever.index, common)
        one = next(subjects.chosen("radiology", most=1, held_out=False))
        assert "lung" not in one.question
        assert all(set(common[uid].labels) == set(one.record.labels) for uid in one.grades)


class TestVariants:
    """Fusing again what a search found."""

    def test_nothing_otherwise_is_the_search_itself(self, measured: Measured) -> None:
        listening = Listening(measured.retriever, measured.plan)
        subjects = Subjects(measured.retriever.index, measured.records)
        asked = 0
        for domain in measured.retriever.index.domains:
            for subject in subjects.chosen(domain, most=4, held_out=False):
                for _, query in subject.queries(measured.retriever.images):
                    heard = listening.hear(query)
                    expected = tuple(hit.record.uid for hit in heard.found.hits)
                    assert listening.hits(heard, ASIS, domain) == expected
                    asked += bool(expected)
        assert asked > 20

    def test_a_composed_question_is_ranked_as_the_search_ranks_it(self, measured: Measured) -> None:
        listening = Listening(measured.retriever, measured.plan)
        query = Query("like this, but without effusion", [picture(3)])
        heard = listening.hear(query)
        assert heard.found.asked is not None
        assert heard.found.asked.composed is not None
        assert listening.hits(heard, ASIS, "radiology") == tuple(hit.record.uid for hit in heard.found.hits)

    def test_lists_are_kept_left_out_and_merged(self, measured: Measured) -> None:
        listening = Listening(measured.retriever, measured.plan)
        heard = listening.hear(Query("pleural effusion", corpora=["small", "other"], domain="radiology"))
        words = next(one for one in heard.lists["radiology"] if one.name == "radiology words")
        (only,) = (one for one in VARIANTS if one.name == "BM25 only")
        assert set(listening.hits(heard, only, "radiology")) <= set(words.records)
        (merged,) = (one for one in VARIANTS if one.name == "one index")
        (apart,) = (one for one in VARIANTS if one.name == "no router")
        for variant in (merged, apart):
            domains = {measured.records[uid].domain for uid in listening.hits(heard, variant, "radiology")}
            assert domains == {"radiology", "ultrasound"}
        assert len(listening.hits(heard, replace(merged, only=("words",)), "radiology")) == 10
        own = listening.hits(heard, replace(ASIS, domains="own"), "ultrasound")
        assert {measured.records[uid].domain for uid in own} == {"ultrasound"}

    def test_a_variant_that_is_the_whole_is_not_offered(self, measured: Measured) -> None:
        names = {one.name for one in Listening(measured.retriever, measured.plan).variants}
        assert "reciprocal rank" not in names
        assert "no re-ranking" not in names
        assert {"standardised fusion", LEARNED, "without words"} <= names
        assert "no quotas" not in names
        assert any(one.fusion == ReciprocalRank() for one in VARIANTS)


class TestEvaluation:
    """Rows, their measures, and what they come to."""

    def test_leaks_are_none_and_bounds_hold(self, measured: Measured) -> None:
        rows = measured.rows()
        assert sum(row.duplicates + row.same_patient for row in rows) == 0
        ways = {(row.sides, row.variant) for row in rows}
        assert {(sides, name) for sides in SIDES for name in (WHOLE, RANDOM, BEST)} <= ways
        assert ("picture", "without words") not in ways
        for row in rows:
            assert not set(row.found) & row.subject.hidden
            assert all(0 <= value <= 1 for value in row.measures.values())
            if row.variant == BEST:
                assert row.measures["nDCG@10"] == pytest.approx(1.0)
        lines = [json.loads(json.dumps(row.line(measured.records))) for row in rows]
        assert {line["domain"] for line in lines} == {"radiology", "ultrasound", "textbook"}
        assert all(len(line["found"]) == len(line["grades"]) for line in lines)

    def test_a_leak_would_be_counted(self, measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "retrievers.evaluation.questions.Query",
            lambda text, images, **_: Query(text, images, corpora=["small"]),
        )
        rows = [row for row in measured.rows(ablation=False, domains=["radiology"]) if row.variant == WHOLE]
        assert sum(row.duplicates for row in rows) > 0
        assert sum(row.same_patient for row in rows) > 0

    def test_the_same_seed_gives_the_same_rows(self, measured: Measured) -> None:
        def found(seed: int) -> list[tuple[str, str, str, tuple[int, ...]]]:
            rows = measured.rows(seed=seed, ablation=False)
            return [(row.subject.record.id, row.sides, row.variant, row.found) for row in rows]

        assert found(3) == found(3)
        assert found(3) != found(4)

    def test_tables_plot_and_page(self, measured: Measured, tmp_path: Path) -> None:
        rows = measured.rows(most=3)
        summary = summary_of(rows, (Gap(), FixedK(3)))
        text = as_markdown(tables_of(summary))
        for part in ("Every question: the whole and its parts", "| **whole** |", "| BM25 only |", "Routing", "best"):
            assert part in text
        assert "0 near duplicates and 0 records of the asked patient" in text
        _check_gains(summary)
        plot_retrieval(summary, tmp_path / "plot.png", held_out=False)
        manifest = {"index": "<default> v1", "created": "now", "held_out": False}
        write_report(
            tmp_path / "report.html", tables_of(summary), rows, measured.records, measured.retriever.images, manifest,
            (tmp_path / "plot.png").read_bytes(),
        )  # fmt: skip
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "not a medical device" in page
        assert "&lt;default&gt; v1" in page
        assert "data:image/png;base64," in page
        assert "data:image/webp;base64," in page
        assert not re.search(r"(?:src|href)=.https?:", page)
        assert page.count("<article>") == sum(
            len(worst_rows(rows, domain, sides)) for domain in {row.domain for row in rows} for sides in SIDES
        )

    def test_what_could_not_be_asked_is_no_zero(self, measured: Measured) -> None:
        rows = measured.rows(most=3, ablation=False)
        summary = summary_of(rows)
        assert {domain for one in summary.routing.values() for domain in one} == {"radiology", "ultrasound"}
        (routing,) = (table for table in tables_of(summary) if table.title == "Routing")
        place = routing.columns.index("textbook")  # a figure may show any domain
        assert {row[place] for row in routing.rows} == {"–"}
        unreachable = [
            replace(row, measures={**row.measures, "P(rel=2)@5": 0.0}) if row.domain == "radiology" else row
            for row in rows
        ]
        (asked, *_) = (table for table in tables_of(summary_of(unreachable)) if table.title == "Asked by picture")
        cells = {(row[0], row[1]): row[asked.columns.index("P(rel=2)@5")] for row in asked.rows}
        assert {cells["radiology", name] for name in (RANDOM, WHOLE, BEST)} == {"–"}
        assert "–" not in {cells["macro", name] for name in (RANDOM, WHOLE, BEST)}


@pytest.mark.parametrize(
    ("found", "right", "shown"),
    [
        ((1, 2, 3, 4, 5, 9), (5, 4, 3, 2, 1, 6), False),  # all that is shown is right, in whatever order
        ((1, 2, 9, 8, 7, 6), (1, 2), False),  # there are no more
        ((1, 9, 2, 3, 4, 5), (1, 2, 3, 4, 5), True),
        ((9, 8, 7), (1,), True),
    ],
)
def test_the_worst_are_those_that_show_something_wrong(
    found: tuple[int, ...], right: tuple[int, ...], shown: bool
) -> None:
    nothing = frozenset[int]()
    subject = Subject(case(0), "p", dict.fromkeys(right, 1), nothing, nothing, nothing, frozenset(), ())
    row = Row(subject, "words", WHOLE, found, "radiology", 0, 0, measures={"nDCG@10": 0.5, "P@5": 0.5})
    assert worst_rows([row], "radiology", "words") == ([row] if shown else [])


def _check_gains(summary: Summary) -> None:
    whole, words = summary.standing(ALL), summary.standing(ALL, "BM25 only")
    assert whole is not None
    assert words is not None
    gain = words.gains["nDCG@10"]
    assert gain.mean == pytest.approx(whole.macro["nDCG@10"].mean - words.macro["nDCG@10"].mean, abs=2e-4)
    assert gain.adjusted is not None
    assert gain.adjusted >= gain.p
    fixed = [one for one in summary.contexts if one.policy == "fixed"]
    assert fixed
    assert all(one.gain.mean == 0 and one.gain.p == 1 for one in fixed)
