"""The retriever on a home of drawn cases, with the encoders that come along."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from corpora.catalog import Catalog, Corpus
from corpora.errors import (
    EncoderMismatchError,
    HomeVersionError,
    IndexMissingError,
    InputError,
    QueryError,
    SourceError,
    UnknownNameError,
)
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Region
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from indexing.shards import IndexFolder
from retrievers import Found, Query, Retriever
from retrievers.found import DomainFound
from retrievers.router import Router
from retrievers.selection import FixedK
from tests.conftest import fill
from tests.indexing import tiny_encoder
from tests.retrievers.conftest import Drawn, record


@pytest.fixture(scope="module")
def retriever(drawn_home: Home) -> Iterator[Retriever]:
    with Retriever.open(drawn_home) as opened:
        yield opened


@pytest.fixture
def own_home(drawn_home: Home, tmp_path: Path) -> Home:
    """A copy that a test may change."""
    return Home.open(shutil.copytree(drawn_home.path, tmp_path / "own"))


def ids(found: Found) -> list[str]:
    return [hit.record.id for hit in found.hits]


class TestSearch:
    """Text, pictures, both."""

    def test_a_picture_finds_itself_first(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        for one in drawn:
            found = retriever.search(Query(images=[one.data]), k=3)
            best = found.hits[0]
            assert best.record.id == one.case.id
            assert found.domain.name == one.domain
            assert best.ranks[f"{one.domain} image→image"] == 1
            assert best.similarities[f"{one.domain} image→image"] == pytest.approx(1.0, abs=0.01)
            assert best.similarity("image→image") == best.similarities[f"{one.domain} image→image"]
            assert best.similarity("no→such") is None

    def test_the_very_picture_comes_first_whatever_is_asked(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        for one in drawn:
            found = retriever.search(Query("Is there a pleural effusion?", [one.data]), k=2)
            assert found.hits[0].record.id == one.case.id

    def test_few_hits_are_the_first_of_many(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        for query in (
            Query(images=[drawn[0].data]),
            Query("Drusen of the retina"),
            Query("melanoma?", [drawn[7].data]),
        ):
            many = retriever.search(query, k=10).hits
            for k in range(1, 10):
                assert retriever.search(query, k=k).hits == many[:k]

    def test_a_picture_of_the_home_is_never_turned_away(
        self, retriever: Retriever, drawn: list[Drawn], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Router, "_by_picture", lambda *_: DomainFound(None, 1.0, {}, (), "strange"))
        for one in drawn:
            found = retriever.search(Query(images=[one.data]), k=1)
            assert (found.domain.name, found.hits[0].record.id) == (one.domain, one.case.id)
            hidden = Query(images=[one.data], exclude=[one.case.id])
            assert retriever.search(hidden).domain.reason == "strange"

    @pytest.mark.parametrize("words", ["effusion on xray", "chest film with pleural effusion", "effusion on CXR"])
    def test_a_modality_decides_the_domain_in_any_spelling(self, retriever: Retriever, words: str) -> None:
        assert retriever.route(Query(words)).name == "radiology"

    def test_words_find_cases_and_pages(self, retriever: Retriever) -> None:
        found = retriever.search(Query(text="Is there a pleural effusion on the chest radiograph?"), k=5)
        assert "radiology" in found.domain.searched
        assert "page-1" in ids(found)
        assert "pleural effusion" in found.hits[0].record.labels or found.hits[0].record.id == "page-1"
        page = next(hit for hit in found.hits if hit.record.id == "page-1")
        assert set(page.ranks) <= {"textbook text→text", "textbook text→image", "textbook words"}
        assert page.sentence == "A pleural effusion blunts the costophrenic angle."

    @pytest.mark.parametrize(("unlikely", "order"), [(0.45, "urur"), (0.05, "uurr")])
    def test_an_unlikely_domain_has_few_places(
        self, retriever: Retriever, monkeypatch: pytest.MonkeyPatch, unlikely: float, order: str
    ) -> None:
        posterior = {"ultrasound": 0.5, "radiology": unlikely}
        unsure = DomainFound("ultrasound", 0.5, posterior, ("ultrasound", "radiology", "textbook"))
        monkeypatch.setattr(Router, "route", lambda *_: unsure)
        found = retriever.search(Query(text="Is the pleura normal?"), k=8)
        assert "".join(hit.record.domain[0] for hit in found.hits if hit.record.kind == "case")[:4] == order

    def test_a_question_beside_a_picture_does_not_outweigh_it(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        cardiomegaly = drawn[1]
        found = retriever.search(Query(text="Is there a pleural effusion?", images=[cardiomegaly.data]), k=5)
        cases = [hit.record.id for hit in found.hits if hit.record.kind == "case"]
        assert cases[0] == cardiomegaly.case.id
        assert any(name.endswith("text→text") for hit in found.hits for name in hit.ranks)

    def test_a_description_beside_a_picture_counts_in_full(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        """The same words, put as a question or as what is wanted."""
        described = Query(text="bilateral pleural effusions in both lungs", images=[drawn[1].data])
        asked = replace(described, question=True)
        effusion = drawn[0].case.id
        scores = {}
        for query in (described, asked):
            hits = retriever.search(query, k=5).hits
            scores[query.question] = next(hit.score for hit in hits if hit.record.id == effusion)
            assert (hits[0].record.id == effusion) == (query is described)
        assert scores[None] > scores[True]

    def test_scores_fall_and_records_are_distinct(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        found = retriever.search(Query(text="effusion", images=[drawn[0].data]), k=10)
        scores = [hit.score for hit in found.hits]
        assert scores == sorted(scores, reverse=True)
        assert len(set(ids(found))) == len(found.hits)
        assert found.selection.candidates == len(found.hits)
        assert found.selected == found.hits[: found.selection.kept]
        assert found.index == "default v1"
        assert found.encoders["embedded:radiology"].startswith("embedded:radiology/")

    def test_k_is_respected(self, retriever: Retriever) -> None:
        for k in (1, 2, 7):
            assert len(retriever.search(Query(text="pleural effusion"), k=k).hits) <= k
        for k in (0, -1, 201):
            with pytest.raises(InputError, match="between 1 and 200"):
                retriever.search(Query(text="x"), k=k)

    def test_a_region_asks_about_a_part(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        asked = Query(images=[drawn[0].data], region=Region(10, 10, 200, 200), domain="radiology")
        part = retriever.search(asked, k=3)
        whole = retriever.search(replace(asked, images=[drawn[0].data], region=None), k=3)
        assert part.hits[0].similarities != whole.hits[0].similarities
        with pytest.raises(QueryError, match="outside"):
            retriever.search(Query(images=[drawn[0].data], region=Region(9000, 0, 9001, 1)), k=3)

    def test_out_of_every_domain_nothing_is_searched(self, retriever: Retriever) -> None:
        found = retriever.search(Query(text="Who won the football match on Sunday?"), k=5)
        assert found.hits == ()
        assert found.domain.name is None
        assert found.selection.kept == 0
        assert "out of every domain" in found.selection.reason

    def test_a_batch_is_one_search_after_the_other(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        queries = [Query(text="pleural effusion"), Query(images=[drawn[7].data])]
        assert retriever.batch(queries, k=3) == [retriever.search(query, 3) for query in queries]

    def test_routing_alone(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        assert retriever.route(Query(images=[drawn[9].data])).name == "pathology"

    def test_eight_threads_find_what_one_finds(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        queries = [Query(images=[one.data]) for one in drawn]
        queries += [Query(text=f"{label}?", domain=one.domain) for one in drawn for label in one.case.labels[:2]]
        queries += [Query(text="effusion", exclude=[one.case.id], images=[one.data]) for one in drawn[:4]]
        with ThreadPoolExecutor(8) as pool:
            at_once = list(pool.map(lambda query: retriever.search(query, 5), queries))
        for query, found in zip(queries, at_once, strict=True):
            assert found == retriever.search(query, 5)


class TestScope:
    """What a question leaves out."""

    def test_exclusions(self, retriever: Retriever, drawn: list[Drawn]) -> None:
        first = drawn[0]
        for query in (
            Query(images=[first.data], exclude=[first.case.id]),
            Query(images=[first.data], exclude=[f"drawn/{first.case.id}"]),
            Query(images=[first.data], exclude_patients=[f"drawn/{first.case.patient}"]),
        ):
            found = retriever.search(query, k=10)
            assert first.case.id not in ids(found)
            assert found.hits

    def test_corpora(self, retriever: Retriever) -> None:
        found = retriever.search(Query(text="pleural effusion", corpora=["book"]), k=10)
        assert {hit.record.corpus for hit in found.hits} == {"book"}
        with pytest.raises(UnknownNameError, match="known: book, drawn"):
            retriever.search(Query(text="x", corpora=["nowhere"]))

    def test_groups_and_removals_hold_from_the_next_question_on(self, own_home: Home, drawn: list[Drawn]) -> None:
        first = drawn[0]
        with Retriever.open(own_home) as retriever:
            asked = Query(images=[first.data], groups=["guests"])
            assert ids(retriever.search(asked))[0] == first.case.id
            retriever.catalog.put_corpus(Corpus("drawn", groups=("staff",)))
            assert first.case.id not in ids(retriever.search(asked))
            assert ids(retriever.search(replace(asked, images=[first.data], groups=["staff"])))[0] == first.case.id
            retriever.catalog.remove("drawn", first.case.id)
            assert first.case.id not in ids(retriever.search(Query(images=[first.data])))

    def test_a_domain_that_is_not_there(self, retriever: Retriever) -> None:
        with pytest.raises(UnknownNameError, match="no domain in this index named 'astrology'"):
            retriever.search(Query(text="x", domain="astrology"))


def test_the_same_picture_twice_is_one_hit(own_home: Home, drawn: list[Drawn]) -> None:
    first, store = drawn[0], ImageStore(own_home.images)
    with Catalog.open(own_home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("copies"))
        catalog.add([record(first, store, id="copy", corpus="copies", patient="other")])
    build_index(own_home, options=BuildOptions())
    with Retriever.open(own_home) as retriever:
        found = retriever.search(Query(images=[first.data]), k=10)
        assert len({first.case.id, "copy"} & set(ids(found))) == 1
        assert found.hits[0].duplicates in (("copies/copy",), (f"drawn/{first.case.id}",))


def test_a_newer_version_is_taken_up_by_the_next_search(own_home: Home, drawn: list[Drawn]) -> None:
    page = drawn[0].case
    with Retriever.open(own_home) as retriever:
        assert retriever.search(Query(text="pleural effusion")).index == "default v1"
        retriever.catalog.remove("drawn", page.id)
        build_index(own_home, options=BuildOptions())
        assert retriever.search(Query(text="pleural effusion")).index == "default v2"


def test_an_index_dropped_and_built_anew_is_taken_up(home: Home, tiny: EncoderPlan, no_router: Router) -> None:
    """The new one has the number of the old one."""
    fill(home, 4)
    build_index(home, options=BuildOptions(plan=tiny))
    asked = Query(text="pleural effusion", domain="radiology")
    with Retriever(home, plan=tiny, router=no_router) as retriever:
        assert len(retriever.search(asked).hits) == 4
        IndexFolder(home).drop()
        fill(home, 3, first=4)
        build_index(home, options=BuildOptions(plan=tiny))
        assert retriever.search(asked).index == "default v1"
        assert len(retriever.search(asked).hits) == 7


def test_another_encoder_than_that_of_the_index_is_refused(home: Home, tiny: EncoderPlan, no_router: Router) -> None:
    fill(home, 4)
    build_index(home, options=BuildOptions(plan=tiny))
    with Retriever(home, plan=tiny_encoder.OTHER_PLAN, router=no_router) as retriever:
        with pytest.raises(EncoderMismatchError, match="curbside index build"):
            retriever.search(Query(text="effusion", domain="radiology"))
        build_index(home, options=BuildOptions(plan=tiny_encoder.OTHER_PLAN))
        assert retriever.search(Query(text="effusion", domain="radiology")).hits


def test_the_policy_decides_how_many_become_context(home: Home, tiny: EncoderPlan, no_router: Router) -> None:
    fill(home, 30)
    build_index(home, options=BuildOptions(plan=tiny))
    with Retriever(home, plan=tiny, router=no_router, policy=FixedK()) as retriever:
        found = retriever.search(Query(text="effusion", domain="radiology"), k=20)
        assert (found.selection.policy, found.selection.kept) == ("fixed", 12)
        assert len(found.hits) == 20


class TestOpening:
    """Homes that cannot be searched."""

    def test_no_home(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no home at"):
            Retriever.open(tmp_path)

    def test_nothing_indexed(self, home: Home) -> None:
        with pytest.raises(IndexMissingError, match="curbside index build"):
            Retriever.open(home.path)

    def test_another_index(self, drawn_home: Home) -> None:
        with pytest.raises(IndexMissingError, match="'second'"):
            Retriever.open(drawn_home, index="second")
        with pytest.raises(InputError, match="cannot name an index"):
            Retriever.open(drawn_home, index="../default")

    def test_a_newer_home(self, own_home: Home) -> None:
        engine = create_engine(own_home.catalog_url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        with pytest.raises(HomeVersionError, match="update Curbside"):
            Retriever.open(own_home)
