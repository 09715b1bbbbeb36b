"""A home: the folder with everything of one installation."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from corpora.domains import DomainRegistry, packaged_domains
from corpora.errors import InputError, SourceError

__all__ = ["Home"]

SETTINGS_FILE = "curbside.toml"


@dataclass(frozen=True, slots=True)
class Home:
    """Where the parts of an installation lie.

    `catalog_url` is a SQLAlchemy URL: SQLite in the folder, or what `curbside.toml` names.
    """

    path: Path
    catalog_url: str

    @classmethod
    def open(cls, path: str | Path, catalog_url: str | None = None) -> Home:
        """An existing home; raises `SourceError` where there is none."""
        folder = Path(path)
        if not (folder / SETTINGS_FILE).is_file():
            raise SourceError(
                f"There is no home at {folder}; make one with: curbside --home {folder} corpus add … (or demo)."
            )
        return cls(folder, catalog_url or _catalog_url(folder))

    @classmethod
    def create(cls, path: str | Path, catalog_url: str | None = None) -> Home:
        """The home at that path, made first where there is none."""
        folder = Path(path)
        settings = folder / SETTINGS_FILE
        if not settings.is_file():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                lines = ["# Settings of this home; `curbside settings show` lists them all with value and source.\n"]
                if catalog_url:
                    lines.append(f"catalog_url = {json.dumps(catalog_url)}\n")  # a JSON string is a TOML string
                settings.write_text("".join(lines), encoding="utf-8")
            except OSError as error:
                raise SourceError(f"The home {folder} cannot be made: {error.strerror}.") from error
        return cls.open(folder, catalog_url)

    @property
    def images(self) -> Path:
        """The content-addressed pictures."""
        return self.path / "images"

    @property
    def indexes(self) -> Path:
        """The published and partial indexes."""
        return self.path / "indexes"

    @property
    def runs(self) -> Path:
        """What jobs and evaluations wrote down: rejects, manifests, tables."""
        return self.path / "runs"

    @property
    def calibration(self) -> Path:
        """What was fitted to this home's own records: a file for each index."""
        return self.path / "calibration"

    @property
    def models(self) -> Path:
        """Encoders and generators that this site made or fetched."""
        return self.path / "models"

    @property
    def domains(self) -> DomainRegistry:
        """The packaged domains and those of `domains/*.toml` in this home."""
        return packaged_domains().with_folder(self.path / "domains")


def _catalog_url(folder: Path) -> str:
    try:
        settings = tomllib.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{folder / SETTINGS_FILE} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SourceError(f"{folder / SETTINGS_FILE} cannot be read: {error.strerror}.") from error
    url = settings.get("catalog_url", "")
    if not isinstance(url, str):
        raise InputError(f"catalog_url in {folder / SETTINGS_FILE} must be text.")
    return url or f"sqlite:///{(folder / 'catalog.db').resolve().as_posix()}"
