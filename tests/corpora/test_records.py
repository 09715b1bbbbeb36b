"""Records as values: JSON in and out, numbers, hashes, what they refuse."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import InputError
from corpora.records import Kind, Licence, LicenceClass, Picture, Record, Region, record_uid

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
words = st.lists(texts, max_size=4).map(tuple)
numbers = st.integers(0, 10_000)
plain = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | texts
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
licences = st.builds(Licence, texts, st.sampled_from(get_args(LicenceClass)), texts, texts)
pictures = st.lists(st.builds(Picture, texts, texts, numbers, numbers, texts, texts), max_size=3).map(tuple)
records = st.builds(
    Record,
    id=texts.filter(bool),
    corpus=texts.filter(bool),
    kind=st.sampled_from(get_args(Kind)),
    domain=texts,
    modality=texts,
    title=texts,
    report=texts,
    findings=texts,
    caption=texts,
    pictures=pictures,
    mentions=words,
    labels=words,
    absent=words,
    patient=texts,
    study=texts,
    day=st.none() | st.integers(-(2**62), 2**62),
    attributes=st.dictionaries(texts, values, max_size=4),
    licence=licences,
    source=texts,
    drawn=st.booleans(),
)


@given(records)
def test_json_and_back_is_the_same_record(record: Record) -> None:
    said = record.to_json()
    assert "\n" not in said
    again = Record.from_json(said)
    assert again == record
    assert again.content_hash == record.content_hash
    assert again.to_json() == said


@given(records, texts)
def test_the_hash_ignores_where_pictures_were_read_from(record: Record, path: str) -> None:
    moved = record.with_pictures(tuple(replace(picture, source=path) for picture in record.pictures))
    assert moved.content_hash == record.content_hash


@pytest.mark.parametrize(
    "change",
    [{"report": "other"}, {"labels": ("x",)}, {"day": 4}, {"drawn": True}, {"attributes": {"age": 3}},
     {"pictures": (Picture(digest="b"),)}, {"licence": Licence("CC0 1.0", "open")}],
)  # fmt: skip
def test_the_hash_follows_every_change_of_content(change: dict[str, object]) -> None:
    record = Record("a", "c", "case", "radiology", pictures=(Picture(digest="a"),))
    assert replace(record, **change).content_hash != record.content_hash  # type: ignore[arg-type]


@given(texts, texts, texts, texts)
def test_numbers_fit_63_bits_and_tell_names_apart(corpus: str, key: str, other_corpus: str, other_key: str) -> None:
    assert 0 <= record_uid(corpus, key) < 2**63
    same = (corpus, key) == (other_corpus, other_key)
    if "\x1f" not in corpus + other_corpus:
        assert (record_uid(corpus, key) == record_uid(other_corpus, other_key)) is same


def test_the_number_of_a_record_never_changes() -> None:
    assert record_uid("teaching", "cxr-001") == 1869728138940140181


def test_text_joins_distinct_parts_in_reading_order() -> None:
    record = Record("a", "c", "figure", "textbook", title="T", caption=" C ", report="T", mentions=("M", "C"))
    assert record.text == "T\n\nC\n\nM"


@pytest.mark.parametrize(
    "fields", [{"id": ""}, {"corpus": ""}, {"kind": "film"}], ids=["no id", "no corpus", "unknown kind"]
)
def test_a_record_needs_id_corpus_and_kind(fields: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Record(**{"id": "a", "corpus": "c", "kind": "case", "domain": "radiology"} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (3, 0, 2, 5), (-1, 0, 4, 4), (0, 4, 4, 4)])
def test_an_empty_region_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="region"):
        Region(*box)


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Record("a", "c", "case", "radiology").id = "b"  # type: ignore[misc]


def test_json_is_plain_utf8_with_sorted_keys() -> None:
    said = Record("a", "c", "case", "radiology", report="Größe 3 µm, बायाँ").to_json()
    assert "Größe 3 µm, बायाँ" in said
    assert list(json.loads(said)) == sorted(json.loads(said))


def test_half_a_surrogate_pair_in_a_text_is_no_crash() -> None:
    """JSON allows lone surrogates; UTF-8, and so the hash and the databases, does not."""
    record = Record("a", "c", "case", "radiology", report="broken \ud800 text")
    assert len(record.content_hash) == 64
    record.to_json().encode()
    assert Record.from_json(record.to_json()) == record


def test_a_day_beyond_64_bits_is_refused() -> None:
    with pytest.raises(InputError, match="day"):
        Record("a", "c", "case", "radiology", day=2**63)
