"""`curbside train-encoder`."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from corpora.home import Home
from indexing.training.train import Trained
from tests.indexing.tiny_models import open_clip_folder
from tests.indexing.training.drawn_site import put, site_records
from tests.ui.cli.conftest import Run
from ui.cli.train import _told

ON = "open_clip:local-dir:models/tiny"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """70 cases of ultrasound, five of skin, and a tiny open_clip model, on whose vectors fits are quick."""
    home = Home.create(tmp_path_factory.mktemp("train") / "home")
    put(home, site_records(home, 70))
    put(home, site_records(home, 5, "few", domain="dermatology"))
    open_clip_folder(home.models / "tiny")
    return home


@pytest.fixture
def site(prepared: Home, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared.path, tmp_path / "home"))


def test_a_fit_tells_what_it_reached_and_how_to_use_it(run: Run, site: Path) -> None:
    ran = run("--home", site, "train-encoder", "--domain", "ultrasound", "--on", ON, "--epochs", "2")
    assert ran.status == 0, ran.err
    assert ran.err == ""
    for part in (
        "70 pictures of 70 patients; measured on 12 pictures with 8 texts that nothing was fitted on. Before: by "
        "embedded:ultrasound, which served.",
        f"Written: {site / 'models' / 'ultrasound-adapter'} (weights, manifest, model card).",
        '[encoders]\nultrasound = "embedded:local-dir:models/ultrasound-adapter"',
        f"build the index again: curbside --home {site} index build\n",
    ):
        assert part in ran.out
    lines = [line.split() for line in ran.out.splitlines()[-5:]]
    assert lines[0] == ["held-out", "patients", "chance", "before", ON, "alone", "after"]
    assert [" ".join(line[:-4]) for line in lines[1:]] == ["recall@1", "recall@5", "recall@10", "label precision@5"]
    assert [line[-4] for line in lines[1:]] == ["0.125", "0.625", "1.000", "–"]
    assert all(0 <= float(figure) <= 1 for line in lines[1:] for figure in line[-3:])

    (site / "curbside.toml").write_text('[encoders]\nultrasound = "embedded:local-dir:models/ultrasound-adapter"\n')
    built = run("--home", site, "index", "build")
    assert "75 records" in built.out, built.err
    found = run("--home", site, "--json", "search", "A cyst.", "--domain", "ultrasound")
    assert found.status == 0, found.err
    assert found.json["hits"]


def test_it_is_measured_against_what_serves_in_this_home(run: Run, site: Path) -> None:
    (site / "curbside.toml").write_text(f'[encoders]\nultrasound = "{ON}"\n')
    ran = run("--home", site, "train-encoder", "--domain", "ultrasound", "--on", ON, "--epochs", "1")
    assert ran.status == 0, ran.err
    assert f"Before: by {ON}, which served." in " ".join(ran.out.split())
    assert ran.out.splitlines()[-5].split() == ["held-out", "patients", "chance", "before", "after"]


def test_as_json(run: Run, site: Path, tmp_path: Path) -> None:
    options = ("--domain", "ultrasound", "--corpus", "site", "--on", ON, "--epochs", "1", "--seed", "5")
    ran = run("--home", site, "--json", "train-encoder", *options, "--to", tmp_path / "new")
    assert ran.status == 0, ran.err
    told = ran.json
    assert (told["domain"], told["pictures"], told["patients"]) == ("ultrasound", 70, 70)
    assert told["folder"] == str(tmp_path / "new")
    assert told["spec"] == f"embedded:local-dir:{tmp_path / 'new'}"
    assert set(told["after"]) >= {"recall@1", "recall@5", "recall@10", "label precision@5"}
    assert (tmp_path / "new" / "README.md").is_file()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ("--domain", "astrology"),
            "no domain with pictures in this home named 'astrology'; known: dermatology, ultra",
        ),
        (("--domain", "ultrasound", "--corpus", "nothing"), "no corpus in this home named 'nothing'; known: few, site"),
        (("--domain", "dermatology"), "dermatology has pictures of 5 patients here"),
        (("--domain", "ultrasound", "--on", ON, "--mode", "tower"), "leave --on out, or use --mode adapter"),
        (("--domain", "ultrasound", "--on", "word2vec:x"), "no encoder named 'word2vec'"),
        (("--domain", "ultrasound", "--on", "open_clip:local-dir:models/gone"), "open_clip_config.json"),
        (("--domain", "ultrasound", "--device", "cuda:99"), "PyTorch finds no GPU 'cuda:99' here"),
        (("--domain", "ultrasound", "--device", "tpu"), "There is no device 'tpu'; write cpu, cuda, or cuda:1."),
    ],
)
def test_bad_input_is_one_line(run: Run, site: Path, options: tuple[str, ...], told: str) -> None:
    run("--home", site, "train-encoder", *options).told(told)
    assert sorted(path.name for path in (site / "models").iterdir()) == ["tiny"]


def test_an_existing_folder_stays(run: Run, site: Path) -> None:
    taken = site / "models" / "ultrasound-adapter"
    taken.mkdir()
    run("--home", site, "train-encoder", "--domain", "ultrasound").told(str(taken), "is there already", "--to")
    assert list(taken.iterdir()) == []


@pytest.mark.parametrize(
    "options", [(), ("--domain", "ultrasound", "--mode", "best"), ("--domain", "x", "--epochs", "-1")]
)
def test_wrong_options_are_refused(run: Run, site: Path, options: tuple[str, ...]) -> None:
    ran = run("--home", site, "train-encoder", *options)
    assert ran.status == 2
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("after", "said"), [(0.6, "To use it"), (0.5, "It is not better than before")])
def test_it_says_whether_it_is_better(tmp_path: Path, after: float, said: str) -> None:
    names = ("recall@5", "label precision@5", "pictures", "texts")
    trained = Trained(tmp_path, "embedded:local-dir:x", dict.fromkeys(names, 0.5), dict.fromkeys(names, after), 1, 1)
    told = _told(trained, "radiology", "")
    assert any(line.startswith(said) for line in told)
    assert told[0].startswith("1 picture of 1 patient; measured on ")


@pytest.mark.parametrize("domain", ["radiology", "oral surgery", "Zähne", 'a "b".c'])
def test_what_it_says_to_write_is_toml(tmp_path: Path, domain: str) -> None:
    names = ("recall@5", "label precision@5", "pictures", "texts")
    trained = Trained(tmp_path, "embedded:local-dir:x", dict.fromkeys(names, 0.5), dict.fromkeys(names, 0.6), 1, 1)
    (line,) = [line for line in _told(trained, domain, "") if line.startswith("[encoders]")]
    assert tomllib.loads(line) == {"encoders": {domain: "embedded:local-dir:x"}}
