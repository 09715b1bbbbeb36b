"""Settings: layers, sources, and what is told of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import load_settings, profile_names
from corpora.errors import SettingsError, UnknownNameError


def home(folder: Path, text: str) -> Path:
    (folder / "curbside.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults() -> None:
    settings, sources = load_settings(environment={})
    assert (settings.profile, settings.generator, settings.host) == ("embedded", "evidence", "127.0.0.1")
    assert sources["port"] == "default"
    assert sources["generator"] == "profile embedded"


def test_each_layer_outweighs_the_one_before(tmp_path: Path) -> None:
    folder = home(tmp_path, 'profile = "workstation"\nport = 1\nhost = "file"\ndevice = "file"\n')
    environment = {"CURBSIDE_PORT": "2", "CURBSIDE_HOST": "environment", "CURBSIDE_HOME": "elsewhere"}
    settings, sources = load_settings(folder, {"port": 3, "generator": None}, environment)
    assert (settings.port, sources["port"]) == (3, "argument")
    assert (settings.host, sources["host"]) == ("environment", "environment")
    assert (settings.device, sources["device"]) == ("file", str(tmp_path / "curbside.toml"))
    assert (settings.generator[:4], sources["generator"]) == ("vlm:", "profile workstation")
    assert (settings.index, sources["index"]) == ("default", "default")


def test_the_strongest_layer_names_the_profile(tmp_path: Path) -> None:
    folder = home(tmp_path, 'profile = "workstation"\n')
    assert load_settings(folder, environment={})[0].profile == "workstation"
    assert load_settings(folder, environment={"CURBSIDE_PROFILE": "cluster"})[0].profile == "cluster"
    assert load_settings(folder, {"profile": "embedded"}, {"CURBSIDE_PROFILE": "cluster"})[0].profile == "embedded"


def test_tables_of_encoders(tmp_path: Path) -> None:
    folder = home(tmp_path, '[encoders]\nradiology = "open_clip:local-dir:models/site"\n')
    assert load_settings(folder, environment={})[0].encoders == {"radiology": "open_clip:local-dir:models/site"}


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_valid(name: str) -> None:
    settings, sources = load_settings(arguments={"profile": name}, environment={})
    assert settings.profile == name
    assert sources["profile"] == "argument"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1\n", r"There is no setting 'prot' \(.*curbside\.toml\); known: .*port"),
        ("port = 99999\n", r"The setting port from .*curbside\.toml is wrong: "),
        ('vector_index = "tree"\n', "The setting vector_index from .* is wrong: "),
        ("context = 0\n", "The setting context from .* is wrong: "),
        ("port = \n", r"curbside\.toml is not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_with_its_name(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(home(tmp_path, text), environment={})


def test_a_wrong_variable_is_told_by_name() -> None:
    with pytest.raises(SettingsError, match="The setting port from environment is wrong"):
        load_settings(environment={"CURBSIDE_PORT": "many"})


def test_an_unknown_argument_and_an_unknown_profile() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting 'colour' \(argument\)"):
        load_settings(arguments={"colour": "red"}, environment={})
    with pytest.raises(UnknownNameError, match="There is no profile named 'laptop'; known: cluster, embedded"):
        load_settings(arguments={"profile": "laptop"}, environment={})


def test_encoders_that_the_settings_name_must_be_there(tmp_path: Path) -> None:
    tmp_path = tmp_path / "profile of a site"  # a file's source is its path
    (tmp_path / "domains").mkdir(parents=True)
    (tmp_path / "domains" / "dentistry.toml").write_text('title = "Teeth"\nmodalities = ["x"]\nrole = "a dentist"\n')
    path = tmp_path / "curbside.toml"
    path.write_text('encoder = "embedded:dentistry"\n[encoders]\ndentistry = "embedded:radiology"\n')
    assert load_settings(tmp_path, environment={})[0].encoders == {"dentistry": "embedded:radiology"}
    for text, told in (
        ('[encoders]\ndermatolgy = "embedded:general"', "no domain named 'dermatolgy'; known: dentistry, dermatology"),
        ('[encoders]\nradiology = "embedded:radiolgy"', "no embedded encoder named 'radiolgy'; known: dentistry, derm"),
        ('encoder = "embedded:radiolgy"', "The setting encoder from .*curbside.toml is wrong. There is no embedded"),
        ('sentence_encoder = "embedded:sentense"', "The setting sentence_encoder .* named 'sentense'"),
    ):
        path.write_text(text)
        with pytest.raises(SettingsError, match=told):
            load_settings(tmp_path, environment={})
