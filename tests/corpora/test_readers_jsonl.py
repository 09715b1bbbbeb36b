"""Reader `jsonl`: good lines become records, each bad one is told with its place and reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.errors import InputError, SourceError, UnknownNameError
from corpora.readers.base import ReaderOptions, get_reader, licence_kind, reader_names
from corpora.readers.jsonl import JsonLinesReader
from corpora.records import Licence, Record, Skipped

OPTIONS = ReaderOptions("small", domain="radiology", modality="CXR", licence=Licence("CC0 1.0", "open"))


def read(folder: Path, *lines: Any, options: ReaderOptions = OPTIONS) -> list[Record | Skipped]:
    said = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / "records.jsonl").write_bytes(b"\n".join(said) + b"\n")
    return list(JsonLinesReader().read(folder, options))


def one(folder: Path, line: Any, options: ReaderOptions = OPTIONS) -> Record:
    (record,) = read(folder, line, options=options)
    assert isinstance(record, Record)
    return record


def test_a_full_line(tmp_path: Path) -> None:
    record = one(
        tmp_path,
        {
            "id": "a1", "domain": "radiology", "modality": "radiology (chest radiograph)", "images": ["x.png", "y.png"],
            "report": "History: cough. Findings: Right effusion.", "caption": "C", "title": "T", "view": "PA",
            "labels": ["Effusion", "Pleural  effusion", "Rare thing"], "absent": ["Pneumothorax"], "patient": "p",
            "study": "s",
            "date": "2021-03-04", "license": "CC BY-NC 4.0", "license_url": "https://example.org", "source": "Us",
            "attributes": {"age": 4}, "scanner": "old", "empty": None, "drawn": True, "mentions": ["see there"],
        },
    )  # fmt: skip
    assert (record.id, record.corpus, record.kind, record.domain) == ("a1", "small", "case", "radiology")
    assert record.modality == "chest radiograph"
    assert record.findings == "Right effusion."
    assert record.labels == ("pleural effusion", "rare thing")
    assert record.absent == ("pneumothorax",)
    assert [picture.source for picture in record.pictures] == [str(tmp_path / "x.png"), str(tmp_path / "y.png")]
    assert record.pictures[0].view == "PA"
    assert record.attributes == {"age": 4, "scanner": "old"}
    assert (record.licence.name, record.licence.kind) == ("CC BY-NC 4.0", "non-commercial")
    assert (record.patient, record.study, record.drawn, record.mentions) == ("p", "s", True, ("see there",))


def test_what_a_line_does_not_say_comes_from_the_options(tmp_path: Path) -> None:
    record = one(tmp_path, {"id": 7, "report": "x"})
    assert (record.id, record.domain, record.modality) == ("7", "radiology", "chest radiograph")
    assert record.licence == Licence("CC0 1.0", "open")


def test_a_text_where_a_list_is_meant_is_a_list_of_one(tmp_path: Path) -> None:
    record = one(tmp_path, {"id": "a", "labels": "pleural effusion", "image": "x.png", "mentions": "see there"})
    assert record.labels == ("pleural effusion",)
    assert record.mentions == ("see there",)
    assert len(record.pictures) == 1


@pytest.mark.parametrize(
    ("said", "day"),
    [({"day": 3}, 3), ({"order": "2"}, 2), ({"day": 0}, 0), ({"date": "1970"}, 719163), ({"date": "2000-13-40"}, None),
     ({"date": "soon"}, None), ({}, None), ({"date": "2000-02-29"}, 730179)],
)  # fmt: skip
def test_days(tmp_path: Path, said: dict[str, Any], day: int | None) -> None:
    assert one(tmp_path, {"id": "a"} | said).day == day


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "a"', "not a JSON object"),
        (b"\xff\xfe\x00", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"id": "a", "day": ' + b"9" * 5000 + b"}", "not a JSON object"),
        (b'["id"]', "no id"),
        (b"3", "no id"),
        ({"report": "x"}, "no id"),
        ({"id": ""}, "no id"),
        ({"id": None}, "no id"),
        ({"id": ["a"]}, "no id"),
        ({"id": True}, "no id"),
        ({"id": "a", "domain": "astrology"}, "no domain named 'astrology'; known: dermatology"),
        ({"id": "a", "labels": {"x": 1}}, "labels must be a list"),
        ({"id": "a", "labels": [["x"]]}, "labels must be a list"),
        ({"id": "a", "images": [{"path": "x"}]}, "images must be a list"),
        ({"id": "a", "attributes": [1, 2]}, "wrong type"),
        ({"id": "a", "day": "soon"}, "wrong type"),
        ({"id": "a", "day": [1]}, "wrong type"),
        (b'{"id": "a", "day": 1e999}', "wrong type"),
        ({"id": "a", "day": 2**70}, "is no day"),
    ],
)
def test_a_bad_line_is_skipped_with_its_reason_and_the_rest_is_read(tmp_path: Path, line: Any, reason: str) -> None:
    first, bad, last = read(tmp_path, {"id": "first"}, line, {"id": "last"})
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert isinstance(bad, Skipped)
    assert bad.where.startswith("records.jsonl:2")
    assert reason in bad.reason


def test_without_any_domain_the_line_is_skipped(tmp_path: Path) -> None:
    (skipped,) = read(tmp_path, {"id": "a"}, options=ReaderOptions("small"))
    assert isinstance(skipped, Skipped)
    assert "--domain" in skipped.reason


def test_what_databases_refuse_is_taken_out_of_texts(tmp_path: Path) -> None:
    said = b'{"id": "a\\u0000b", "report": "x\\ud800y", "extra": {"k\\u0000": ["\\u0000"]}, "patient": "\\udfff"}'
    record = one(tmp_path, said)
    assert (record.id, record.report, record.patient) == ("ab", "x?y", "?")
    assert record.attributes == {"extra": {"k": [""]}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(["domain", "modality", "images", "image", "report", "labels", "absent", "day", "order", "date",
                          "attributes", "mentions", "license", "license_class", "kind", "title", "view"])  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(fields, json_values, max_size=6))
def test_any_values_are_read_or_skipped(tmp_path: Path, values: dict[str, Any]) -> None:
    (item,) = read(tmp_path, values | {"id": "a"})
    if isinstance(item, Record):
        assert Record.from_json(item.to_json()).id == item.id
        assert len(item.content_hash) == 64


def test_blank_lines_and_a_byte_order_mark_are_no_matter(tmp_path: Path) -> None:
    (tmp_path / "lines.json").write_bytes(b'\xef\xbb\xbf{"id": "a"}\n\n   \n{"id": "b"}')
    options = ReaderOptions("small", domain="radiology", extra={"file": "lines.json"})
    assert [item.id for item in JsonLinesReader().read(tmp_path, options) if isinstance(item, Record)] == ["a", "b"]
    assert len(list(JsonLinesReader().read(tmp_path / "lines.json", OPTIONS))) == 2


def test_a_missing_file_and_an_unknown_option(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"records\.jsonl cannot be read"):
        list(JsonLinesReader().read(tmp_path, OPTIONS))
    with pytest.raises(InputError, match="no option 'colour'; it knows: file"):
        list(JsonLinesReader().read(tmp_path, ReaderOptions("small", extra={"colour": "red"})))


def test_readers_are_found_by_name() -> None:
    assert {"folder", "jsonl", "openstax"} <= set(reader_names())
    assert isinstance(get_reader("jsonl"), JsonLinesReader)
    with pytest.raises(UnknownNameError, match=r"no reader named 'pdff'; known: .*jsonl"):
        get_reader("pdff")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("CC BY 4.0", "open"), ("cc0 1.0", "open"), ("CC BY-NC-ND 4.0", "non-commercial"),
     ("CC BY NC 4.0", "non-commercial"),
     ("Apache-2.0", "open"), ("research use", "unclear"), ("", "unclear"), ("proprietary", "unclear")],
)  # fmt: skip
def test_classes_of_licences(name: str, kind: str) -> None:
    assert licence_kind(name) == kind
