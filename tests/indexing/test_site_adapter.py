"""Site adapters: fitted on stored vectors, kept where they win, carried by later builds, taken off again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora.catalog import Catalog
from corpora.errors import (
    CatalogError,
    EncoderMismatchError,
    IndexDamagedError,
    IndexMissingError,
    InputError,
    UnknownNameError,
)
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders import EncoderPlan, open_encoder
from indexing.encoders.adapted import ADAPTER, AdaptedEncoder, Projection, SiteAdapter
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.reprojection import publish_adapter, stored_adapter
from indexing.shards import IndexFolder, file_digest
from indexing.training.site_adapter import AdapterOptions, StoredPairs, fit_adapter, measure, split_rows
from indexing.verification import verify_index
from retrievers import Query, Retriever
from retrievers.calibration import Calibration
from retrievers.calibration.adapter import AdapterReport, fit_site_adapter
from tests.conftest import fill
from tests.indexing import planted_encoder, tiny_models
from tests.indexing.planted_encoder import DIM, STRAIGHT, SWAPPED, plant

OPTIONS = BuildOptions(plan=SWAPPED, shard_records=64)


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    planted_encoder.register(monkeypatch)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """240 cases whose pictures have dimensions exchanged. Tests copy it."""
    home = Home.create(tmp_path_factory.mktemp("planted") / "home")
    with pytest.MonkeyPatch.context() as patch:
        planted_encoder.register(patch)
        plant(home, 240)
        build_index(home, options=OPTIONS)
    return home


@pytest.fixture
def own(built: Home, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(built.path, tmp_path / "own"))


@pytest.fixture(scope="module")
def report(built: Home) -> AdapterReport:
    return fit_site_adapter(built, "radiology")


@pytest.fixture
def adapter(report: AdapterReport) -> SiteAdapter:
    assert report.adapter is not None
    return report.adapter


def some_adapter(spec: str, fingerprint: str, dim: int = DIM) -> SiteAdapter:
    rng = np.random.default_rng(5)
    image, text = (
        Projection(*(rng.standard_normal(shape).astype(np.float32) for shape in ((dim, 2), (2, dim)))) for _ in "it"
    )
    return SiteAdapter(image, text, spec, fingerprint)


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_digest(path) for path in folder.rglob("*") if path.is_file()}


def verified(home: Home) -> int:
    with Catalog.open(home.catalog_url) as catalog:
        return verify_index(home, "default", catalog).records


def own_text_found(home: Home, numbers: range, k: int = 10) -> float:
    """Share of cases whose picture, asked as a search asks it, finds its own report among k."""
    index, store = OpenedIndex.open(IndexFolder(home)), ImageStore(home.images)
    encoder = index.joint("radiology", open_encoder("planted:swapped", folder=home.path))
    with Catalog.open(home.catalog_url) as catalog:
        records = [catalog.find("planted", f"case-{number}") for number in numbers]
    vectors = encoder.encode_images([store.open(record.pictures[0].digest) for record in records])
    side = index.sides["radiology", "text"]
    _, ids = side.index.search(vectors, k)
    found = [record.uid in side.records[side.rows(row)] for record, row in zip(records, ids, strict=True)]
    return float(np.mean(found))


def test_what_is_off_is_repaired_without_opening_a_picture(own: Home) -> None:
    before = own_text_found(own, range(240))
    elsewhere = planted_encoder.hide_pictures(own)
    found = fit_site_adapter(own, "radiology")
    assert found.adapter is not None
    assert found.part.kept
    assert found.part.low is not None
    assert found.part.low > 0.1
    assert found.part.notes["R@10 image→text after"] > found.part.notes["R@10 image→text before"] + 0.2
    manifest = publish_adapter(own, "radiology", found.adapter)
    shutil.move(elsewhere, own.images)
    assert (manifest.version, manifest.parent, dict(manifest.adapters)) == (2, 1, {"radiology": found.adapter.digest})
    assert verified(own) == 240
    assert own_text_found(own, range(240)) > before + 0.2


def test_the_same_seed_fits_the_same(built: Home, report: AdapterReport, adapter: SiteAdapter) -> None:
    again = fit_site_adapter(built, "radiology").adapter
    other = fit_site_adapter(built, "radiology", options=AdapterOptions(seed=1)).adapter
    assert again is not None
    assert other is not None
    assert again.digest == adapter.digest != other.digest
    assert sum(report.patients) == 240
    assert min(report.patients) >= 20


def test_nothing_to_gain_changes_nothing(home: Home) -> None:
    plant(home, 240)
    build_index(home, options=replace(OPTIONS, plan=STRAIGHT))
    before = tree(home.indexes)
    found = fit_site_adapter(home, "radiology")
    assert (found.adapter, found.part.kept) == (None, False)
    assert "stopping patients" in found.part.reason or "gain" in found.part.reason
    assert tree(home.indexes) == before


def test_an_open_retriever_takes_it_up_and_gives_it_back(own: Home, adapter: SiteAdapter) -> None:
    picture = ImageStore(own.images).open(plant(own, 1)[0].pictures[0].digest)
    with Retriever.open(own, plan=SWAPPED) as retriever:

        def first_of_texts() -> tuple[int, ...]:
            lists = {one.name: one.records for one in retriever.lists(Query(images=[picture]), "radiology")}
            return lists["radiology image→text"]

        plain = first_of_texts()
        stored = Calibration(encoders=retriever.index.manifest.fingerprints)
        publish_adapter(own, "radiology", adapter)
        assert first_of_texts() != plain
        now = retriever.index.manifest.fingerprints
        assert now["planted:swapped"] == f"planted:swapped/1+radiology:{adapter.digest}"
        assert now["planted:straight"] == "planted:straight/1"
        assert "curbside calibrate" in stored.mismatch(now, "")
        publish_adapter(own, "radiology", None)
        assert first_of_texts() == plain
        assert not stored.mismatch(retriever.index.manifest.fingerprints, "")


def test_undo_gives_the_same_bytes_back(own: Home, adapter: SiteAdapter) -> None:
    folder = IndexFolder(own)
    first = folder.manifest()
    publish_adapter(own, "radiology", adapter)
    assert folder.manifest().digest != first.digest
    back = publish_adapter(own, "radiology", None)
    assert (back.version, back.digest, dict(back.files), dict(back.adapters)) == (3, first.digest, first.files, {})
    assert verified(own) == 240
    assert folder.versions() == [2, 3]
    with pytest.raises(InputError, match="no site adapter for radiology; fit one with: curbside adapt"):
        publish_adapter(own, "radiology", None)


def test_a_later_build_embeds_only_what_is_new_and_keeps_the_adapter(own: Home, adapter: SiteAdapter) -> None:
    publish_adapter(own, "radiology", adapter)
    assert not build_index(own, options=OPTIONS).fresh
    plant(own, 30, first=1000)
    done = build_index(own, options=OPTIONS)
    assert (done.embedded, done.reused) == (30, 240)
    carried = stored_adapter(own, "radiology")
    assert carried is not None
    assert carried.digest == adapter.digest == IndexFolder(own).manifest().adapters["radiology"]
    assert verified(own) == 270
    found = own_text_found(own, range(240)), own_text_found(own, range(1000, 1030))
    index = OpenedIndex.open(IndexFolder(own))
    base = open_encoder("planted:swapped")
    with Catalog.open(own.catalog_url) as catalog:
        record = catalog.find("planted", "case-1007")
    seen = AdaptedEncoder(base, adapter).encode_images([ImageStore(own.images).open(record.pictures[0].digest)])[0]
    stored = index.sides["radiology", "image"].vector(record.uid)
    assert stored is not None
    assert np.allclose(stored, seen, atol=2e-3)
    plain = publish_adapter(own, "radiology", None)
    assert sum(plain.records.values()) == 270
    assert verified(own) == 270
    assert own_text_found(own, range(240)) < found[0] - 0.1
    assert own_text_found(own, range(1000, 1030)) < found[1]


def test_another_encoder_leaves_the_adapter_behind(
    own: Home, adapter: SiteAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    publish_adapter(own, "radiology", adapter)
    index = OpenedIndex.open(IndexFolder(own))
    with pytest.raises(EncoderMismatchError, match="was built with"):
        index.joint("dermatology", planted_encoder.open_planted("other", None))  # type: ignore[arg-type]
    with pytest.raises(EncoderMismatchError, match="was fitted to planted:swapped/1"):
        index.joint("radiology", open_encoder("planted:straight"))
    build_index(own, options=replace(OPTIONS, plan=STRAIGHT))
    assert "left behind" in caplog.text
    assert IndexFolder(own).manifest().adapters == {}
    with pytest.raises(EncoderMismatchError, match="fit the adapter again"):
        publish_adapter(own, "radiology", adapter)


def test_a_graph_is_built_over_the_bent_vectors(home: Home) -> None:
    pytest.importorskip("faiss")
    plant(home, 80)
    build_index(home, options=replace(OPTIONS, kind="hnsw"))
    plain = OpenedIndex.open(IndexFolder(home)).sides["radiology", "image"]
    bent = some_adapter("planted:swapped", "planted:swapped/1")
    publish_adapter(home, "radiology", bent)
    side = OpenedIndex.open(IndexFolder(home)).sides["radiology", "image"]
    assert np.allclose(side.vectors, bent.image(plain.vectors), atol=2e-3)
    scores, ids = side.index.search(np.asarray(side.vectors[:5], np.float32), 1)
    assert ids[:, 0].tolist() == side.ids[:5].tolist()
    assert np.allclose(scores[:, 0], 1.0, atol=2e-3)
    assert verified(home) == 80
    build_index(home, options=replace(OPTIONS, kind="hnsw"))
    plant(home, 8, first=500)
    build_index(home, options=replace(OPTIONS, kind="hnsw"))
    side = OpenedIndex.open(IndexFolder(home)).sides["radiology", "image"]
    scores, _ = side.index.search(np.asarray(side.vectors, np.float32), 1)
    assert np.allclose(scores[:, 0], 1.0, atol=2e-3)


def test_on_top_of_an_open_clip_model(home: Home) -> None:
    tiny_models.open_clip_folder(home.path / "models" / "clip")
    spec = "open_clip:local-dir:models/clip"
    fill(home, 6)
    options = BuildOptions(plan=EncoderPlan(default=spec, sentence=spec))
    build_index(home, options=options)
    base = open_encoder(spec, folder=home.path)
    bent = some_adapter(spec, base.fingerprint, base.dim)
    manifest = publish_adapter(home, "radiology", bent)
    assert manifest.fingerprints == {spec: f"{base.fingerprint}+radiology:{bent.digest}"}
    records = fill(home, 3, first=6)
    done = build_index(home, options=options)
    assert (done.embedded, done.reused) == (3, 6)
    index = OpenedIndex.open(IndexFolder(home))
    encoder = index.joint("radiology", base)
    assert (encoder.dim, encoder.fingerprint) == (16, f"{base.fingerprint}+{bent.digest}")
    picture = ImageStore(home.images).open(records[2].pictures[0].digest)
    both = [encoder.encode_images([picture])[0], encoder.encode_prepared(encoder.prepare(picture)[None])[0]]
    stored = index.sides["radiology", "image"].vector(records[2].uid)
    assert stored is not None
    assert np.allclose(both, [stored, stored], atol=2e-3)
    said = index.sides["radiology", "sentence"]
    text = index.sides["radiology", "text"]
    assert not np.allclose(text.vectors[0], base.encode_texts([fill(home, 1)[0].text])[0], atol=1e-2)
    assert np.allclose(np.linalg.norm(np.asarray(said.vectors, np.float32), axis=1), 1, atol=2e-3)


def test_too_few_patients_and_what_cannot_be_asked(home: Home) -> None:
    with pytest.raises(IndexMissingError):
        fit_site_adapter(home, "radiology")
    plant(home, 40)
    build_index(home, options=OPTIONS)
    with pytest.raises(InputError, match=r"needs 20 patients to fit it, .* at least 134 where .* has 40 with"):
        fit_site_adapter(home, "radiology")
    with pytest.raises(InputError, match="at least 50 where 50% judge"):  # a fifth of the other half says when to stop
        fit_site_adapter(home, "radiology", share=0.5)
    with pytest.raises(InputError, match=r"40 with .* \(those that fit and stop it of planted alone\)"):
        fit_site_adapter(home, "radiology", corpora=["planted"])
    with pytest.raises(InputError, match="share is 1"):
        fit_site_adapter(home, "radiology", share=1)
    with pytest.raises(UnknownNameError, match="no domain in default v1 named 'astrology'; known: radiology"):
        fit_site_adapter(home, "astrology")
    with pytest.raises(UnknownNameError, match="corpus"):
        fit_site_adapter(home, "radiology", corpora=["nowhere"])
    with pytest.raises(UnknownNameError, match="astrology"):
        publish_adapter(home, "astrology", None)


def test_one_corpus_fits_and_all_judge(own: Home, report: AdapterReport) -> None:
    plant(own, 60, first=2000, corpus="second")
    build_index(own, options=OPTIONS)
    found = fit_site_adapter(own, "radiology", corpora=["planted"])
    assert found.patients[:2] == report.patients[:2]
    assert found.patients[2] > report.patients[2]


def test_a_second_one_must_beat_the_first(own: Home, adapter: SiteAdapter) -> None:
    publish_adapter(own, "radiology", adapter)
    again = fit_site_adapter(own, "radiology")
    assert again.part.gain == 0
    assert again.adapter is None


def test_damage_is_told_and_the_next_build_mends_it(own: Home, adapter: SiteAdapter) -> None:
    publish_adapter(own, "radiology", adapter)
    path = IndexFolder(own).version(2) / "radiology" / ADAPTER
    whole = path.read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    for data, told in ((changed, "was changed"), (b"{", "cannot be read")):
        path.write_bytes(data)
        with pytest.raises(IndexDamagedError, match=told):
            OpenedIndex.open(IndexFolder(own))
        with pytest.raises(IndexDamagedError, match=r"adapter\.safetensors"):
            verified(own)
        with pytest.raises(IndexDamagedError):
            publish_adapter(own, "radiology", None)
    build_index(own, options=OPTIONS)
    assert verified(own) == 240
    assert IndexFolder(own).manifest().adapters == {}


def test_an_interrupted_build_is_not_thrown_away(own: Home, adapter: SiteAdapter) -> None:
    partial = IndexFolder(own).partial(2)
    (partial / "done").mkdir(parents=True)
    with pytest.raises(CatalogError, match="was interrupted; end it first with: curbside index build"):
        publish_adapter(own, "radiology", adapter)
    shutil.rmtree(partial / "done")
    (partial / "left.npy").write_bytes(b"of an adapter that did not come to an end")
    assert publish_adapter(own, "radiology", adapter).version == 2
    assert not (IndexFolder(own).version(2) / "left.npy").exists()


def test_drawing_everything_together_wins_nothing() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = [f"a/{row}" for row in range(60)]
    numbers = np.arange(60)
    pairs = StoredPairs(vectors, vectors, numbers, numbers, people, [frozenset("x")] * 60, ["a"] * 60)
    together = Projection(-np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32))  # everything to zero

    assert measure(pairs, numbers)[:, :2].mean() == 1
    assert measure(pairs, numbers, together, together)[:, :2].mean() == 0
    assert fit_adapter(pairs, numbers[:40], numbers[40:]) is None


def test_what_a_patient_shows_is_not_found_by_the_same_patient() -> None:
    eye = np.eye(3, dtype=np.float32)
    images = eye[[0, 0, 1]]
    pairs = StoredPairs(
        images, images, np.array([0, 1, 2]), np.array([0, 0, 1]), ["a", "a", "b"],
        [frozenset("x"), frozenset("x"), frozenset("y")], ["c"] * 3,
    )  # fmt: skip
    found = measure(pairs, np.arange(3))
    assert found[:, :2].tolist() == [[1, 1]] * 3
    assert np.isnan(found[:, 2]).all()


def test_a_patient_has_one_part_only() -> None:
    patients = [f"a/{row // 3}" for row in range(300)]
    split = split_rows(patients, seed=4)
    sets = [{patients[row] for row in rows} for rows in (split.fit, split.stop, split.judge)]
    assert len(set().union(*sets)) == sum(map(len, sets)) == 100
    assert {patients[row] for row in split_rows(patients, seed=5).judge} == sets[2]
