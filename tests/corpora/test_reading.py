"""What a record says of a finding."""

from __future__ import annotations

import pytest

from corpora.reading import Said, means_for, what_it_says
from corpora.records import Record


def record(report: str = "", findings: str = "", labels: tuple[str, ...] = (), absent: tuple[str, ...] = ()) -> Record:
    return Record("r", "made", "case", "radiology", report=report, findings=findings, labels=labels, absent=absent)


def polarity(said: Said | None) -> str | None:
    return said.polarity if said else None


@pytest.mark.parametrize(
    ("given", "finding", "expected"),
    [
        (record(labels=("pleural effusion",)), "pleural effusion", "affirmed"),
        (record(absent=("pleural effusion",)), "pleural effusion", "denied"),
        (record("There is a pleural effusion."), "pleural effusion", "affirmed"),
        (record("No pleural effusion."), "pleural effusion", "denied"),
        (record("A pleural effusion cannot be excluded."), "pleural effusion", "uncertain"),
        (record("The heart is enlarged."), "pleural effusion", None),
        (record("No effusion on the left. A large effusion on the right."), "pleural effusion", "affirmed"),
        (record("No pleural effusion.", labels=("pleural effusion",)), "pleural effusion", "affirmed"),
        (record(labels=("normal",)), "pneumothorax", "denied"),
        (record(labels=("normal", "a-line")), "a-line", "affirmed"),
        (record(labels=("normal",)), "normal", "affirmed"),
        (record(labels=("normal",)), "abnormal", "denied"),
        (record(labels=("pneumothorax",)), "normal", "denied"),
        (record(labels=("pneumothorax",)), "abnormal", "affirmed"),
        (record(labels=("pulmonary nodule",)), "nodule", "affirmed"),
        (record(absent=("rib fracture",)), "fracture", "denied"),
        (record("No rib fracture is seen."), "fracture", "denied"),
        (record(labels=("nodule",)), "pulmonary nodule", None),
        (record(labels=("several pulmonary nodules, right",)), "nodule", "affirmed"),
        (record(labels=("anatomy, normal variant",)), "pneumothorax", None),
        (record("History: known pleural effusion.", "No pleural effusion."), "pleural effusion", "denied"),
        (record("History: known pleural effusion.", "The heart is enlarged."), "pleural effusion", "affirmed"),
        (record(), "pleural effusion", None),
    ],
)
def test_polarity(given: Record, finding: str, expected: str | None) -> None:
    assert polarity(what_it_says(given, finding)) == expected


def test_the_sentence_its_side_and_its_severity() -> None:
    said = what_it_says(record("The heart is normal. Small left pleural effusion."), "pleural effusion")
    assert said == Said("affirmed", "Small left pleural effusion.", "left", "small")


def test_two_sides_are_both() -> None:
    said = what_it_says(record("A left pleural effusion. A right pleural effusion."), "pleural effusion")
    assert said is not None
    assert said.side == "bilateral"


def test_visible_findings_are_quoted_before_the_report() -> None:
    report = "Findings: Small left pleural effusion. Impression: Pleural effusion."
    said = what_it_says(record(report, "Small left pleural effusion."), "pleural effusion")
    assert said is not None
    assert said.sentence == "Small left pleural effusion."


@pytest.mark.parametrize(
    ("said", "side", "severity", "meant"),
    [
        (Said("affirmed"), "left", "large", "affirmed"),
        (Said("affirmed", side="left"), "left", "", "affirmed"),
        (Said("affirmed", side="right"), "left", "", "denied"),
        (Said("affirmed", side="bilateral"), "left", "", "affirmed"),
        (Said("affirmed", side="left"), "bilateral", "", "denied"),
        (Said("affirmed", severity="small"), "", "large", "denied"),
        (Said("denied", side="left"), "left", "", "denied"),
        (Said("uncertain", side="right"), "left", "", "uncertain"),
    ],
)
def test_what_it_means_for_a_side_and_a_size(said: Said, side: str, severity: str, meant: str) -> None:
    assert means_for(said, side, severity) == meant
