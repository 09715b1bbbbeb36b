"""`curbside encoders`, and what doctor says of licences."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from app.settings import load_settings
from corpora.home import Home
from tests.indexing import tiny_models
from tests.ui.cli.conftest import Run, Screen


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as somebody carried it: BiomedCLIP's layout and its text tower."""
    shelf = tmp_path_factory.mktemp("carried")
    tiny_models.biomedclip_folder(shelf / "clip", tiny_models.bert_folder(shelf / "tiny-bert"))
    return shelf


def test_list_names_every_encoder_with_its_licence(run: Run, tmp_path: Path) -> None:
    told = run("--home", tmp_path, "encoders", "list")
    assert told.status == 0
    for part in ("biomedclip", "non-commercial", "embedded:sentence", "biovil-t cannot be opened here:", "BIOMEDICA"):
        assert part in told.out
    rows = {row["name"]: row for row in run("--home", tmp_path, "--json", "encoders", "list").json}
    assert (rows["medsiglip"]["class"], rows["medsiglip"]["pixels"]) == ("terms", 448)
    assert (rows["biomedclip"]["here"], rows["embedded:sentence"]["class"]) == ("not fetched", "open")


def test_the_list_keeps_names_and_ids_whole_on_a_narrow_screen(run: Run, home: Home, screen: Screen) -> None:
    screen(80)
    lines = run("--home", home.path, "encoders", "list").out.splitlines()
    assert any(line.split() == ["biomedclip", "open", "(MIT);", "not", "fetched"] for line in lines)
    for row in run("--home", home.path, "--json", "encoders", "list").json:
        assert not row["hub"] or row["hub"] in [line.strip() for line in lines]


def test_list_names_the_set_that_open_licences_take(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURBSIDE_LICENCES", "open")
    rows = {row["name"]: row for row in run("--home", home.path, "--json", "encoders", "list").json}
    assert rows["embedded:{domain}"]["class"] == "open"
    assert rows["embedded:sentence"]["licence"] == "MIT"
    assert rows["bmc-clip"]["class"] == "unclear"


def test_fetch_list_and_check(run: Run, home: Home, shelf: Path) -> None:
    told = run("--home", home.path, "encoders", "fetch", "biomedclip", "--from", shelf / "clip")
    assert told.status == 0, told.err
    assert "licence: MIT, class open" in told.out
    assert "The registry says 512 dimensions" in told.out  # the tiny one has 24
    (home.path / "curbside.toml").write_text(told.out[told.out.index("[encoders]") : told.out.index("Then:")])
    spec = "open_clip:local-dir:models/biomedclip"
    assert load_settings(home.path, environment={})[0].encoders["pathology"] == spec
    rows = {row["name"]: row for row in run("--home", home.path, "--json", "encoders", "list").json}
    assert rows["biomedclip"]["here"] == "models/biomedclip"

    checked = run("--home", home.path, "encoders", "check", spec)
    assert checked.status == 0, checked.err
    for part in ("24 dimensions", "lengths of vectors: 1 to 1", "own text nearest:", "a second", "licence: open (MIT)"):
        assert part in checked.out
    said = run("--home", home.path, "--json", "encoders", "check", spec).json
    assert (said["dim"], said["licence"]["kind"]) == (24, "open")
    assert [len(row) for row in said["agreement"]["cosines"]] == [5] * 5


def test_fetch_elsewhere_needs_no_home(run: Run, shelf: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fetch = ("encoders", "fetch", "my/own", "--from", shelf / "clip", "--to", out)
    said = run("--home", tmp_path / "none", "--json", *fetch).json
    assert (said["spec"], said["licence"]["name"]) == (f"open_clip:local-dir:{out.resolve()}", "mit")
    assert not (tmp_path / "none").exists()
    assert run("--home", tmp_path, "encoders", "check", said["spec"]).status == 0
    run("--home", tmp_path / "none", *fetch).told("exists already; remove it")


def test_a_fetched_folder_beside_the_registry_is_listed(run: Run, home: Home, shelf: Path) -> None:
    assert run("--home", home.path, "encoders", "fetch", "my/own", "--from", shelf / "clip").status == 0
    row = run("--home", home.path, "--json", "encoders", "list").json[-1]
    assert (row["name"], row["hub"], row["class"], row["dims"]) == ("own", "my/own", "open", 24)
    assert "models/own" in run("--home", home.path, "encoders", "list").out
    (home.path / "models" / "own" / "curbside-encoder.json").write_text("{")
    run("--home", home.path, "encoders", "list").told("curbside-encoder.json is damaged")


def test_a_dead_tower_ends_with_status_2(run: Run, tmp_path: Path) -> None:
    folder = tiny_models.open_clip_folder(tmp_path / "models" / "dead")
    weights = load_file(folder / "open_clip_model.safetensors")
    weights["visual.proj"] = torch.zeros_like(weights["visual.proj"])
    save_file(weights, folder / "open_clip_model.safetensors")
    ran = run("--home", tmp_path, "encoders", "check", "open_clip:local-dir:models/dead")
    ran.told("gives pictures vectors of length 0.000")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fetch", "biomed"), "no published encoder named 'biomed'; known: biomedclip"),
        (("fetch", "pmc-clip"), "PMC-CLIP cannot be opened here"),
        (("fetch", "biomedclip"), "not in the hub's cache"),
        (("fetch", "biomedclip", "--from", "nowhere"), "There is no folder nowhere"),
        (("check", "embedded"), "write kind:name"),
        (("check", "word2vec:x"), "no encoder named 'word2vec'"),
        (("check", "open_clip:local-dir:none"), "no open_clip_config.json"),
        (("check", "transformers:none"), "no config.json"),
        (("check", "open_clip:hf-hub:some/thing"), "cannot be opened"),
    ],
)
def test_bad_input(run: Run, home: Home, arguments: tuple[str, ...], told: str) -> None:
    run("--home", home.path, "encoders", *arguments).told(told)
    assert not home.models.exists() or list(home.models.iterdir()) == []


def test_fetch_into_a_home_that_is_not_there(run: Run, tmp_path: Path) -> None:
    run("--home", tmp_path / "none", "encoders", "fetch", "biomedclip").told("There is no home at")


def test_open_licences_alone(run: Run, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_models.open_clip_folder(home.models / "own")
    monkeypatch.setenv("CURBSIDE_LICENCES", "open")
    run("--home", home.path, "encoders", "check", "open_clip:local-dir:models/own").told(
        "is unclear (not stated), which licences = 'open' refuses"
    )


def test_doctor_tells_the_licence_of_every_encoder(run: Run, home: Home) -> None:
    (home.path / "curbside.toml").write_text('[encoders]\ndermatology = "transformers:google/medsiglip-448"\n')
    facts = run("--home", home.path, "--json", "doctor").json
    assert facts["licences"] == "any"
    assert facts["encoder of dermatology"].startswith("transformers:google/medsiglip-448: terms (")
    assert facts["encoder of radiology"].startswith("embedded:radiology: ")
    assert facts["encoder of sentences"] == "embedded:sentence: open (MIT)"


def test_a_misspelt_embedded_encoder_is_not_the_general_one(run: Run, tmp_path: Path) -> None:
    run("--home", tmp_path, "encoders", "check", "embedded:radiolgy").told("'radiolgy'; known:", "radiology")
