"""The writer of the teaching corpus: the same bytes at every call, and pictures that say what they are."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from corpora.errors import UnknownNameError
from corpora.language import packaged_lexicon
from corpora.readers.base import ReaderOptions
from corpora.readers.jsonl import JsonLinesReader
from corpora.records import Record
from corpora.teaching import example, new_cases, teaching_cases, writer

EXAMPLES = [("fundus", "glaucoma"), ("chest_radiograph", "pleural effusion"), ("histology", None)]


@pytest.mark.parametrize(("modality", "finding"), EXAMPLES)
def test_drawn_twice_is_the_same_file_and_says_that_it_is_drawn(modality: str, finding: str | None) -> None:
    first, second = (example(modality, finding, 7) for _ in range(2))
    assert first.id == second.id
    assert (first.report, first.labels) == (second.report, second.labels)
    data = writer.png(first.draw())
    assert data == writer.png(second.draw())
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "PNG"
        assert opened.info["Comment"] == "drawn, not a patient"
    other = writer.png(example(modality, finding, 8).draw())
    assert other != data
    if finding:
        assert finding in first.labels


def test_every_case_is_planned_once_in_known_words() -> None:
    cases = teaching_cases()
    assert len({case.id for case in cases}) == len(cases) > 300
    lexicon = packaged_lexicon()
    for case in cases:
        assert case.report
        assert case.labels
        assert all(lexicon.canonical(label) == label for label in (*case.labels, *case.absent)), case.id


def test_new_cases_are_of_every_finding_and_not_in_the_corpus() -> None:
    known = {case.report for case in teaching_cases()}
    asked, cases = zip(*new_cases(1, 20_000), strict=True)
    assert len(set(asked)) == len(cases) > 100
    assert {name.split()[0] for name in asked} == set(writer._MODALITIES)
    pictures = [case.draw() for case in cases[:3]]
    planned = [example(name.split()[0], " ".join(name.split()[1:-1]), int(name.split()[-1])) for name in asked[:3]]
    assert all(np.array_equal(picture, case.draw()) for picture, case in zip(pictures, planned, strict=True))
    assert sum(case.report in known for case in cases) < len(cases) / 10  # a bare "normal" may be said twice


def test_written_cases_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writer._renderer
    few = tuple(real(name).cases()[0] for name in ("fundus", "histology"))
    planned = {"fundus": few[:1], "histology": few[1:]}
    monkeypatch.setattr(writer, "_MODALITIES", tuple(planned))
    monkeypatch.setattr(writer, "_renderer", lambda name: SimpleNamespace(cases=lambda: planned[name]))
    monkeypatch.setattr(import_module("corpora.teaching.primer"), "write", lambda folder: 0)
    done = writer.write_teaching(tmp_path, processes=1)
    assert (done.cases, done.drawn) == (2, 2)
    folder = next(path.parent for path in tmp_path.rglob("records.jsonl"))
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    assert len(stamps) == 2
    again = writer.write_teaching(tmp_path, processes=1)
    assert again.drawn == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")} == stamps
    records = [item for item in JsonLinesReader().read(folder, ReaderOptions("teaching")) if isinstance(item, Record)]
    assert [record.id for record in records] == [case.id for case in few]
    for record, case in zip(records, few, strict=True):
        assert record.drawn
        assert record.licence.kind == "open"
        assert (record.domain, record.modality, record.labels) == (case.domain, case.modality, case.labels)
        with Image.open(record.pictures[0].source) as opened:
            assert np.array_equal(np.asarray(opened), case.draw())


def test_an_unknown_renderer_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known: blood_smear"):
        example("palm_reading", None, 1)
