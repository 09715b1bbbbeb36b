"""What comes along with hits: neighbours, a patient's timeline, both sides of a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from corpora.catalog import Catalog, Corpus
from corpora.errors import InputError, QueryError, UnknownNameError
from corpora.home import Home
from corpora.records import Record
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from retrievers import Query, Retriever
from retrievers.contrast import contrast_of
from retrievers.found import Hit
from retrievers.neighbours import neighbours_of
from retrievers.router import Router
from retrievers.selection import TopRatio
from retrievers.timeline import timeline_of
from tests.conftest import case, picture

SECTION = {"chapter": "Lungs", "section": ["Pleura"]}
FIGURE = Record(
    "fig-1", "book", "figure", "textbook", caption="A meniscus.", mentions=("It blunts the angle.",), attributes=SECTION
)
PASSAGES = [
    Record(
        "p-1",
        "book",
        "passage",
        "textbook",
        report="It blunts the angle.",
        attributes={**SECTION, "figures": ["fig-1"]},
    ),
    Record(
        "p-2", "book", "passage", "textbook", report="The pleura is a membrane.", attributes={**SECTION, "figures": []}
    ),
    Record(
        "p-3", "book", "passage", "textbook", report='About 100% "other" things_.', attributes={"section": ["Bone"]}
    ),
]


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    with Catalog.open(home.catalog_url) as opened:
        for name, groups in (("small", ()), ("book", ()), ("secret", ("staff",))):
            opened.put_corpus(Corpus(name, groups=groups))
        opened.add([case(n, home) for n in range(6)])
        opened.add([case(n, home, "secret") for n in range(6)])
        opened.add([FIGURE, *PASSAGES])
        yield opened


@pytest.fixture
def retriever(home: Home, catalog: Catalog, tiny: EncoderPlan, no_router: Router) -> Iterator[Retriever]:
    build_index(home, options=BuildOptions(plan=tiny))
    with Retriever(home, plan=tiny, router=no_router) as opened:
        yield opened


def along(record: Record, catalog: Catalog) -> list[tuple[str, str]]:
    return [(one.relation, one.record.id) for one in neighbours_of(record, catalog)]


class TestNeighbours:
    """The graph of records."""

    def test_figures_and_their_paragraphs(self, catalog: Catalog) -> None:
        assert along(FIGURE, catalog) == [("explains", "p-1"), ("same section", "p-2")]
        assert along(PASSAGES[0], catalog) == [("illustrates", "fig-1"), ("same section", "p-2")]
        assert along(PASSAGES[2], catalog) == []

    def test_studies_of_a_patient_nearest_first(self, catalog: Catalog) -> None:
        assert along(catalog.find("small", "case-3"), catalog) == [("earlier study", "case-2")]
        assert along(catalog.find("small", "case-2"), catalog) == [("later study", "case-3")]
        extra = replace(case(3), id="case-3b", day=3), replace(case(3), id="old", day=-50)
        catalog.add(extra)
        assert along(catalog.find("small", "case-3"), catalog) == [
            ("earlier study", "case-2"), ("earlier study", "old"), ("same study", "case-3b"),
        ]  # fmt: skip

    def test_a_hit_brings_them_and_they_count(self, retriever: Retriever) -> None:
        query = Query(text="pleural effusion grade 0", domain="radiology", corpora=["small"])
        plain = retriever.search(query, 2).hits
        assert [hit.record.id for hit in plain] == ["case-0", "case-5"]
        assert not any(hit.relation for hit in plain)
        first, second = retriever.search(replace(query, neighbours=1), 2).hits
        assert first == plain[0]
        assert (second.record.id, second.relation, second.neighbour_of) == ("case-1", "later study", "small/case-0")
        assert second.ranks == {}
        four = retriever.search(replace(query, neighbours=3), 4).hits
        assert len({hit.record.uid for hit in four}) == len(four) == 4

    def test_one_that_was_found_itself_moves_up(self, retriever: Retriever) -> None:
        query = Query(text="pneumothorax grade 1 patient 0", domain="radiology", corpora=["small"])
        plain = [hit.record.id for hit in retriever.search(query, 6).hits]
        owner = plain[0]
        other = {"case-0": "case-1", "case-1": "case-0"}[owner]
        assert plain.index(other) > 0
        moved = retriever.search(replace(query, neighbours=1), 6).hits
        assert [hit.record.id for hit in moved[:2]] == [owner, other]
        assert moved[1].ranks
        assert moved[1].neighbour_of == f"small/{owner}"

    def test_attributes_that_a_site_fills_its_own_way(self, catalog: Catalog) -> None:
        odd = [
            Record(
                f"odd-{n}", "book", "passage", "textbook", report="x", attributes={"section": value, "figures": value}
            )
            for n, value in enumerate((4, "Pleura", ["Pleura"], None, {"a": 1}, [1, 2], ""))
        ]
        catalog.add(odd)
        assert [along(one, catalog) for one in odd if one.id in ("odd-0", "odd-3", "odd-4", "odd-5", "odd-6")] == [
            []
        ] * 5
        assert ("same section", "odd-2") in along(odd[1], catalog)

    def test_a_neighbour_of_another_group_stays_away(self, retriever: Retriever) -> None:
        query = Query(text="pleural effusion", domain="radiology", neighbours=5, groups=["guests"])
        assert {hit.record.corpus for hit in retriever.search(query, 12).hits} == {"small", "book"}

    def test_how_many(self) -> None:
        with pytest.raises(QueryError, match="between 0 and 20"):
            Query(text="x", neighbours=21)


class TestTimeline:
    """Earlier studies."""

    def test_the_last_study_before_a_day_and_what_it_says_of_a_region(self) -> None:
        def study(day: int | None, report: str, number: int = 0) -> Record:
            return Record(f"d{day}-{number}", "c", "case", "radiology", report=report, patient="p", day=day)

        records = [
            study(20, "Later."),
            study(10, "Small left pleural effusion. The heart is large."),
            study(10, "Small left pleural effusion. The heart is large.", 1),
            study(3, "Normal."),
            study(None, "Some day."),
        ]
        found = timeline_of("c/p", records, before=20, asked="Is there an effusion?")
        assert [one.day for one in found.studies] == [3, 10, 20, None]
        assert found.prior is not None
        assert (found.prior.day, len(found.prior.records)) == (10, 2)
        assert found.whole == "Small left pleural effusion. The heart is large."
        assert found.regional == "Small left pleural effusion."
        assert timeline_of("c/p", records, asked="hello").regional == ""
        assert timeline_of("c/p", records, before=3).prior is None
        assert timeline_of("c/p", records).prior == found.studies[2]

    def test_a_search_tells_it_and_hides_what_may_not_be_seen(self, retriever: Retriever) -> None:
        query = Query(text="Is there a pneumothorax?", patient="p1", before=3, domain="radiology", groups=["guests"])
        found = retriever.search(query)
        assert found.timeline is not None
        assert [record.id for one in found.timeline.studies for record in one.records] == ["case-2"]
        assert "grade 2" in found.timeline.whole
        with pytest.raises(InputError, match=r"say which: small/p1, secret/p1|say which: secret/p1, small/p1"):
            retriever.timeline(replace(query, groups=None))
        named = retriever.timeline(replace(query, groups=None, patient="small/p1"))
        assert (named.patient, len(named.studies)) == ("small/p1", 1)
        assert retriever.search(replace(query, patient="")).timeline is None

    def test_a_patient_needs_no_question_for_it_but_for_a_search(self, retriever: Retriever) -> None:
        query = Query(patient="small/p1")
        assert retriever.timeline(query).studies == retriever.timeline(replace(query, text="pneumothorax")).studies
        assert retriever.timeline(query).regional == ""
        for domain in (None, "radiology"):
            for asked in (retriever.search, retriever.route):
                with pytest.raises(QueryError, match="give a text, a picture, or both"):
                    asked(replace(query, domain=domain))

    def test_no_such_patient(self, retriever: Retriever) -> None:
        for query in (Query(text="x", patient="nobody"), Query(text="x", patient="secret/p1", groups=["guests"])):
            with pytest.raises(UnknownNameError, match="patient"):
                retriever.timeline(query)
        with pytest.raises(InputError, match="names no patient"):
            retriever.timeline(Query(text="x"))

    @pytest.mark.parametrize(
        ("words", "expected", "relation"),
        [
            ("the same patient, earlier", "case-2", "earlier study"),
            ("the same patient, later", "case-9", "later study"),
            ("the same patient, 12 days before", "old", "earlier study"),
        ],
    )
    def test_another_study_of_the_same_patient(
        self, home: Home, tiny: EncoderPlan, no_router: Router, words: str, expected: str, relation: str
    ) -> None:
        with Catalog.open(home.catalog_url) as catalog:
            catalog.put_corpus(Corpus("small"))
            own = [replace(case(n, home), patient="p") for n in (2, 3, 9)]
            catalog.add([*own, replace(case(7, home), id="old", patient="p", day=-9), *(case(n, home) for n in (4, 5))])
        build_index(home, options=BuildOptions(plan=tiny))
        with Retriever(home, plan=tiny, router=no_router, policy=TopRatio()) as retriever:
            query = Query(text=words, images=[picture(3)], patient="small/p", domain="radiology")
            found = retriever.search(query, 3)
            assert found.reordered
            assert found.hits[0].record.id == expected
            assert found.hits[0].relation in (relation, "")
            assert "order was asked for" in found.selection.reason
            if relation == "earlier study" and expected == "case-2":  # and without a picture
                told = retriever.search(Query(text=words, patient="small/p", before=3, domain="radiology"), 3)
                assert told.hits[0].record.id == expected
                assert told.reordered


class TestContrast:
    """Both sides of a finding."""

    def hit(self, key: str, report: str = "", **more: object) -> Hit:
        return Hit(Record(key, "c", "case", "radiology", report=report, **more), 1.0, {}, {})  # type: ignore[arg-type]

    def test_the_nearest_of_each(self) -> None:
        hits = [
            self.hit("silent", "The heart is normal in size."),
            self.hit("no", "No pleural effusion."),
            self.hit("maybe", "Possible pleural effusion."),
            self.hit("yes", labels=("pleural effusion",)),
            self.hit("also", labels=("pleural effusion",)),
        ]
        found = contrast_of("pleural effusion", hits)
        assert found.affirming == hits[3]
        assert found.denying == replace(hits[1], sentence="No pleural effusion.")
        assert found.looked == 5
        assert contrast_of("fracture", hits[:1]).affirming is None

    def test_of_a_picture(self, retriever: Retriever) -> None:
        found = retriever.contrast(Query(text="Is there a pneumothorax?", images=[picture(1)], domain="radiology"))
        assert found.finding == "pneumothorax"
        assert found.affirming is not None
        assert found.affirming.record.labels == ("pneumothorax",)
        assert found.denying is not None
        assert found.denying.record.labels == ("normal",)
        for spelling in ("consolidation", "Consolidation", "consolidations"):
            named = retriever.contrast(Query(images=[picture(1)], domain="radiology"), spelling)
            assert named.affirming is not None
            assert named.finding == "consolidation"
        with pytest.raises(InputError, match="'zebra' is no finding"):
            retriever.contrast(Query(images=[picture(1)], domain="radiology"), "zebra")
        with pytest.raises(InputError, match="names no finding"):
            retriever.contrast(Query(images=[picture(1)], domain="radiology"))
