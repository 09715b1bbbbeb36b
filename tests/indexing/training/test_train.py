"""`train_encoder` on a small site: what it writes opens as an encoder, and what it must not do it does not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora.catalog import Catalog
from corpora.errors import InputError, LicenceError, ModelError, SettingsError, SourceError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders import EncoderPlan, open_encoder
from indexing.encoders.base import EncoderContext
from indexing.encoders.embedded import EmbeddedEncoder, HeadedEncoder, open_embedded
from indexing.encoders.heads import WEIGHTS, weights_folder
from indexing.jobs import BuildOptions, build_index
from indexing.training.heads import HeadOptions
from indexing.training.split import split_by_patient
from indexing.training.tower import TowerOptions
from indexing.training.train import Trained, TrainOptions, train_encoder
from tests.indexing.tiny_models import open_clip_folder
from tests.indexing.training.drawn_site import UNCLEAR, put, shape, site_records

QUICK = TrainOptions("ultrasound", ("site",), head=HeadOptions(epochs=4, batch=32))
ON = "open_clip:local-dir:models/tiny"
CLIP = replace(QUICK, on=ON)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """70 open cases, 70 of unclear licence, five of another domain, a tiny open_clip model, and their features."""
    home = Home.create(tmp_path_factory.mktemp("site") / "home")
    put(home, site_records(home, 70))
    put(home, site_records(home, 70, "loan", UNCLEAR))
    put(home, site_records(home, 5, "few", domain="dermatology"))
    clip = open_clip_folder(home.models / "tiny")
    (clip / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    train_encoder(home, QUICK, home.models / "ready")
    return home


@pytest.fixture
def site(prepared: Home, tmp_path: Path) -> Home:
    return Home.open(shutil.copytree(prepared.path, tmp_path / "home"))


def manifest_of(trained: Trained) -> dict[str, object]:
    found: dict[str, object] = json.loads((trained.folder / "curbside-encoder.json").read_text(encoding="utf-8"))
    return found


def test_an_adapter_opens_and_builds_an_index(site: Home) -> None:
    stages: list[str] = []
    trained = train_encoder(site, QUICK, site.models / "mine", lambda stage, *_: stages.append(stage))
    assert trained.spec == "embedded:local-dir:models/mine"
    assert (trained.pictures, trained.patients) == (70, 70)
    assert set(stages) == {"fitting"}  # the features are known from the first fit
    held = split_by_patient([f"site/p{number}" for number in range(70)])
    assert trained.after["pictures"] == held.sum()
    assert trained.after.keys() == trained.before.keys()
    manifest = manifest_of(trained)
    assert manifest["mode"] == "adapter"
    assert manifest["data"]["patients"] == 70 - held.sum()  # type: ignore[index]
    assert manifest["options"]["epochs"] == 4  # type: ignore[index]
    again = train_encoder(site, QUICK, site.models / "again")
    assert (again.folder / "head.safetensors").read_bytes() == (trained.folder / "head.safetensors").read_bytes()

    encoder = open_encoder(trained.spec, "cpu", site.path)
    assert isinstance(encoder, EmbeddedEncoder)
    assert encoder.dim == 256
    done = build_index(site, options=BuildOptions(plan=EncoderPlan(joint={"ultrasound": trained.spec})))
    assert done.rejects == 0
    assert done.records == 145


def test_held_out_patients_teach_nothing(site: Home) -> None:
    first = train_encoder(site, QUICK, site.models / "one")
    records = site_records(site, 70)
    held = split_by_patient([f"site/{record.patient}" for record in records])
    with Catalog.open(site.catalog_url) as catalog:
        changed = [
            replace(record, report="Nothing at all.", labels=("odd",))
            for record, out in zip(records, held.tolist(), strict=True)
            if out
        ]
        catalog.add(changed)
    second = train_encoder(site, QUICK, site.models / "two")
    assert (first.folder / "head.safetensors").read_bytes() == (second.folder / "head.safetensors").read_bytes()
    assert manifest_of(first)["data"] == manifest_of(second)["data"]
    assert first.after != second.after


def test_the_manifest_follows_the_records(site: Home) -> None:
    first = train_encoder(site, QUICK, site.models / "one")
    learned = next(r for r in site_records(site, 70) if not split_by_patient([f"site/{r.patient}"])[0])
    with Catalog.open(site.catalog_url) as catalog:
        catalog.add([replace(learned, report="A changed report.")])
    second = train_encoder(site, QUICK, site.models / "two")
    digests = [manifest_of(trained)["data"]["digest"] for trained in (first, second)]  # type: ignore[index]
    assert digests[0] != digests[1]


def test_the_same_picture_of_another_patient_is_on_its_side(site: Home) -> None:
    records = site_records(site, 70)
    held = split_by_patient([f"site/{record.patient}" for record in records]).tolist()
    learned = next(record for record, out in zip(records, held, strict=True) if not out)
    twin = next(record for record, out in zip(records, held, strict=True) if out)
    with Catalog.open(site.catalog_url) as catalog:
        catalog.add([replace(twin, pictures=learned.pictures)])
    trained = train_encoder(site, QUICK, site.models / "mine")
    assert trained.after["pictures"] == sum(held) + 1  # both are held out: they stay together


def test_a_head_on_another_encoder(site: Home) -> None:
    trained = train_encoder(site, CLIP, site.models / "on-tiny")
    assert not (trained.folder / "tower.safetensors").exists()
    assert manifest_of(trained)["on"] == ON
    base, encoder = (open_encoder(spec, "cpu", site.path) for spec in (ON, trained.spec))
    assert isinstance(encoder, HeadedEncoder)
    assert encoder.dim == 256
    assert encoder.fingerprint.startswith(f"{base.fingerprint}+")
    pictures = [shape(number % 4, number) for number in range(5)]
    seen = encoder.encode_images(pictures)
    assert seen.shape == (5, 256)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-4)
    prepared = encoder.encode_prepared(np.stack([encoder.prepare(picture) for picture in pictures]))
    np.testing.assert_allclose(prepared, seen, atol=1e-5)
    assert encoder.encode_texts(["A cyst.", "A mass."]).shape == (2, 256)
    assert encoder.encode_texts([]).shape == encoder.encode_images([]).shape == (0, 256)
    done = build_index(site, options=BuildOptions(plan=EncoderPlan(joint={"ultrasound": trained.spec})))
    assert done.rejects == 0


def test_what_serves_is_what_it_is_measured_against(site: Home) -> None:
    shipped = train_encoder(site, QUICK, site.models / "shipped")
    assert shipped.before_is == "embedded:ultrasound, which served"
    assert shipped.as_it_came is None
    own = train_encoder(site, replace(QUICK, serving=shipped.spec), site.models / "own")
    assert own.before == pytest.approx(shipped.after, abs=0.02)  # the head is stored in halves
    assert own.before_is == "embedded:local-dir:models/shipped, which served"
    beneath = train_encoder(site, CLIP, site.models / "on-tiny")
    assert beneath.before == shipped.before
    assert beneath.as_it_came is not None
    assert beneath.as_it_came != beneath.before
    figures = manifest_of(beneath)["figures"]
    assert (figures["before_is"], figures["as_it_came"]) == (beneath.before_is, beneath.as_it_came)  # type: ignore[index]
    same = train_encoder(site, replace(CLIP, serving=ON), site.models / "on-what-serves")
    assert (same.before, same.as_it_came) == (beneath.as_it_came, None)
    refit = train_encoder(site, replace(QUICK, serving="embedded:local-dir:models/gone"), site.models / "refit")
    assert refit.before == shipped.before
    assert "ships, since embedded:local-dir:models/gone cannot serve: The folder" in refit.before_is


def test_an_interrupted_fit_says_so(site: Home) -> None:
    def say(stage: str, done: int, most: int, detail: str) -> None:
        if (stage, done) == ("fitting", 2):
            raise KeyboardInterrupt

    whole = train_encoder(site, QUICK, site.models / "whole")
    assert not whole.interrupted
    assert manifest_of(whole)["run"] == {"interrupted": False, "epochs_taken_up": 0}
    cut = train_encoder(site, QUICK, site.models / "cut", say)
    assert cut.interrupted
    assert manifest_of(cut)["run"] == {"interrupted": True, "epochs_taken_up": 0}
    assert "| the fit | ended early by Ctrl-C" in (cut.folder / "README.md").read_text(encoding="utf-8")


def test_a_tuning_that_was_taken_up_says_so(site: Home) -> None:
    options = replace(QUICK, mode="tower", tower=TowerOptions(blocks=1, views=1, epochs=2, batch=32, seeds=1))

    def killed(stage: str, done: int, most: int, detail: str) -> None:
        if (stage, done) == ("tuning", 1):
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train_encoder(site, options, site.models / "tuned", killed)
    trained = train_encoder(site, options, site.models / "tuned")
    assert (trained.taken_up, trained.interrupted) == (1, False)
    assert "epochs of the tuning done in an earlier run: 1" in (trained.folder / "README.md").read_text(
        encoding="utf-8"
    )


def test_without_labels_no_precision_is_claimed(site: Home) -> None:
    bare = [replace(record, id=f"b{record.id}", corpus="bare", labels=()) for record in site_records(site, 70)]
    put(site, bare)
    trained = train_encoder(site, replace(QUICK, corpora=("bare",)), site.models / "bare")
    assert "label precision@5" not in trained.after
    card = (trained.folder / "README.md").read_text(encoding="utf-8")
    assert "| image→image label precision@5 | – | – |" in card


def test_a_head_whose_encoder_has_changed_is_refused(site: Home) -> None:
    trained = train_encoder(site, CLIP, site.models / "on-tiny")
    shutil.rmtree(site.models / "tiny")
    open_clip_folder(site.models / "tiny", seed=1)
    moved = Home.open(site.path.rename(site.path.with_name("moved")))  # nothing of it was opened before
    with pytest.raises(ModelError, match="fit it again with 'curbside train-encoder'"):
        open_encoder(trained.spec, "cpu", moved.path)
    (moved.models / "on-tiny" / "curbside-encoder.json").write_text("{")
    with pytest.raises(ModelError, match="is damaged"):
        open_embedded("local-dir:models/on-tiny", EncoderContext(folder=moved.path))


def test_only_open_licences(site: Home) -> None:
    free = train_encoder(site, replace(CLIP, licences="open"), site.models / "free")
    lent = train_encoder(site, replace(CLIP, corpora=("site", "loan")), site.models / "lent")
    assert manifest_of(free)["licence"]["kind"] == "open"  # type: ignore[index]
    assert manifest_of(lent)["licence"] == {"name": "fitted on loan", "kind": "unclear"}
    assert open_encoder(free.spec, "cpu", site.path, "open").dim == 256
    with pytest.raises(LicenceError, match="whose licence is unclear, which licences = 'open' refuses"):
        open_encoder(lent.spec, "cpu", site.path, "open")
    moved = Home.open(site.path.rename(site.path.with_name("moved")))  # nothing of it was opened before
    (moved.models / "tiny" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    with pytest.raises(LicenceError, match=r"models/tiny is non-commercial .* 'open' refuses"):
        open_encoder(free.spec, "cpu", moved.path, "open")
    with pytest.raises(LicenceError, match=r"models/tiny is non-commercial .* 'open' refuses"):
        train_encoder(moved, replace(CLIP, licences="open"), moved.models / "no")


def test_closed_records_are_refused_before_the_fit(site: Home) -> None:
    closed = replace(QUICK, corpora=("loan",), licences="open")
    with pytest.raises(LicenceError, match="nothing is fitted on loan"):
        train_encoder(site, closed, site.models / "no")
    assert not (site.models / "no").exists()


def test_open_licences_take_the_open_set(site: Home) -> None:
    assert weights_folder("open") == WEIGHTS / "open"
    used, free = (open_encoder("embedded:ultrasound", "cpu", site.path, kind) for kind in ("any", "open"))
    assert used.fingerprint != free.fingerprint
    trained = train_encoder(site, replace(QUICK, licences="open"), site.models / "free")
    assert manifest_of(trained)["licence"]["kind"] == "open"  # type: ignore[index]


def test_a_tuned_tower_is_written_beside_its_head(site: Home) -> None:
    options = replace(QUICK, mode="tower", tower=TowerOptions(blocks=1, views=1, epochs=1, batch=32, seeds=1))
    first = train_encoder(site, options, site.models / "tuned")
    assert manifest_of(first)["tower"] == "tuned on these pictures"
    assert manifest_of(first)["options"]["tower"]["views"] == 1  # type: ignore[index]
    encoder = open_encoder(first.spec, "cpu", site.path)
    picture = ImageStore(site.images).open(site_records(site, 1)[0].pictures[0].digest)
    assert np.isfinite(encoder.encode_images([picture])).all()
    # A second fit writes its tower under the same name for a while; the first one must not be taken for it.
    second = train_encoder(site, replace(options, tower=replace(options.tower, rate=5e-3)), site.models / "tuned-2")
    one, two = ((trained.folder / "head.safetensors").read_bytes() for trained in (first, second))
    assert one != two
    kept = {path.stem.partition("-")[0] for path in (site.models / "features").iterdir()}
    assert len(kept) == 3, "features of the shipped tower and of two tuned ones"


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (replace(QUICK, corpora=("nothing",)), UnknownNameError, "no corpus in this home named 'nothing'; known: few"),
        (TrainOptions("astrology"), UnknownNameError, "no domain with pictures in this home named 'astrology'"),
        (TrainOptions("dermatology"), InputError, "dermatology has pictures of 5 patients here"),
        (replace(QUICK, corpora=("few",)), InputError, "ultrasound has pictures of 0 patients here"),
        (replace(CLIP, mode="tower"), InputError, "Only the packaged tower can be tuned"),
        (replace(QUICK, device="cuda:99"), SettingsError, "PyTorch finds no GPU 'cuda:99' here"),
        (replace(QUICK, on="embedded:sentence"), ModelError, "takes texts only"),
    ],
)
def test_what_cannot_be_fitted_is_told(site: Home, options: TrainOptions, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        train_encoder(site, options, site.models / "new")
    assert not (site.models / "new").exists()


def test_an_existing_folder_is_refused_before_the_fit(site: Home) -> None:
    stages: list[str] = []
    with pytest.raises(SourceError, match="is there already"):
        train_encoder(site, QUICK, site.models / "ready", lambda stage, *_: stages.append(stage))
    assert stages == []


def test_a_folder_outside_the_home_is_named_in_full(site: Home, tmp_path: Path) -> None:
    trained = train_encoder(site, QUICK, tmp_path / "elsewhere")
    assert trained.spec == f"embedded:local-dir:{tmp_path / 'elsewhere'}"
    assert open_encoder(trained.spec, "cpu", site.path).dim == 256
