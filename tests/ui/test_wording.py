import pytest

from app.answers import Verdict
from tests.ui.scripted import EVIDENCE, Scripted, answer
from ui.chat.wording import confidence, counts, list_ranks, modality, reasons, verdict
from ui.counting import counted


@pytest.mark.parametrize(
    ("value", "words"), [(1.0, "almost certain"), (0.8, "likely"), (0.7, "rather likely"), (0.0, "unsure")]
)
def test_confidence_in_words(value: float, words: str) -> None:
    assert confidence(value) == words


@pytest.mark.parametrize(
    ("text", "verdict_given", "word", "rest"),
    [
        ("Blunting [1].", "yes", "Yes", "Blunting [1]."),
        ("Yes: 3 of 4 cases affirm it [1].", "yes", "Yes", "3 of 4 cases affirm it [1]."),
        ("**No**, the angle is sharp.", "no", "No", "The angle is sharp."),
        ("Normal lungs.", "no", "No", "Normal lungs."),
        ("Yes.", "yes", "Yes", "Yes."),
        ("Yes and no.", "free", "", "Yes and no."),
        ("Nothing is close.", "abstained", "No answer", "Nothing is close."),
    ],
)
def test_the_verdict_is_said_once(text: str, verdict_given: Verdict, word: str, rest: str) -> None:
    given = answer(text, verdict_given)
    assert (verdict(given), reasons(given)) == (word, rest)


def test_lists_come_best_rank_first_with_their_unit() -> None:
    ranks = list_ranks(EVIDENCE[0].hit)
    assert [(entry.similarity, entry.sides, entry.rank) for entry in ranks] == [
        ("0.88", "image→image", 1),
        ("BM25 7.4", "words", 3),
    ]


def test_counts_leave_out_what_is_not_there() -> None:
    assert counts(Scripted().overview()) == ("312 cases", "48 figures", "131 passages")
    assert counted(1, "study", "studies") == "1 study"


def test_the_modality_is_that_of_the_domain() -> None:
    assert modality(EVIDENCE, "radiology") == "chest radiograph"
    assert modality(EVIDENCE, "ultrasound") == ""
