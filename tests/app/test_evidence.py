"""The generator without a model, on evidence made by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.answers import Evidence
from app.citations import check_citations, cited_numbers
from app.generators.base import Generator
from app.generators.evidence import EvidenceGenerator
from app.prompting import build_prompt
from corpora.language import packaged_lexicon
from tests.app.made import DOMAIN, RADIOLOGY, case, figure, passage

PICTURE = (Image.new("RGB", (8, 8)),)
WET, DRY = "There is a small right pleural effusion.", "No pleural effusion or pneumothorax."


@dataclass(frozen=True)
class Said:
    text: str
    verdict: str | None
    confidence: float | None
    stances: dict[int, str]


def answer(question: str, evidence: Sequence[Evidence], images: tuple[Image.Image, ...] = PICTURE) -> Said:
    """The whole answer; what holds for every one of them is checked here."""
    prompt = build_prompt(question, domain=DOMAIN, found=RADIOLOGY, evidence=evidence, images=images)
    pieces = list(EvidenceGenerator().stream(prompt))
    text = "".join(piece.text for piece in pieces)
    known = {item.number for item in evidence}
    assert set(cited_numbers(text)) <= known
    assert set(pieces[-1].stances) <= known
    assert check_citations(text, evidence).unsupported == ()
    assert all(piece.verdict is None for piece in pieces[:-1])
    assert "  " not in text
    last = pieces[-1]
    assert last.confidence is not None
    assert 0.0 <= last.confidence <= 1.0
    return Said(text, last.verdict, last.confidence, last.stances)


def test_it_is_a_generator() -> None:
    assert isinstance(EvidenceGenerator(), Generator)


def test_yes() -> None:
    said = answer(
        "Is there a pleural effusion?", [case(1, WET, near=0.95), case(2, WET, near=0.9), case(3, DRY, near=0.1)]
    )
    assert said.verdict == "yes"
    assert said.text.startswith("Yes: pleural effusion in 2 of the 3 nearest cases that speak of it [1] [2].")
    assert f"“{WET}” [1]" in said.text
    assert "A near case says otherwise" in said.text
    assert said.stances == {1: "supports", 2: "supports", 3: "refutes"}
    assert said.confidence is not None
    assert said.confidence > 0.8


def test_no() -> None:
    said = answer("Is there a pleural effusion?", [case(1, DRY), case(2, DRY), case(3, "The heart is large.")])
    assert said.verdict == "no"
    assert said.text.startswith("No: no pleural effusion in 2 of the 2 nearest cases that speak of it [1] [2].")


def test_uncertain() -> None:
    said = answer("Is there a pleural effusion?", [case(1, WET), case(2, DRY)])
    assert said.verdict == "uncertain"
    assert said.text.startswith("Uncertain: pleural effusion in 1 of the 2 nearest cases")
    doubt = answer("Is there a pneumothorax?", [case(1, "A pneumothorax cannot be excluded.")])
    assert doubt.verdict == "uncertain"
    assert doubt.text.startswith("Uncertain: possible pneumothorax in the one near case")


def test_silence_is_told_and_not_filled() -> None:
    said = answer("Is there a melanoma?", [case(1, WET), case(2, DRY)])
    assert (said.verdict, said.confidence) == ("abstained", 0.0)
    assert "2 cases nearest to the picture do not speak of melanoma" in said.text
    nobody = answer("Is there a melanoma?", [passage(1, "A melanoma is a tumour.")])
    assert nobody.verdict == "abstained"
    nothing = answer("What are B-lines?", [], images=())
    assert nothing.verdict == "abstained"
    assert "similarity" not in nothing.text


def test_normal_is_denied_with_another_word() -> None:
    said = answer("Is this radiograph normal?", [case(1, WET, labels=("pleural effusion",))])
    assert said.verdict == "no"
    assert said.text.startswith("No: not normal in the one near case")


def test_a_side_is_part_of_the_question() -> None:
    wet = [case(1, WET), case(2, WET)]
    assert answer("Is there a right pleural effusion?", wet).verdict == "yes"
    left = answer("Is there a left pleural effusion?", wet)
    assert left.verdict == "no"
    assert left.text.startswith("No: no left pleural effusion in 2 of the 2")


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("Is there a pneumothorax or an effusion?", "yes"),
        ("Is there a pneumothorax and an effusion?", "no"),
        ("Does the effusion come with a pneumothorax?", "no"),
        ("Is there an effusion beside the pneumothorax?", "yes"),
    ],
)
def test_several_findings(question: str, verdict: str) -> None:
    both = [case(n, f"{WET} No pneumothorax.") for n in (1, 2)]
    assert answer(question, both).verdict == verdict


def test_the_side_and_the_size() -> None:
    evidence = [case(1, WET, near=0.95), case(2, WET, near=0.94), case(3, "A large left pleural effusion.", near=0.93)]
    side = answer("On which side is the pleural effusion?", evidence)
    assert side.verdict == "free"
    assert side.text.startswith("Most likely on the right [1] [2].")
    size = answer("How large is the pleural effusion?", evidence)
    assert size.text.startswith("Most likely small [1] [2].")
    assert answer("On which side is the pneumothorax?", evidence).verdict == "abstained"


def test_the_modality_and_the_eye() -> None:
    evidence = [case(n, modality="CT", attributes={"laterality": "left"}) for n in (1, 2)]
    assert answer("What modality is this?", evidence).text.startswith("The modality is most likely CT [1] [2].")
    assert answer("Which eye is this?", evidence).text.startswith("It is most likely the left eye [1] [2].")
    assert answer("Is this a CT scan?", evidence).verdict == "yes"
    right = answer("Is this the right eye?", evidence)
    assert (right.verdict, right.text[:26]) == ("no", "No: it is most likely the ")


def test_the_diagnosis_is_what_the_cases_are_about() -> None:
    labels = ("asymmetry", "melanoma", "malignant")
    evidence = [case(n, "Asymmetry in shape.", labels=labels, title="Melanoma of the back") for n in (1, 2)]
    said = answer("What is the most likely diagnosis?", evidence)
    assert said.text.startswith("The nearest cases show melanoma [1] [2].")
    either = answer("Is the lesion benign or malignant?", evidence)
    assert either.text.startswith("The nearest cases show malignant [1] [2].")
    normal = answer("What does this show?", [case(1, labels=("normal",))])
    assert normal.text.startswith("The nearest cases show a normal picture [1].")


def test_a_question_in_words_is_answered_from_textbooks() -> None:
    evidence = [
        case(1, "Several B-lines on both sides.", words=0.9),
        passage(
            2,
            "Sound rings in wet septa. A B-line is a vertical ray. It erases the A-lines.",
            sentence="A B-line is a vertical ray.",
        ),
        figure(3, "Three B-lines.", "Scan slowly. Three or more B-lines, as here, mean water."),
        passage(4, "Nothing near.", words=0.1),
    ]
    said = answer("What are B-lines?", evidence, images=())
    assert said.verdict == "free"
    assert "A B-line is a vertical ray. It erases the A-lines [2]." in said.text
    assert "Three or more B-lines, as here, mean water [3]." in said.text
    assert "A case reads: “Several B-lines on both sides.” [1]." in said.text
    assert 4 not in cited_numbers(said.text)


def test_a_textbook_adds_a_sentence_that_says_something() -> None:
    told = "A pleural effusion blunts the costophrenic angle."
    said = answer("Is there a pleural effusion?", [case(1, WET), figure(2, "Pleural effusion", f"Water sinks. {told}")])
    assert said.text.endswith(f"From the textbook: “{told}” [2].")
    named = answer("Is there a pleural effusion?", [case(1, WET), figure(2, "Pleural effusion", "Water sinks.")])
    assert "textbook" not in named.text


def test_a_picture_without_near_cases_gets_no_text_instead() -> None:
    said = answer("What is the most likely diagnosis?", [passage(1, "A biopsy decides.", words=0.9)])
    assert said.verdict == "abstained"


REPORTS = st.sampled_from(
    [WET, DRY, "", "The heart is large.", "A pneumothorax cannot be excluded.", "A left rib fracture."]
)
QUESTIONS = st.sampled_from(
    [
        "Is there a pleural effusion?",
        "Is there a left rib fracture?",
        "Is this normal?",
        "Which side is it on?",
        "How large is it?",
        "What does this show?",
        "What modality is this?",
        "What is a pneumothorax?",
    ]
)


@given(QUESTIONS, st.lists(st.tuples(REPORTS, st.floats(0.0, 1.0), st.booleans()), max_size=6))
def test_it_never_names_a_finding_that_neither_question_nor_evidence_holds(
    question: str, parts: list[tuple[str, float, bool]]
) -> None:
    evidence = [
        passage(n, report or "Water sinks.", words=near) if book else case(n, report, near=near, words=near)
        for n, (report, near, book) in enumerate(parts, 1)
    ]
    said = answer(question, evidence)
    held = " ".join([question, *(item.record.text for item in evidence)])
    find = packaged_lexicon().find
    assert {term.name for term in find(said.text, "findings")} <= {term.name for term in find(held, "findings")}
    if said.verdict in ("yes", "no", "free"):
        assert cited_numbers(said.text)
    for quote in re.findall(r"“([^”]+)”", said.text):
        assert quote in held
