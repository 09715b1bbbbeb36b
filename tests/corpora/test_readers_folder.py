"""Reader `folder`: pictures with sidecars, and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.errors import InputError, SourceError, UnknownNameError
from corpora.readers.base import ReaderOptions
from corpora.readers.folder import FolderReader
from corpora.records import Record, Skipped
from tests.conftest import picture, png_bytes


def read(folder: Path, **extra: str) -> list[Record | Skipped]:
    return list(FolderReader().read(folder, ReaderOptions("small", domain="radiology", extra=extra)))


def records(items: list[Record | Skipped]) -> list[Record]:
    assert all(isinstance(item, Record) for item in items), items
    return [item for item in items if isinstance(item, Record)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(["b.png", "a.PNG", "pleural_effusion/c.png", "normal/deep/d.png"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png_bytes(picture(number)))
    (tmp_path / "b.txt").write_bytes("Findings: Größe 3 cm.".encode())
    (tmp_path / "notes.md").write_text("no picture")
    return tmp_path


def test_pictures_by_path_with_their_sidecars(folder: Path) -> None:
    found = records(read(folder))
    assert [record.id for record in found] == ["a.PNG", "b.png", "normal/deep/d.png", "pleural_effusion/c.png"]
    assert [record.report for record in found] == ["", "Findings: Größe 3 cm.", "", ""]
    assert found[1].findings == "Größe 3 cm."
    assert all(record.labels == () for record in found)
    assert Path(found[2].pictures[0].source).is_file()


def test_folders_become_labels(folder: Path) -> None:
    labels = {record.id: record.labels for record in records(read(folder, labels="folders"))}
    assert labels["pleural_effusion/c.png"] == ("pleural effusion",)
    assert labels["normal/deep/d.png"] == ("normal",)
    assert labels["b.png"] == ()


@pytest.mark.parametrize(("name", "comma"), [("cases.csv", ","), ("cases.tsv", "\t")])
def test_a_table_with_a_byte_order_mark(folder: Path, name: str, comma: str) -> None:
    rows = [
        ["Image", "Report", "labels", "ID", "Age", "day"],
        ["b.png", "Größe; 3 cm", "effusion| Pneumothorax |", "one", "61", "4"],
        ["", "A text alone", "", "two", "", ""],
        ["", "", "", "three", "", ""],
        ["a.PNG"],
        ["a.PNG", "x", "", "five", "", "soon"],
    ]
    (folder / name).write_bytes(("\ufeff" + "\r\n".join(comma.join(row) for row in rows)).encode())
    items = read(folder)
    first, second, fourth = (item for item in items if isinstance(item, Record))
    assert (first.id, first.report, first.labels) == ("one", "Größe; 3 cm", ("pleural effusion", "pneumothorax"))
    assert (first.attributes, first.day) == ({"age": "61"}, 4)
    assert (second.id, second.pictures) == ("two", ())
    assert fourth.id == "a.PNG"
    bad = [item for item in items if isinstance(item, Skipped)]
    assert [item.where.split(" ")[0] for item in bad] == [f"{name}:4", f"{name}:6"]
    assert "names no picture" in bad[0].reason


@pytest.mark.parametrize("column", ["image", "file", "filename", "path", " File "])
def test_columns_that_name_the_picture(folder: Path, column: str) -> None:
    (folder / "t.csv").write_text(f"{column},report\nb.png,x\n")
    (record,) = records(read(folder))
    assert record.pictures[0].source == str(folder / "b.png")


def test_a_table_of_many_must_be_chosen(folder: Path) -> None:
    for name in ("x.csv", "y.csv"):
        (folder / name).write_text(f"id,report\n{name},text\n")
    with pytest.raises(InputError, match="2 tables"):
        read(folder)
    assert [record.id for record in records(read(folder, table="y.csv"))] == ["y.csv"]
    with pytest.raises(SourceError, match="no table"):
        read(folder, table="z.csv")


def test_a_cell_larger_than_the_csv_module_reads_by_default(folder: Path) -> None:
    (folder / "t.csv").write_text("id,report\nlong," + "word " * 40_000 + "\nnext,short\n")
    assert [record.id for record in records(read(folder))] == ["long", "next"]


def test_what_cannot_be_read_at_all(folder: Path) -> None:
    with pytest.raises(InputError, match="say --domain, one of: dermatology"):
        FolderReader().read(folder, ReaderOptions("small"))
    with pytest.raises(UnknownNameError, match="no domain named 'astrology'"):
        FolderReader().read(folder, ReaderOptions("small", domain="astrology"))
    with pytest.raises(SourceError, match="no folder"):
        read(folder / "none")
    with pytest.raises(InputError, match="no option 'colour'; it knows: table, labels"):
        read(folder, colour="red")
