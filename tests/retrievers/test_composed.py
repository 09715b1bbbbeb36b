"""Picture neighbours that meet the change come first, those that contradict it last."""

from __future__ import annotations

from typing import Any

import pytest

from corpora.records import Record
from retrievers.composed import rank_composed
from retrievers.found import Hit
from retrievers.understanding import understand


def hits(*cases: dict[str, Any]) -> list[Hit]:
    """One hit a record, the best first, named by letters."""
    return [
        Hit(Record(id="abcdefgh"[place], corpus="c", kind="case", domain="radiology", **case), 1.0 - place / 10, {}, {})
        for place, case in enumerate(cases)
    ]


def order(text: str, *cases: dict[str, Any]) -> str:
    return "".join(hit.record.id for hit in rank_composed(hits(*cases), understand(text)))


def test_a_question_without_a_change_leaves_the_order() -> None:
    assert order("Is there an effusion?", {"labels": ("mass",)}, {"labels": ("pleural effusion",)}) == "ab"
    assert rank_composed([], understand("like this but bilateral")) == []


def test_a_finding_more() -> None:
    assert (
        order(
            "like this, but with an effusion",
            {"report": "No effusion."},
            {"labels": ("mass",)},
            {"report": "Small effusion."},
            {"labels": ("pleural effusion",)},
            {"absent": ("pleural effusion",)},
            {"report": "Possible effusion."},
            {"labels": ("normal",)},
            {"labels": ("hydrothorax",)},
        )
        == "dhcfbaeg"
    )


def test_a_finding_less() -> None:
    assert (
        order(
            "the same without effusion",
            {"report": "Large effusion."},
            {"report": "Nothing of note."},
            {"labels": ("mass",)},
            {"report": "There is no pleural effusion."},
            {"labels": ("pleural effusion", "mass")},
            {"labels": ("normal",)},
        )
        == "dfcbae"
    )


def test_labels_go_before_sentences() -> None:
    """A report may speak of an effusion of last year."""
    silent = {"labels": ("pleural effusion",), "report": "No effusion."}
    assert order("like this but without effusion", silent, {}) == "ba"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("like this but on the left", "bdca"),
        ("like this but on the right", "adcb"),
        ("like this, but bilateral", "dcab"),
        ("like this, but unilateral", "abcd"),
        # the nearest shows a right one
        ("like this, but on the other side", "bdca"),
    ],
)
def test_sides(text: str, expected: str) -> None:
    cases = (
        {"report": "Right effusion."},
        {"attributes": {"laterality": "left eye"}},
        {"report": "Effusion."},
        {"report": "Bilateral effusions."},
    )
    assert order(text, *cases) == expected


def test_the_side_is_that_of_the_finding_asked_for() -> None:
    both = {"attributes": {"effusion side": "left", "pneumothorax side": "right"}, "labels": ("pneumothorax",)}
    assert order("like this but with pneumothorax on the left", both, {}) == "ba"
    assert order("like this but with pneumothorax on the right", {}, both) == "ba"


def test_severity_and_modality() -> None:
    sized = ({"report": "Small effusion."}, {"report": "Effusion."}, {"report": "Massive effusion."})
    assert order("this, but larger", *sized) == "cba"
    made: tuple[dict[str, Any], ...] = (
        {"modality": "chest radiograph"},
        {},
        {"modality": "CT"},
        {"modality": "MRI of the head"},
    )
    assert order("the same on CT", *made) == "cbad"
    assert order("the same on MRI", *made) == "dbac"


def test_who_meets_more_of_several_changes_comes_first() -> None:
    assert (
        order(
            "like this, but with effusion and without pneumothorax",
            {"report": "Effusion and pneumothorax."},
            {"report": "No pneumothorax."},
            {"report": "Effusion. No pneumothorax."},
            {},
        )
        == "cbda"
    )


def test_equals_keep_their_order_and_nothing_is_lost() -> None:
    cases = [{"labels": ("mass",)} for _ in range(8)]
    assert order("like this but with effusion", *cases) == "abcdefgh"


def test_a_narrower_finding_counts() -> None:
    assert order("like this but with a nodule", {}, {"labels": ("pulmonary nodule",)}) == "ba"


def test_time_alone_changes_no_order() -> None:
    assert order("the same patient a year before", {"day": 3}, {"day": 1}) == "ab"
