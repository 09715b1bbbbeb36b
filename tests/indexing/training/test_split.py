"""Patients stay together with their near-duplicates, on one side of every split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from indexing.training.home_features import picture_rows
from indexing.training.split import patient_groups, split_by_patient, stop_by_patient
from tests.indexing.training.drawn_site import site_records


def case(name: str, patient: str = "", corpus: str = "site", domain: str = "ultrasound", **more: object) -> Record:
    record = Record(
        id=name, corpus=corpus, kind="case", domain=domain, modality=domain, patient=patient, attributes=more
    )
    return record.with_pictures((Picture(digest=f"{corpus}-{name}"),))


def held_and_learned(records: Iterable[Record]) -> tuple[list[Record], list[Record]]:
    """Those whose own patient is held out, and the others."""
    out: tuple[list[Record], list[Record]] = ([], [])
    for record in records:
        out[not split_by_patient([record.patient_key])[0]].append(record)
    return out


CASES = [case(f"case-{number}") for number in range(200)]
HELD, LEARNED = held_and_learned(CASES)


def group_of(records: list[Record], record: Record) -> str:
    return patient_groups(records)[record.uid]


class TestGroups:
    def test_alone_everybody_goes_by_their_own_name(self) -> None:
        groups = patient_groups(CASES)
        assert [groups[record.uid] for record in CASES] == [record.patient_key for record in CASES]

    def test_records_of_a_patient_are_one(self) -> None:
        records = [case("one", "p1"), case("two", "p1"), case("three", "p2")]
        groups = patient_groups(records)
        assert len({groups[record.uid] for record in records}) == 2

    @pytest.mark.parametrize("stated", [("case-0", "case-1"), ["case-0", "case-1"]])
    def test_near_duplicates_are_one_whoever_states_them(self, stated: object) -> None:
        twin = case("twin", near_duplicates=stated)
        records = [*CASES, twin]
        names = {group_of(records, record) for record in (twin, CASES[0], CASES[1])}
        assert len(names) == 1
        assert names != {group_of(records, CASES[2])}

    def test_one_name_may_stand_without_a_list(self) -> None:
        twin = case("twin", near_duplicates="case-0")
        assert group_of([*CASES, twin], twin) == group_of([*CASES, twin], CASES[0])

    def test_chains_are_followed(self) -> None:
        chain = [case(f"link-{n}", near_duplicates=(f"link-{n + 1}",)) for n in range(50)]
        assert len(set(patient_groups(chain).values())) == 1
        assert len(set(patient_groups(chain[::-1]).values())) == 1

    def test_the_same_file_is_one(self) -> None:
        other = case("other", corpus="elsewhere").with_pictures(CASES[0].pictures)
        assert group_of([*CASES, other], other) == group_of([*CASES, other], CASES[0])

    def test_a_hospital_numbers_its_patients_once(self) -> None:
        records = [case("a", "p1", "ct-2020"), case("b", "p1", "ct-2021"), case("c", "p1", "skin", "dermatology")]
        groups = patient_groups(records)
        assert groups[records[0].uid] == groups[records[1].uid]
        assert groups[records[2].uid] == "skin/p1"

    def test_the_order_of_records_is_nothing(self) -> None:
        tied = [replace(record, attributes={"near_duplicates": (CASES[n % 7].id,)}) for n, record in enumerate(CASES)]
        assert patient_groups(tied) == patient_groups(tied[::-1])


class TestSides:
    def test_a_twin_of_one_held_out_is_held_out(self) -> None:
        tied = replace(LEARNED[0], attributes={"near_duplicates": (HELD[0].id,)})
        groups = patient_groups([*HELD, tied])
        assert split_by_patient([groups[tied.uid]]).all()

    def test_whoever_was_held_out_still_is(self) -> None:
        tied = [
            replace(record, attributes={"near_duplicates": (LEARNED[n].id, LEARNED[n + 1].id)})
            for n, record in enumerate(HELD)
        ]
        groups = patient_groups([*tied, *LEARNED])
        assert split_by_patient([groups[record.uid] for record in HELD]).all()

    def test_no_group_is_on_two_sides(self, home: Home) -> None:
        records = site_records(home, 60)
        tied = [
            replace(record, attributes={"near_duplicates": (records[n // 3].id,)}) for n, record in enumerate(records)
        ]
        rows = picture_rows(tied, ImageStore(home.images))
        patients = [row.patient for row in rows]
        assert len(set(patients)) < len(rows)
        held, stop = split_by_patient(patients), stop_by_patient(patients)
        for side in (held, stop):
            assert not set(np.array(patients)[side]) & set(np.array(patients)[~side])
