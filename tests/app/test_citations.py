"""Evidence numbers, and whether the cited records hold the claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.citations import check_citations, cited_numbers
from tests.app.made import case, passage

EVIDENCE = (
    case(1, "There is a left pleural effusion. The heart is normal in size."),
    case(2, "No pleural effusion or pneumothorax."),
    passage(3, "B-lines are vertical rays. They begin at the pleural line."),
)
MARK = "(not supported by the evidence)"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("As in [2] and [1, 2].", (2, 1)), ("[1][2] [3]", (1, 2, 3)), ("[1; 2]", (1, 2)), ("[x] [] [1a]", ()), ("", ())],
)
def test_numbers_in_a_text(text: str, numbers: tuple[int, ...]) -> None:
    assert cited_numbers(text) == numbers


@pytest.mark.parametrize(
    "text",
    [
        "There is a pleural effusion [1].",
        "Yes: a left pleural effusion [1].",
        "No pneumothorax [2].",
        "No right pleural effusion [1].",
        "Effusion is reported once [1, 2].",
        "There is a pleural effusion. [1] No pneumothorax. [2]",
        "Nothing is cited here: a melanoma.",
        "The picture is a radiograph [1].",
        "A case reads: “No pleural effusion or pneumothorax.” [2].",
        "They begin at the pleural line [3].",
    ],
)
def test_supported(text: str) -> None:
    checked = check_citations(text, EVIDENCE)
    assert checked.unsupported == ()
    assert checked.text == text


@pytest.mark.parametrize(
    "text",
    [
        "There is a pleural effusion [9].",
        "There is a pleural effusion [1, 9].",
        "There is a pleural effusion [2].",
        "There is no pleural effusion [1].",
        "There is a right pleural effusion [1].",
        "There is a pneumothorax. [2]",
        "A pleural effusion and a pneumothorax [1].",
        "A melanoma [3].",
        "A case reads: “A large pneumothorax.” [2].",
    ],
)
def test_unsupported_is_marked(text: str) -> None:
    checked = check_citations(text, EVIDENCE)
    assert checked.unsupported == (text,)
    assert checked.text == f"{text} {MARK}"


def test_only_the_wrong_sentence_is_marked_whatever_the_spacing() -> None:
    text = "A left  pleural effusion [1].\n\nThere is\na pneumothorax [1].  The heart is normal in size [1]."
    checked = check_citations(text, EVIDENCE)
    assert checked.text.count(MARK) == 1
    assert checked.text.replace(f" {MARK}", "") == text
    assert len(checked.unsupported) == 1


def test_a_repeated_wrong_sentence_is_marked_each_time() -> None:
    checked = check_citations("A pneumothorax [1]. A pneumothorax [1].", EVIDENCE)
    assert checked.text == f"A pneumothorax [1]. {MARK} A pneumothorax [1]. {MARK}"


@given(st.text(alphabet=st.sampled_from("Aa .[]123,;\n“”no effusion")))
def test_nothing_is_lost_from_any_text(text: str) -> None:
    assert check_citations(text, EVIDENCE).text.replace(f" {MARK}", "") == text
