"""What a question may see. Ten thousand random questions: never a forbidden record, never a permitted one hidden."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from corpora.catalog import Catalog, Corpus
from corpora.errors import UnknownNameError
from corpora.home import Home
from corpora.records import Record
from indexing.encoders import EncoderPlan
from indexing.encoders.base import unit_rows
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.vectors import make_index
from retrievers import Query, Retriever
from retrievers.router import Router
from retrievers.scope import Scope
from tests.conftest import case, fill

GROUPS: dict[str, tuple[str, ...]] = {"open": (), "staff": ("staff",), "study": ("study", "admin"), "odd.name-1": ()}


def some_records() -> list[Record]:
    found = []
    for corpus in GROUPS:
        for number in range(12):
            one = case(number, corpus=corpus, domain="radiology" if number % 3 else "pathology")
            found.append(
                replace(one, day=None if number % 5 == 4 else number, patient="" if number % 6 == 5 else one.patient)
            )
    return found


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    with Catalog.open(home.catalog_url) as opened:
        for corpus, groups in GROUPS.items():
            opened.put_corpus(Corpus(corpus, groups=groups))
        opened.add(some_records())
        yield opened


def allowed(query: Query, record: Record) -> bool:
    """The rules, one at a time, as a person would check them."""
    groups = GROUPS[record.corpus]
    if query.corpora is not None and record.corpus not in query.corpora:
        return False
    if query.groups is not None and groups and not set(groups) & set(query.groups):
        return False
    if record.id in query.exclude or f"{record.corpus}/{record.id}" in query.exclude:
        return False
    if f"{record.corpus}/{record.patient}" in query.exclude_patients:
        return False
    if query.before is not None and record.day is not None and record.day >= query.before:
        corpus, _, patient = query.patient.partition("/")
        return bool(query.patient) and (record.corpus, record.patient) != (corpus, patient)
    return True


def some_query(chance: random.Random, records: list[Record]) -> Query:
    def maybe(values: list[str]) -> list[str]:
        return chance.sample(values, chance.randint(0, min(3, len(values)))) if chance.random() < 0.6 else []

    ids = [record.id for record in records] + [f"{record.corpus}/{record.id}" for record in records] + ["no-such"]
    patients = [f"{record.corpus}/{record.patient}" for record in records] + ["no/such"]
    groups = None if chance.random() < 0.3 else chance.sample(["staff", "study", "admin", "none"], chance.randint(0, 2))
    seen = [name for name, those in GROUPS.items() if groups is None or not those or set(those) & set(groups)]
    return Query(
        text="pleural effusion",
        exclude=maybe(ids),
        exclude_patients=maybe(patients),
        corpora=None if chance.random() < 0.4 else chance.sample(seen, chance.randint(0, len(seen))),
        groups=groups,
        before=None if chance.random() < 0.5 else chance.randint(-1, 13),
        patient=chance.choice(["", "", "open/p1", "study/p3", "open/stranger"]),
        domain=chance.choice(["radiology", "pathology"]),
        neighbours=chance.choice([0, 0, 3]),
    )


@pytest.mark.parametrize("kind", ["exact", "flat"])
def test_ten_thousand_questions_see_just_what_they_may(catalog: Catalog, kind: str) -> None:
    chance = random.Random(11)
    records = list(catalog.records())
    indexed = np.array([record.uid for record in records], np.int64)
    vectors = unit_rows(np.random.default_rng(1).standard_normal((len(records), 8)))
    index = make_index(vectors, indexed, kind)
    scope = Scope(catalog)
    here = dict(zip(indexed.tolist(), records, strict=True))
    for number in range(5000):
        if number % 500 == 499:  # a record goes; the next question does not see it
            gone = chance.choice(list(here.values()))
            catalog.remove(gone.corpus, gone.id)
            del here[gone.uid]
        query = some_query(chance, records)
        wanted = {uid for uid, record in here.items() if allowed(query, record)}
        found = index.search(vectors[:1], len(records), scope.filter(query, indexed))[1]
        assert set(found[found >= 0].tolist()) == wanted, query
        view, asked = scope.view(query), [*chance.sample(indexed.tolist(), len(indexed)), 1, 2**62]
        assert view.visible(asked) == wanted, query
        assert view.names(asked) == {uid: f"{here[uid].corpus}/{here[uid].id}" for uid in wanted}, query


def test_whole_searches_never_show_a_forbidden_record(
    home: Home, tiny: EncoderPlan, catalog: Catalog, no_router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    for corpus, groups in GROUPS.items():  # with pictures, of which some are easily confused
        catalog.put_corpus(Corpus(corpus, groups=groups))
        catalog.add([replace(case(n, home, corpus), id=f"seen-{n}", patient=f"s{n}", day=n) for n in range(12)])
    build_index(home, options=BuildOptions(plan=tiny))
    monkeypatch.setattr(OpenedIndex, "confusable", lambda self, domain, uid: tuple(self.records[:9].tolist()))
    chance = random.Random(12)
    records = list(catalog.records())
    shown = brought = flagged = stood = 0
    with Retriever(home, plan=tiny, router=no_router) as retriever:
        for number in range(300):
            if number % 100 == 99:
                gone = records.pop(chance.randrange(len(records)))
                catalog.remove(gone.corpus, gone.id)
            query = some_query(chance, records)
            hits = retriever.search(query, 20).hits
            here = {(record.corpus, record.id) for record in records}
            for hit in hits:
                assert allowed(query, hit.record), query
                assert hit.record.domain == query.domain or hit.relation
                assert (hit.record.corpus, hit.record.id) in here
                for twin in (*hit.duplicates, *hit.confusable):
                    corpus, _, key = twin.partition("/")
                    assert allowed(query, catalog.find(corpus, key)), query
            shown += len(hits)
            brought += sum(bool(hit.relation) for hit in hits)
            flagged += sum(bool(hit.confusable) for hit in hits)
            other = chance.choice(records)
            ranks = retriever.standing(query, other).ranks
            assert not ranks or allowed(query, other), query
            stood += bool(ranks)
            if query.patient:
                for study in retriever.search(query, 1).timeline.studies:  # type: ignore[union-attr]
                    assert all(allowed(query, record) for record in study.records), query
    assert shown > 500
    assert brought > 50
    assert flagged > 20
    assert stood > 20


def test_everything_visible_needs_no_filter(catalog: Catalog) -> None:
    indexed = np.array([record.uid for record in catalog.records()], np.int64)
    scope = Scope(catalog)
    assert scope.filter(Query(text="x"), indexed) is None
    assert scope.filter(Query(text="x"), np.zeros(0, np.int64)) is None


def test_what_is_indexed_and_no_longer_in_the_catalogue_is_hidden(catalog: Catalog) -> None:
    indexed = np.sort(np.array([*(record.uid for record in catalog.records()), 12345], np.int64))
    found = Scope(catalog).filter(Query(text="x"), indexed)
    assert found is not None
    assert not found.mask(np.array([12345]))[0]


def test_an_empty_catalogue_hides_everything(home: Home) -> None:
    with Catalog.open(home.catalog_url) as catalog:
        found = Scope(catalog).filter(
            Query(text="x", exclude=["a"], exclude_patients=["c/p"], before=3), np.array([5, 9])
        )
        assert found is not None
        assert not found.mask(np.array([5, 9])).any()


def test_a_corpus_that_may_not_be_seen_is_as_if_it_were_not_there(catalog: Catalog) -> None:
    for name in ("study", "nowhere"):
        with pytest.raises(UnknownNameError) as told:
            Scope(catalog).view(Query(text="x", corpora=[name], groups=["staff"]))
        assert str(told.value) == f"There is no corpus named {name!r}; known: odd.name-1, open, staff."


def test_a_patient_whose_name_holds_a_slash(home: Home) -> None:
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("small"))
        records = [replace(case(n), patient="ward/7", day=n) for n in range(4)]
        catalog.add(records)
        scope = Scope(catalog)
        uids = [record.uid for record in records]
        for patient in ("ward/7", "small/ward/7"):
            view = scope.view(Query(text="x", patient=patient, before=2))
            assert view.visible(uids) == set(uids[:2])
            assert view.patient == (("small",), "ward/7")


def test_an_unknown_corpus_is_told(catalog: Catalog) -> None:
    with pytest.raises(UnknownNameError, match=r"no corpus named 'nowhere'; known: odd\.name-1, open"):
        Scope(catalog).filter(Query(text="x", corpora=["nowhere"]), np.array([5]))


def test_access_that_is_taken_away_holds_from_the_next_question_on(home: Home) -> None:
    records = fill(home, 4)
    indexed = np.sort(np.array([record.uid for record in records], np.int64))
    with Catalog.open(home.catalog_url) as catalog:
        scope = Scope(catalog)
        query = Query(text="x", groups=["guests"])
        assert scope.filter(query, indexed) is None
        catalog.put_corpus(Corpus("small", groups=("staff",)))
        hidden = scope.filter(query, indexed)
        assert hidden is not None
        assert not hidden.mask(indexed).any()
        assert scope.filter(Query(text="x", groups=["staff"]), indexed) is None
        assert scope.filter(Query(text="x"), indexed) is None


def test_one_look_serves_those_who_asked_before_it_and_nobody_after(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes while a look lasts shares the next one with others, and does not take what that look saw."""
    scope, looks = Scope(catalog), list[int]()
    scope.view(Query(text="x"))
    begun, go = threading.Event(), threading.Event()
    kept = Catalog.revision.fget
    assert kept is not None

    def slow(self: Catalog) -> int:
        looks.append(kept(self))
        begun.set()
        go.wait(30)
        return looks[-1]

    monkeypatch.setattr(Catalog, "revision", property(slow))
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(scope.view, Query(text="x"))
        begun.wait(30)
        gone = next(iter(catalog.records(corpora=["open"])))
        catalog.remove(gone.corpus, gone.id)
        later = [threads.submit(scope.view, Query(text="x")) for _ in range(7)]
        go.set()
        assert gone.uid in first.result(30)
        assert not any(gone.uid in one.result(30) for one in later)
    assert 2 <= len(looks) <= 8


def test_a_look_that_failed_is_nobodys_answer(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = Scope(catalog)
    gone = next(iter(catalog.records(corpora=["open"])))
    assert gone.uid in scope.view(Query(text="x"))
    catalog.remove(gone.corpus, gone.id)
    with monkeypatch.context() as patched:
        patched.setattr(Scope, "_read", lambda *_: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                scope.view(Query(text="x"))
    assert gone.uid not in scope.view(Query(text="x"))
