"""Reader `folder`: pictures with a text file of the same name beside each, or one CSV or TSV that describes them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from corpora.errors import InputError, SourceError
from corpora.readers.base import ReaderOptions, existing_folder
from corpora.readers.jsonl import build_record
from corpora.records import Record, Skipped

__all__ = ["FolderReader"]

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif"})
_LISTS = ("labels", "absent")
_LONGEST_CELL = 16 * 1024 * 1024  # characters; the csv module refuses more than 131,072 unless told


class FolderReader:
    """Pictures in a folder and its subfolders, by relative path; the first subfolder's name becomes a label with
    `--option labels=folders`.

    With a table (`--option table=cases.csv`, found by itself where the folder holds just one `.csv` or `.tsv`), each
    row is a record: the column `image` (or `file`, `filename`, `path`) names the picture, the other columns are the
    fields of the `jsonl` reader, lists separated by `|`. Without one, `chest.png` is described by `chest.txt`, if that
    is there.
    """

    def read(self, source: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
        """Every row's or picture's record."""
        options.only("table", "labels")
        folder = existing_folder(source)
        if not options.domain:
            raise InputError(
                f"The folder reader cannot know the domain; say --domain, one of: {', '.join(options.domains.names)}."
            )
        options.domains.get(options.domain)
        table = _table(folder, options.extra.get("table"))
        return _rows(table, options) if table else _pictures(folder, options)


def _table(folder: Path, name: str | None) -> Path | None:
    if name:
        if not (folder / name).is_file():
            raise SourceError(f"There is no table {folder / name}; check --option table=…")
        return folder / name
    tables = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".csv", ".tsv"))
    if len(tables) > 1:
        raise InputError(f"{folder} holds {len(tables)} tables; say which: --option table={tables[0].name}.")
    return tables[0] if tables else None


def _rows(table: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
    csv.field_size_limit(_LONGEST_CELL)
    with table.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        rows = csv.DictReader(handle, delimiter="\t" if table.suffix.lower() == ".tsv" else ",")
        for number, row in enumerate(rows, 2):
            values: dict[str, Any] = {
                name.strip().lower(): text.strip()
                for name, text in row.items()
                if name and isinstance(text, str) and text.strip()
            }
            image = next((values.pop(name) for name in ("image", "file", "filename", "path") if name in values), None)
            if image is None and "report" not in values:
                yield Skipped(f"{table.name}:{number}", "the row names no picture and has no report")
                continue
            for name in _LISTS:
                if name in values:
                    values[name] = [part.strip() for part in values[name].split("|") if part.strip()]
            values.setdefault("id", image or f"row-{number}")
            yield build_record(values | {"image": image}, f"{table.name}:{number}", table.parent, options)


def _pictures(folder: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PICTURE_SUFFIXES or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        sidecar = path.with_suffix(".txt")
        report = sidecar.read_text(encoding="utf-8", errors="replace").strip() if sidecar.is_file() else ""
        values: dict[str, Any] = {"id": name, "image": name, "report": report}
        if options.extra.get("labels") == "folders" and "/" in name:
            values["labels"] = [name.split("/", 1)[0].replace("_", " ")]
        yield build_record(values, name, folder, options)
