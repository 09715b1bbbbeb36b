"""Commands that are printed to be run next work as they are printed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from rich.console import Console

from corpora.home import Home
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from tests.conftest import fill
from tests.ui.cli.conftest import Run
from ui.cli.context import DEFAULT_HOME, HOME_VARIABLE, Context


@pytest.mark.parametrize(
    ("home", "profile", "index", "told"),
    [
        (DEFAULT_HOME, None, "default", "curbside index build"),
        (Path("site"), None, "default", "curbside --home site index build"),
        (Path("/srv/my home"), None, "wide", "curbside --home '/srv/my home' index build --name wide"),
        (DEFAULT_HOME, "workstation", "default", "curbside --profile workstation index build"),
    ],
)
def test_a_command_names_what_is_not_the_default(
    home: Path, profile: str | None, index: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    here = Context(home, profile, False, False, Console())
    assert here.command("index", "build", index=index) == told


def test_the_variable_of_the_home_does_not_lead_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, "/srv/other")
    told = Context(DEFAULT_HOME, None, False, False, Console()).command("index", "build")
    assert told == "curbside --home home index build"


def test_what_verify_prints_is_run(run: Run, tmp_path: Path, tiny: EncoderPlan) -> None:
    home = Home.create(tmp_path / "a site's home")
    (home.path / "curbside.toml").write_text(f'encoder = "{tiny.default}"\nsentence_encoder = "{tiny.sentence}"\n')
    fill(home, 2)
    build_index(home, "wide", BuildOptions(plan=tiny))
    fill(home, 1, first=2)
    verify = ("--home", home.path, "index", "verify", "--name", "wide")
    waiting = run(*verify).out.splitlines()[-1]
    program, *words = shlex.split(waiting.partition("run: ")[2])
    assert program == "curbside"
    assert run(*words).status == 0
    assert "not indexed yet" not in run(*verify).out
