"""Building an index: what is embedded, what is copied, and what a version holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora.catalog import Catalog
from corpora.errors import CatalogError, EncoderMismatchError, IndexDamagedError, IndexMissingError, InputError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.embedding import entry_id
from indexing.encoders import EncoderPlan, open_encoder
from indexing.jobs import BuildOptions, Progress, build_index
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder, Manifest, index_names, load_rows
from indexing.verification import verify_index
from tests.conftest import case, fill
from tests.indexing import tiny_encoder


@pytest.fixture
def options(tiny: EncoderPlan) -> BuildOptions:
    return BuildOptions(plan=tiny, shard_records=4, batch=3)


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    with Catalog.open(home.catalog_url) as opened:
        yield opened


def manifest(home: Home) -> Manifest:
    return IndexFolder(home).manifest()


def test_the_first_build_embeds_everything(home: Home, options: BuildOptions, catalog: Catalog) -> None:
    records = fill(home, 10)
    fill(home, 3, "book", "textbook")
    seen: list[Progress] = []
    built = build_index(home, options=options, progress=seen.append)
    assert (built.fresh, built.records, built.embedded, built.reused, built.pictures, built.rejects) == (
        True,
        13,
        13,
        0,
        10,
        0,
    )
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert (seen[-1].done, seen[-1].total, seen[-1].stage) == (13, 13, "publishing")
    found = manifest(home)
    assert built.digest == found.digest
    assert (found.version, found.parent, dict(found.records)) == (1, None, {"radiology": 10, "textbook": 3})
    assert {(side.domain, side.side): side.entries for side in found.sides} == {
        ("radiology", "image"): 10, ("radiology", "text"): 10, ("radiology", "sentence"): 30,
        ("textbook", "image"): 0, ("textbook", "text"): 3, ("textbook", "sentence"): 9,
    }  # fmt: skip
    report = verify_index(home, "default", catalog)
    assert (report.records, report.removed, report.waiting, report.entries) == (13, 0, 0, 62)
    opened = OpenedIndex.open(IndexFolder(home))
    encoder = open_encoder("tiny:radiology", folder=home.path)
    picture = ImageStore(home.images).open(records[4].pictures[0].digest)
    _, ids = opened.sides["radiology", "image"].index.search(encoder.encode_images([picture]), 1)
    assert ids[0, 0] == entry_id(records[4], "image", 0)
    assert opened.records.tolist() == sorted(record.uid for record in catalog.records())


def test_nothing_changed_is_nothing_to_do(home: Home, options: BuildOptions) -> None:
    fill(home, 6)
    first = build_index(home, options=options)
    again = build_index(home, options=options)
    assert (again.fresh, again.embedded, again.reused, again.digest) == (False, 0, 6, first.digest)
    assert IndexFolder(home).versions() == [1]


def test_only_new_and_changed_records_are_embedded(home: Home, options: BuildOptions, catalog: Catalog) -> None:
    records = fill(home, 11)
    build_index(home, options=options)
    vectors = by_entry(home)
    fill(home, 3, first=11)
    catalog.add([replace(records[2], report="Something else.", findings="Something else.")])
    catalog.remove("small", "case-5")
    built = build_index(home, options=options)
    assert (built.fresh, built.records, built.embedded, built.reused) == (True, 13, 4, 9)
    after = by_entry(home)
    for number, record in enumerate(records):
        entry = entry_id(record, "text", 0)
        if number == 5:
            assert entry not in after
        else:
            assert np.array_equal(after[entry], vectors[entry]) == (number != 2)
    assert manifest(home).parent == 1
    report = verify_index(home, "default", catalog)
    assert (report.records, report.removed, report.waiting) == (13, 0, 0)


def by_entry(home: Home) -> dict[int, np.ndarray]:
    folder = IndexFolder(home)
    found = folder.manifest()
    (side,) = (side for side in found.sides if (side.domain, side.side) == ("radiology", "text"))
    where = folder.version(found.version) / side.folder
    return dict(zip(load_rows(where, "ids").tolist(), load_rows(where, "vectors"), strict=True))


def test_built_in_steps_is_as_built_at_once(home: Home, options: BuildOptions, tmp_path: Path) -> None:
    for first in range(0, 12, 3):
        fill(home, 3, first=first)
        build_index(home, options=options)
    other = Home.create(tmp_path / "other")
    fill(other, 12)
    build_index(other, options=options)
    files, others = manifest(home).files, manifest(other).files
    assert set(files) == set(others)
    for path in files:
        if "/vectors-" not in path:
            assert files[path] == others[path], path
        else:  # rows that are multiplied in other company may differ in the last bit
            ours, theirs = (np.load(IndexFolder(at).version(manifest(at).version) / path) for at in (home, other))
            assert np.allclose(ours, theirs, atol=1e-3)


def test_a_domain_that_lost_its_records_is_gone(home: Home, options: BuildOptions, catalog: Catalog) -> None:
    fill(home, 5)
    fill(home, 2, "book", "textbook")
    build_index(home, options=options)
    catalog.remove_corpus("book")
    built = build_index(home, options=options)
    assert (built.embedded, built.reused) == (0, 5)
    assert dict(manifest(home).records) == {"radiology": 5}
    assert not [path for path in manifest(home).files if "textbook" in path]
    assert verify_index(home, "default", catalog).records == 5


def test_another_encoder_embeds_everything_and_is_required_from_then_on(home: Home, options: BuildOptions) -> None:
    fill(home, 5)
    build_index(home, options=options)
    built = build_index(home, options=replace(options, plan=tiny_encoder.OTHER_PLAN))
    assert (built.fresh, built.embedded, built.reused) == (True, 5, 0)
    opened = OpenedIndex.open(IndexFolder(home))
    opened.require(open_encoder("tiny:radiology@2", folder=home.path))
    with pytest.raises(EncoderMismatchError, match=r"built with .*tiny:radiology@2.*curbside index build"):
        opened.require(open_encoder("tiny:radiology", folder=home.path))


def test_one_encoder_may_serve_both_purposes(home: Home, options: BuildOptions, catalog: Catalog) -> None:
    fill(home, 5)
    same = replace(options, plan=EncoderPlan(default="tiny:both", sentence="tiny:both"))
    build_index(home, options=same)
    fill(home, 2, first=5)
    assert build_index(home, options=same).reused == 5
    assert verify_index(home, "default", catalog).records == 7
    assert len(manifest(home).sides) == 3


def test_a_picture_that_cannot_be_read_is_rejected_and_its_text_indexed(home: Home, options: BuildOptions) -> None:
    records = fill(home, 6)
    path = ImageStore(home.images).path(records[1].pictures[0].digest)
    path.write_bytes(path.read_bytes()[:60])
    ImageStore(home.images).path(records[2].pictures[0].digest).unlink()
    built = build_index(home, options=options)
    assert (built.embedded, built.pictures, built.rejects) == (6, 4, 2)
    lines = (IndexFolder(home).version(1) / "rejects.jsonl").read_text().splitlines()
    assert {json.loads(line)["where"] for line in lines} == {"small/case-1 picture 1", "small/case-2 picture 1"}
    opened = OpenedIndex.open(IndexFolder(home))
    assert opened.sides["radiology", "text"].vector(records[1].uid) is not None
    assert opened.sides["radiology", "image"].vector(records[1].uid) is None


@pytest.mark.parametrize("kind", ["exact", "flat", "hnsw", "ivf"])
def test_every_kind_of_vector_index(home: Home, options: BuildOptions, catalog: Catalog, kind: str) -> None:
    records = fill(home, 9)
    fill(home, 2, "book", "textbook")
    build_index(home, options=replace(options, kind=kind))
    verify_index(home, "default", catalog)
    opened = OpenedIndex.open(IndexFolder(home))
    encoder = open_encoder("tiny:radiology", folder=home.path)
    said = encoder.encode_texts([records[3].findings])
    assert opened.sides["radiology", "text"].index.search(said, 1)[1][0, 0] == entry_id(records[3], "text", 0)


def test_an_empty_home_has_nothing_to_index(home: Home, options: BuildOptions) -> None:
    with pytest.raises(CatalogError, match="no records yet"):
        build_index(home, options=options)
    with pytest.raises(IndexMissingError, match="curbside index build"):
        OpenedIndex.open(IndexFolder(home))


def test_two_builders_of_one_index_are_refused_and_of_two_are_not(home: Home, options: BuildOptions) -> None:
    fill(home, 5)
    met: list[bool] = []

    def meanwhile(_: Progress) -> None:
        if not met:
            met.append(build_index(home, "other", options).fresh)
            with pytest.raises(CatalogError, match="Another build of index 'default' is at work"):
                build_index(home, options=options)

    assert build_index(home, options=options, progress=meanwhile).fresh
    assert met == [True]
    assert index_names(home.indexes) == ["default", "other"]
    assert not build_index(home, options=options).fresh


def test_open_readers_outlive_three_newer_versions(home: Home, options: BuildOptions) -> None:
    records = fill(home, 6)
    build_index(home, options=options)
    opened = OpenedIndex.open(IndexFolder(home))
    for first in (6, 8, 10):
        fill(home, 2, first=first)
        build_index(home, options=options)
    assert IndexFolder(home).versions() == [3, 4]
    assert opened.manifest.version == 1
    assert opened.records.tolist() == sorted(record.uid for record in records)
    encoder = open_encoder("tiny:radiology", folder=home.path)
    _, ids = opened.sides["radiology", "text"].index.search(encoder.encode_texts([records[3].findings]), 1)
    side = opened.sides["radiology", "text"]
    assert side.ids[side.rows(ids[0])].tolist() == ids[0].tolist()
    assert opened.sides["radiology", "text"].vector(records[3].uid) is not None
    assert (opened.lexical["radiology"].search("pneumothorax", 3)[1] >= 0).any()


class TestDamage:
    """What verifying finds, and that building again heals it."""

    @pytest.fixture
    def built(self, home: Home, options: BuildOptions) -> Path:
        fill(home, 10)
        build_index(home, options=options)
        return IndexFolder(home).version(1)

    @pytest.mark.parametrize(
        "name",
        [
            "radiology/image/tiny-radiology/vectors-00001.npy",
            "radiology/sentence/tiny-sentence/ids-00002.npy",
            "radiology/content/hashes-00000.npy",
            "lexical/radiology/records.npy",
            "rejects.jsonl",
        ],
    )
    def test_a_flipped_byte(self, home: Home, built: Path, catalog: Catalog, options: BuildOptions, name: str) -> None:
        path = built / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if whole else b"x")
        with pytest.raises(IndexDamagedError, match=f"{path.name} of default v1 was changed; build the index again"):
            verify_index(home, "default", catalog)
        healed = build_index(home, options=options)
        assert (healed.fresh, healed.embedded, healed.reused) == (True, 10, 0)
        assert verify_index(home, "default", catalog).index == "default v2"

    def test_a_missing_file(self, home: Home, built: Path, catalog: Catalog, options: BuildOptions) -> None:
        for path in built.rglob("vectors-*.npy"):
            path.unlink()
        with pytest.raises(IndexDamagedError, match="lacks"):
            verify_index(home, "default", catalog)
        with pytest.raises(IndexDamagedError):
            OpenedIndex.open(IndexFolder(home))
        assert build_index(home, options=options).embedded == 10
        verify_index(home, "default", catalog)

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 99}'])
    def test_a_broken_manifest(
        self, home: Home, built: Path, catalog: Catalog, options: BuildOptions, text: str
    ) -> None:
        (built / "manifest.json").write_text(text)
        with pytest.raises(IndexDamagedError):
            verify_index(home, "default", catalog)
        assert build_index(home, options=options).fresh
        assert verify_index(home, "default", catalog).index == "default v2"

    def test_a_broken_pointer(self, home: Home, built: Path, catalog: Catalog, options: BuildOptions) -> None:
        (home.indexes / "default" / "current").write_text("zwei")
        with pytest.raises(IndexDamagedError, match="names no version"):
            verify_index(home, "default", catalog)
        assert not build_index(home, options=options).fresh
        assert verify_index(home, "default", catalog).index == "default v1"

    def test_what_the_catalogue_and_the_index_do_not_share_is_counted(
        self, home: Home, built: Path, catalog: Catalog
    ) -> None:
        catalog.remove("small", "case-1")
        catalog.add([case(20), case(21)])
        report = verify_index(home, "default", catalog)
        assert (report.removed, report.waiting) == (1, 2)


def test_dropping_an_index(home: Home, options: BuildOptions) -> None:
    fill(home, 3)
    build_index(home, options=options)
    IndexFolder(home).drop()
    assert index_names(home.indexes) == []
    with pytest.raises(InputError, match="no index named 'default'"):
        IndexFolder(home).drop()


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b"])
def test_an_index_needs_a_plain_name(home: Home, name: str) -> None:
    with pytest.raises(InputError, match="cannot name an index"):
        IndexFolder(home, name)
