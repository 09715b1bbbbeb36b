"""A home: made once, opened after, its catalogue where its settings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.catalog import Catalog
from corpora.errors import InputError, SourceError
from corpora.home import Home


def test_a_home_is_made_once_and_opened_after(tmp_path: Path) -> None:
    path = tmp_path / "new" / "home"
    with pytest.raises(SourceError, match="no home at"):
        Home.open(path)
    made = Home.create(path)
    assert Home.open(str(path)) == made == Home.create(path)
    assert made.catalog_url == f"sqlite:///{path / 'catalog.db'}"
    assert {made.images.parent, made.indexes.parent, made.runs.parent, made.models.parent} == {path}
    Catalog.open(made.catalog_url).close()
    assert (path / "catalog.db").is_file()


def test_the_catalogue_may_lie_elsewhere(tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path / 'other.db'}"
    Home.create(tmp_path / "home", elsewhere)
    assert Home.open(tmp_path / "home").catalog_url == elsewhere
    assert Home.open(tmp_path / "home", "sqlite://").catalog_url == "sqlite://"


@pytest.mark.parametrize("url", ['postgresql://u:"quoted"@host/db', "sqlite:///C:\\homes\\catalog.db"])
def test_a_url_with_quotes_and_backslashes_is_kept(tmp_path: Path, url: str) -> None:
    Home.create(tmp_path / "home", url)
    assert Home.open(tmp_path / "home").catalog_url == url


@pytest.mark.parametrize(("text", "said"), [("catalog_url = ", "not valid TOML"), ("catalog_url = 3", "must be text")])
def test_wrong_settings(tmp_path: Path, text: str, said: str) -> None:
    Home.create(tmp_path)
    (tmp_path / "curbside.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        Home.open(tmp_path)
    (tmp_path / "curbside.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not valid TOML"):
        Home.open(tmp_path)


def test_a_home_cannot_be_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be made"):
        Home.create(tmp_path / "file" / "home")


def test_a_home_adds_its_own_domains(tmp_path: Path) -> None:
    home = Home.create(tmp_path)
    (tmp_path / "domains").mkdir()
    (tmp_path / "domains" / "dentistry.toml").write_text('title = "D"\nmodalities = []\nrole = "a dentist"\n')
    assert "dentistry" in home.domains
