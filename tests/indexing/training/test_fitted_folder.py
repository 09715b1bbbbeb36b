"""What a fit leaves behind: weights, manifest, model card, all or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpora.errors import ModelError, SourceError
from corpora.home import Home
from corpora.records import Licence, Record
from indexing.encoders.base import EncoderContext
from indexing.encoders.embedded import open_embedded
from indexing.encoders.heads import Head, Side, load_head
from indexing.encoders.licences import stated_licence
from indexing.encoders.published import WeightsLicence
from indexing.training import fitted_folder
from indexing.training.fitted_folder import Fit, licence_of_records, model_card, require_free, write_fitted
from tests.indexing.training.drawn_site import OPEN, UNCLEAR, site_records

FREE = WeightsLicence("Apache-2.0", "open")
FIGURES = {"recall@1": 0.125, "recall@5": 0.5, "recall@10": 0.75, "label precision@5": 0.625, "pictures": 9, "texts": 4}


@pytest.fixture
def fit(home: Home) -> Fit:
    records = site_records(home, 4) + site_records(home, 2, "loan")
    return Fit(
        domain="ultrasound",
        mode="adapter",
        on="embedded",
        seed=7,
        records=records,
        patients=6,
        licence=WeightsLicence("fitted on loan", "unclear"),
        tower="as it ships",
        options={"epochs": 3},
        before=dict.fromkeys(FIGURES, 0.25),
        after=FIGURES,
        baseline="the encoder that ships for this domain",
    )


def head() -> Head:
    rng = np.random.default_rng(0)
    side = Side(*(rng.normal(size=size).astype(np.float32) for size in ((6,), (6,), (6, 4), (6, 2), (2, 4))))
    return Head(side, side, "unsaved")


def test_the_folder_holds_weights_manifest_and_card(fit: Fit, tmp_path: Path) -> None:
    tower = tmp_path / "tuned"
    tower.write_bytes(b"tensors")
    write_fitted(tmp_path / "deep" / "new", head(), tower, fit)
    folder = tmp_path / "deep" / "new"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "curbside-encoder.json", "head.safetensors", "tower.safetensors",
    ]  # fmt: skip
    assert [path.name for path in folder.parent.iterdir()] == ["new"]
    assert (folder / "tower.safetensors").read_bytes() == b"tensors"
    assert load_head("head", folder).dim == 4
    assert stated_licence(folder) == fit.licence
    manifest = json.loads((folder / "curbside-encoder.json").read_text(encoding="utf-8"))
    assert manifest["data"] == {
        "corpora": {"loan": 2, "site": 4}, "pictures": 6, "patients": 6, "digest": fit.data_digest,
    }  # fmt: skip
    assert (manifest["dim"], manifest["seed"], manifest["options"]) == (4, 7, {"epochs": 3})
    assert (manifest["domain"], manifest["mode"], manifest["on"]) == ("ultrasound", "adapter", "embedded")
    assert manifest["figures"]["after"] == FIGURES
    assert manifest["figures"]["before_is"] == fit.baseline


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("tower.safetensors", None, r"lacks tower\.safetensors; copy it whole"),
        ("tower.safetensors", b"others", r"tower\.safetensors is not the file that was fitted"),
        ("head.safetensors", b"others", r"head\.safetensors is not the file that was fitted"),
    ],
)
def test_a_copy_that_is_not_whole_is_not_opened(
    fit: Fit, tmp_path: Path, name: str, data: bytes | None, told: str
) -> None:
    tower = tmp_path / "tuned"
    tower.write_bytes(b"tensors")
    write_fitted(tmp_path / "new", head(), tower, replace(fit, licence=WeightsLicence("CC0", "open")))
    if data is None:
        (tmp_path / "new" / name).unlink()
    else:
        (tmp_path / "new" / name).write_bytes(data)
    with pytest.raises(ModelError, match=told):
        open_embedded("local-dir:new", EncoderContext(folder=tmp_path))


def test_the_card_tells_all_of_it(fit: Fit) -> None:
    card = model_card(fit)
    for part in (
        "# Curbside encoder: ultrasound", "Research use, not a medical device.",
        "| pictures / patients it learned from | 6 / 6 |", "loan (2), site (4)",
        "unclear: fitted on loan", "| mode, seed | adapter, 7 |",
        "Measured on 9 pictures of patients that it never saw (texts: 4)", "| image→text Recall@1 | 0.250 | 0.125 |",
        "| image→image label precision@5 | 0.250 | 0.625 |", "*Before* is the encoder that ships for this domain.",
    ):  # fmt: skip
        assert part in card
    assert "$" not in card
    assert "vectors of open_clip:local-dir:x" in model_card(replace(fit, on="open_clip:local-dir:x"))


def test_the_data_digest_follows_the_records(fit: Fit) -> None:
    changed = [*fit.records[:-1], replace(fit.records[-1], report="It says something else.")]
    assert replace(fit, records=fit.records[::-1]).data_digest == fit.data_digest
    assert replace(fit, records=changed).data_digest != fit.data_digest
    assert replace(fit, records=fit.records[1:]).data_digest != fit.data_digest


def test_what_is_there_stays(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(SourceError, match="is there already; name another folder with --to, or remove it"):
        write_fitted(tmp_path / "old", head(), None, fit)
    assert list((tmp_path / "old").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_before_the_fit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("taken")
    with pytest.raises(SourceError, match=r"cannot be made .*; name another folder with --to"):
        require_free(tmp_path / "file" / "models" / "new")


def test_half_a_folder_is_never_seen(fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(fit: Fit) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fitted_folder, "model_card", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_fitted(tmp_path / "new", head(), None, fit)
    assert not (tmp_path / "new").exists()
    write_fitted(tmp_path / "new", head(), None, fit)  # what was left is cleared away
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == ["new"]


def lent(home: Home, kind: str, drawn: bool = False) -> list[Record]:
    licence = {"open": OPEN, "unclear": UNCLEAR, "non-commercial": Licence("CC BY-NC 4.0", "non-commercial")}[kind]
    return [replace(record, drawn=drawn) for record in site_records(home, 1, kind, licence)]


def test_weights_are_as_free_as_the_least_free_record(home: Home) -> None:
    free, unclear, private = (lent(home, kind) for kind in ("open", "unclear", "non-commercial"))
    assert licence_of_records(free, FREE).kind == "open"
    assert licence_of_records(free + unclear, FREE) == WeightsLicence("fitted on unclear", "unclear")
    assert licence_of_records(free + unclear + private, FREE).kind == "non-commercial"
    assert licence_of_records(free + lent(home, "unclear", drawn=True), FREE).kind == "open"
    terms = WeightsLicence("Terms", "terms")
    assert licence_of_records(free, terms) == terms
