"""The catalogue, the same on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from corpora import migrations
from corpora.catalog import Added, Catalog, Corpus
from corpora.errors import CatalogError, HomeVersionError, InputError, UnknownNameError
from corpora.records import Licence, Picture, Record
from corpora.tables import Base
from tests.conftest import case


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog.open(catalog_url) as opened:
        opened.put_corpus(Corpus("small"))
        yield opened


class TestCatalog:
    """What every database must do."""

    def test_records_are_new_then_unchanged_then_changed(self, catalog: Catalog) -> None:
        records = [case(number) for number in range(5)]
        assert catalog.add(records) == Added(new=5)
        assert catalog.add(records) == Added(unchanged=5)
        changed = replace(records[2], report="Other.")
        assert catalog.add([*records[:2], changed]) == Added(changed=1, unchanged=2)
        assert catalog.find("small", "case-2") == changed
        assert catalog.counts() == {"small": {"case": 5}}

    def test_of_the_same_record_twice_the_last_is_kept(self, catalog: Catalog) -> None:
        record = case(1)
        assert catalog.add([record, replace(record, report="Last.")]) == Added(new=1)
        assert catalog.find("small", record.id).report == "Last."

    def test_a_record_comes_back_as_it_was(self, catalog: Catalog) -> None:
        record = replace(
            case(1),
            id="größe/बायाँ 'x'; --",
            pictures=(Picture("a/b.png", "d" * 64, 3, 4, "PA", "film"), Picture(digest="e" * 64)),
            attributes={"age": 61, "nested": {"list": [1, 2.5, None]}},
            licence=Licence("CC0 1.0", "open", "https://example.org", "us"),
            day=2**62,
        )
        catalog.add([record])
        assert catalog.find("small", record.id) == record
        assert catalog.get([record.uid, 5]) == {record.uid: record}
        assert list(catalog.records()) == [record]

    def test_numbers_of_63_bits_survive(self, catalog: Catalog) -> None:
        records = [case(number) for number in range(400)]
        assert max(record.uid for record in records) > 2**62
        catalog.add(records)
        found = [key.uid for key in catalog.keys()]  # noqa: SIM118 (the catalogue's method)
        assert found == sorted(record.uid for record in records)
        assert set(catalog.get(record.uid for record in records)) == {record.uid for record in records}

    def test_records_are_read_in_the_order_of_their_numbers(self, catalog: Catalog) -> None:
        catalog.put_corpus(Corpus("other"))
        catalog.add([case(number) for number in range(1200)])
        catalog.add([case(number, corpus="other", domain="pathology") for number in range(7)])
        uids = [record.uid for record in catalog.records()]
        assert uids == sorted(uids)
        assert len(uids) == 1207
        assert {record.corpus for record in catalog.records(["other"])} == {"other"}
        assert len(list(catalog.records(domain="pathology"))) == 7
        assert list(catalog.records([])) == []

    def test_keys_tell_what_filters_need(self, catalog: Catalog) -> None:
        record = replace(case(3), modality="chest radiograph")
        catalog.add([record])
        (key,) = catalog.keys()
        assert (key.corpus, key.key, key.kind, key.domain) == ("small", "case-3", "case", "radiology")
        assert (key.modality, key.patient, key.day, key.content_hash) == (
            "chest radiograph",
            "p1",
            3,
            record.content_hash,
        )

    def test_studies_of_a_patient_are_in_order_and_undated_ones_last(self, catalog: Catalog) -> None:
        days = [9, None, -3, 2, 2]
        catalog.add([replace(case(n), patient="p", day=day) for n, day in enumerate(days)])
        catalog.add([replace(case(9), patient="q")])
        assert [record.day for record in catalog.studies("small", "p")] == [-3, 2, 2, 9, None]
        assert catalog.studies("small", "nobody") == []

    def test_the_revision_grows_with_every_change_and_only_then(self, catalog: Catalog) -> None:
        seen = [catalog.revision]
        for change in (
            lambda: catalog.add([case(1)]),
            lambda: catalog.add([replace(case(1), report="x")]),
            lambda: catalog.put_corpus(Corpus("small", groups=("staff",))),
            lambda: catalog.remove("small", "case-1"),
            lambda: catalog.remove_corpus("small"),
        ):
            change()
            seen.append(catalog.revision)
        assert seen == sorted(set(seen))
        catalog.put_corpus(Corpus("small"))
        catalog.add([case(1)])
        before = catalog.revision
        catalog.add([case(1)])
        list(catalog.records())
        assert catalog.revision == before

    def test_removing_a_record(self, catalog: Catalog) -> None:
        catalog.add([replace(case(1), pictures=(Picture(digest="a" * 64),)), case(2)])
        catalog.remove("small", "case-1")
        assert [record.id for record in catalog.records()] == ["case-2"]
        with pytest.raises(UnknownNameError, match="case-1"):
            catalog.remove("small", "case-1")
        with pytest.raises(UnknownNameError, match="case-1"):
            catalog.find("small", "case-1")

    def test_removing_a_corpus_takes_its_records_along(self, catalog: Catalog) -> None:
        catalog.put_corpus(Corpus("other"))
        catalog.add([replace(case(1), pictures=(Picture(digest="a" * 64),)), case(2), case(1, corpus="other")])
        assert catalog.remove_corpus("small") == 2
        assert [corpus.name for corpus in catalog.corpora()] == ["other"]
        assert len(list(catalog.records())) == 1
        with pytest.raises(UnknownNameError, match="known: other"):
            catalog.remove_corpus("small")

    def test_a_corpus_keeps_its_records_when_it_is_described_anew(self, catalog: Catalog) -> None:
        catalog.add([case(1)])
        corpus = Corpus("small", "Title", "jsonl", "somewhere", Licence("CC BY 4.0", "open"), ("staff", "guests"))
        catalog.put_corpus(corpus)
        assert catalog.corpus("small") == corpus
        assert catalog.corpora() == [corpus]
        assert len(list(catalog.records())) == 1

    def test_records_of_an_unknown_corpus_are_refused_whole(self, catalog: Catalog) -> None:
        with pytest.raises(CatalogError, match="'elsewhere' is not in the catalogue"):
            catalog.add([case(1), case(2, corpus="elsewhere")])
        assert list(catalog.records()) == []

    def test_four_threads_write_disjoint_and_equal_records(self, catalog: Catalog) -> None:
        records = [case(number) for number in range(240)]
        own = [records[start::4] for start in range(4)]
        with ThreadPoolExecutor(4) as pool:
            added = list(pool.map(lambda n: [catalog.add(own[n][i : i + 15]) for i in range(0, 60, 15)], range(4)))
            assert sum((one for some in added for one in some), Added()) == Added(new=240)
            same = [replace(record, report="same") for record in records]
            turned = [same, same[::-1], same[100:] + same[:100], same[50:] + same[:50]]
            again = list(pool.map(catalog.add, turned))
        assert sum(again, Added()) == Added(changed=240, unchanged=720)
        assert {record.report for record in catalog.records()} == {"same"}

    def test_four_threads_add_the_same_new_records(self, catalog: Catalog) -> None:
        records = [case(number) for number in range(100)]
        with ThreadPoolExecutor(4) as pool:
            added = list(pool.map(catalog.add, [records, records[::-1], records, records[::-1]]))
        assert sum(added, Added()) == Added(new=100, unchanged=300)

    def test_readers_are_not_disturbed_by_a_writer(self, catalog: Catalog) -> None:
        catalog.add([case(number) for number in range(100)])
        reading = catalog.keys()
        next(reading)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(catalog.add, [case(number) for number in range(100, 120)]).result(timeout=30)
        assert len(list(reading)) >= 99


class TestMigrations:
    """From nothing to the newest tables, and no further."""

    def test_the_migrations_make_just_the_tables_of_the_models(self, catalog_url: str) -> None:
        Catalog.open(catalog_url).close()
        engine = create_engine(catalog_url)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
            indexes = {index["name"] for index in inspect(connection).get_indexes("records")}
        engine.dispose()
        assert {"ix_records_domain", "ix_records_corpus_patient"} <= indexes

    def test_opening_again_changes_nothing(self, catalog_url: str) -> None:
        with Catalog.open(catalog_url) as catalog:
            catalog.put_corpus(Corpus("small"))
        with Catalog.open(catalog_url) as catalog:
            assert [corpus.name for corpus in catalog.corpora()] == ["small"]
            assert catalog.revision == 1

    def test_many_may_open_an_empty_database_at_once(self, catalog_url: str) -> None:
        with ThreadPoolExecutor(4) as pool:
            for catalog in pool.map(Catalog.open, [catalog_url] * 4):
                assert catalog.revision == 0
                catalog.close()

    def test_a_migration_that_fails_leaves_nothing(self, catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        from alembic import op

        def broken(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(op, "bulk_insert", broken)
            with pytest.raises(KeyboardInterrupt):
                Catalog.open(catalog_url)
        with Catalog.open(catalog_url) as catalog:
            assert catalog.revision == 0

    def test_a_newer_home_is_refused(self, catalog_url: str) -> None:
        Catalog.open(catalog_url).close()
        engine = create_engine(catalog_url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        engine.dispose()
        with pytest.raises(HomeVersionError, match="version 9999, newer than"):
            Catalog.open(catalog_url)

    def test_the_newest_version_is_the_last_migration(self) -> None:
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(next(iter(migrations.__path__))))
        assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle9://x", "sqlite:////no/such/folder/at/all/catalog.db",
            "postgresql+psycopg://nobody@/none?host=/no/such/folder"]
)  # fmt: skip
def test_a_database_out_of_reach_is_said_in_one_sentence(url: str) -> None:
    with pytest.raises(CatalogError) as caught:
        Catalog.open(url)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("name", ["", "Upper", "with space", "../up", "-first", "x" * 65])
def test_a_corpus_needs_a_plain_name(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a corpus"):
        Corpus(name)


def test_two_records_of_one_number_are_told_apart(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.records.record_uid", lambda corpus, key: 7)
    with Catalog.open("sqlite://") as catalog:
        catalog.put_corpus(Corpus("small"))
        catalog.add([case(1)])
        with pytest.raises(CatalogError, match="collide"):
            catalog.add([case(2)])


def test_documents_are_json_in_the_database(catalog: Catalog, catalog_url: str) -> None:
    record = Record("a", "small", "passage", "textbook", report="x")
    catalog.add([record])
    engine = create_engine(catalog_url)
    with engine.connect() as connection:
        assert json.loads(connection.execute(text("SELECT document FROM records")).scalar_one())["id"] == "a"
    engine.dispose()
