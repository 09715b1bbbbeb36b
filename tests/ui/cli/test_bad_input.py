"""What a user may get wrong: one line on stderr, status 2, nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zlib
from pathlib import Path

import pytest

from corpora.home import Home
from tests.ui.cli.conftest import Run


def huge_png() -> bytes:
    """The head of a PNG of 30,000 × 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(30_001))) + chunk(b"IEND", b"")
    )


@pytest.fixture
def pictures(source: Path) -> Path:
    (source / "huge.png").write_bytes(huge_png())
    return source


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no.png", "no.png is not a picture that can be read"),
        ("cut.png", "cut.png is damaged or cut short"),
        ("huge.png", "the limit of 60 million"),
        ("gone.png", "No such file or directory"),
    ],
)
def test_a_bad_picture(run: Run, drawn_home: Path, pictures: Path, command: str, name: str, told: str) -> None:
    run("--home", drawn_home, command, "An effusion?", "--image", pictures / name).told(told)


@pytest.mark.parametrize("command", ["search", "ask"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a text, a picture, or both"),
        (("  ",), "give a text, a picture, or both"),
        (("effusion", "--domain", "astrology"), "no domain in this index named 'astrology'; known: dermatology"),
        (("effusion", "--corpus", "nothing"), "no corpus named 'nothing'; known: primer, teaching"),
    ],
)
def test_a_bad_question(run: Run, drawn_home: Path, command: str, arguments: tuple[str, ...], told: str) -> None:
    run("--home", drawn_home, command, *arguments).told(told)


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ("1,2,3", "is not x,y,w,h"),
        ("a,b,c,d", "is not x,y,w,h"),
        ("5,5,0,9", "is empty"),
        ("-1,0,9,9", "is empty"),
        ("9999,0,5,5", "lies outside the picture"),
    ],
)
def test_a_bad_region(run: Run, drawn_home: Path, effusion: Path, region: str, told: str) -> None:
    run("--home", drawn_home, "ask", "What?", "--image", effusion, "--region", region).told(told)


@pytest.mark.parametrize("k", ["0", "-3", "201"])
def test_k_out_of_range(run: Run, drawn_home: Path, k: str) -> None:
    run("--home", drawn_home, "search", "effusion", "-k", k).told(f"k is {k}; it must lie between 1 and 200")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("oracle", "no generator named 'oracle'; known: evidence, server, vlm"),
        ("vlm", "incomplete; write vlm:<where>"),
        ("server:http://127.0.0.1:9/v1#none", "127.0.0.1:9"),
    ],
)
def test_a_generator_that_is_not_there(run: Run, drawn_home: Path, spec: str, told: str) -> None:
    ran = run("--home", drawn_home, "ask", "What is a pleural effusion?", "--generator", spec)
    ran.told(told)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("corpus", "list"), "There is no home at"),
        (("index", "build"), "There is no home at"),
        (("search", "effusion"), "There is no home at"),
        (("ask", "effusion"), "There is no home at"),
        (("chat",), "There is no home at"),
        (("index", "drop", "default"), "There is no home at"),
    ],
)
def test_no_home(run: Run, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    run("--home", tmp_path / "none", *arguments).told(told)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("arguments", [("search", "effusion"), ("ask", "effusion"), ("index", "verify")])
def test_no_index(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    home = Home.create(tmp_path / "home")
    run("--home", home.path, *arguments).told("curbside index build")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("missing", "-n", "x"), "cannot be read"),
        (("SOURCE", "-n", "x", "--reader", "pdff"), "There is no reader named 'pdff'; known: folder, jsonl, openstax"),
        (("SOURCE", "-n", "x", "--reader", "folder", "--domain", "astrology"), "'astrology'"),
        (("SOURCE", "-n", "x", "--option", "file"), "--option file is incomplete; write key=value"),
        (("SOURCE", "-n", "x", "--option", "colour=red"), "colour"),
    ],
)
def test_a_source_that_cannot_be_added(
    run: Run, source: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    given = [source if argument == "SOURCE" else argument for argument in arguments]
    run("--home", tmp_path / "home", "corpus", "add", *given).told(told)


def test_unknown_corpora_and_records(run: Run, drawn_home: Path) -> None:
    run("--home", drawn_home, "corpus", "show", "nothing").told("no corpus named 'nothing'; known: primer, teaching")
    run("--home", drawn_home, "corpus", "remove", "nothing").told("no corpus named 'nothing'")
    run("--home", drawn_home, "corpus", "show", "teaching", "nobody").told("nobody")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CURBSIDE_ENCODER", "foo:bar", "no encoder named 'foo'; known: embedded, open_clip, sentence-transformers"),
        ("CURBSIDE_VECTOR_INDEX", "tree", "The setting vector_index from environment is wrong"),
        ("CURBSIDE_PROFILE", "laptop", "no profile named 'laptop'"),
    ],
)
def test_a_build_with_a_wrong_setting(
    run: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    home = tmp_path / "home"
    assert run("--home", home, "corpus", "add", source, "-n", "site", "--domain", "radiology").status == 0
    monkeypatch.setenv(name, value)
    run("--home", home, "index", "build").told(told)
    monkeypatch.delenv(name)
    assert run("--home", home, "index", "build").status == 0


def test_a_wrong_settings_file(run: Run, tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home")
    for text, told in (("port = \n", "is not valid TOML"), ("prot = 1\n", "There is no setting 'prot'")):
        (home.path / "curbside.toml").write_text(text)
        run("--home", home.path, "settings", "show").told(told)
        run("--home", home.path, "corpus", "list").told(told)


def test_a_home_of_a_newer_version(run: Run, drawn_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("curbside.toml", "catalog.db"):
        shutil.copy(drawn_home / name, home / name)
    with sqlite3.connect(home / "catalog.db") as catalog:
        catalog.execute("UPDATE alembic_version SET version_num = '9999'")
    catalog.close()
    for arguments in (("corpus", "list"), ("ask", "effusion"), ("corpus", "teach")):
        run("--home", home, *arguments).told("newer than this Curbside knows", "update Curbside")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--bogus",), "No such option: --bogus"),
        (("search", "x", "--bogus"), "see: curbside search --help"),
        (("nope",), "No such command 'nope'"),
        (("corpus", "add"), "Missing argument"),
        (("search", "x", "-k", "many"), "Invalid value for '-k'"),
    ],
)
def test_wrong_arguments(run: Run, arguments: tuple[str, ...], told: str) -> None:
    run(*arguments).told(told, "--help")


@pytest.mark.parametrize("option", ["--json", "--home", "--profile"])
def test_an_option_of_every_command_behind_it_is_told_where_it_stands(run: Run, option: str) -> None:
    run("search", "x", option).told(f"{option} stands before the command: curbside {option} … search …")


def test_a_group_alone_prints_its_help(run: Run) -> None:
    ran = run("corpus")
    assert (ran.status, ran.err) == (2, "")
    assert "teach" in ran.out


def test_a_bug_is_one_line_and_a_trace_only_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.cli.house._version", lambda name: {}[name])
    ran = run("doctor")
    assert ran.status == 1
    assert ran.err.startswith("curbside: A bug in Curbside: KeyError")
    assert ran.err.count("\n") == 1


def test_stopping_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(name: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("ui.cli.house._version", stop)
    ran = run("doctor")
    assert (ran.status, ran.err) == (130, "curbside: Stopped; nothing is half-written.\n")
