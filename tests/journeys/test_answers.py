"""What a user of the assistant asks, of a real home, and what comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import Answer
from app.answers import Done, EvidenceChosen, TextPiece, Turn
from app.assistant import Assistant
from app.citations import cited_numbers
from corpora.records import Record
from corpora.teaching import example
from corpora.teaching.chest_radiograph import twins
from tests.journeys.pictures import EVERYDAY, bytes_of, picture_of

QUESTION = "Is there a pleural effusion?"


def check(answer: Answer) -> None:
    """What holds for every answer that is one."""
    assert answer.verdict != "abstained", answer.text
    assert answer.evidence
    numbers = {item.number for item in answer.evidence}
    assert set(cited_numbers(answer.text)) <= numbers
    assert cited_numbers(answer.text)
    assert answer.unsupported == ()
    assert answer.disclaimer.startswith("Research use, not a medical device.")
    assert "Encoder weights not under an open licence" in answer.disclaimer
    assert answer.manifest["generator"] == "evidence"


@pytest.mark.parametrize("seed", TWINS := (0, 1, 3))
def test_new_twins_get_opposite_answers(assistant: Assistant, seed: int) -> None:
    wet, dry = (assistant.ask(QUESTION, [picture_of(case)]) for case in twins(seed))
    for answer in (wet, dry):
        check(answer)
        assert answer.domain.name == "radiology"
    assert (wet.verdict, dry.verdict) == ("yes", "no")


def test_a_case_of_the_home_is_found_again(assistant: Assistant) -> None:
    """A picture of the corpus finds itself first, unless it is excluded."""
    record = next(found for found in _cases(assistant) if "pleural effusion" in found.labels)
    picture = assistant.home.images / record.pictures[0].digest[:2] / f"{record.pictures[0].digest}.png"
    answer = assistant.ask(QUESTION, [picture])
    check(answer)
    assert answer.verdict == "yes"
    assert answer.evidence[0].record.id == record.id
    without = assistant.ask(QUESTION, [picture], exclude=[record.id])
    assert record.id not in {item.record.id for item in without.evidence}
    patient = assistant.ask(QUESTION, [picture], exclude_patients=[f"{record.corpus}/{record.patient}"])
    assert record.patient not in {item.record.patient for item in patient.evidence}


def _cases(assistant: Assistant) -> Iterator[Record]:
    return assistant.retriever.catalog.records(["teaching"], "radiology")


@pytest.mark.parametrize(
    ("renderer", "finding", "domain"),
    [
        ("chest_radiograph", None, "radiology"),
        ("head_ct", None, "radiology"),
        ("lung_ultrasound", "b-line", "ultrasound"),
        ("breast_ultrasound", "breast cyst", "ultrasound"),
        ("fundus", None, "ophthalmology"),
        ("dermoscopy", "melanoma", "dermatology"),
        ("histology", "adenocarcinoma", "pathology"),
        ("blood_smear", "malaria", "pathology"),
    ],
)
def test_a_new_case_of_every_renderer_is_answered_in_its_domain(
    assistant: Assistant, renderer: str, finding: str | None, domain: str
) -> None:
    case = example(renderer, finding, 31)
    answer = assistant.ask("What does this picture show?", [picture_of(case)])
    check(answer)
    assert answer.domain.name == domain
    assert {item.record.domain for item in answer.evidence} <= {domain, "textbook"}


@pytest.mark.parametrize("name", EVERYDAY)
def test_an_everyday_picture_gets_no_medical_answer(assistant: Assistant, name: str) -> None:
    answer = assistant.ask(QUESTION, [bytes_of(EVERYDAY[name]())])
    assert answer.domain.name is None
    assert (answer.verdict, answer.confidence, answer.evidence) == ("abstained", 0.0, ())
    assert "outside every domain" in answer.text
    assert answer.manifest["generator"] is None


@pytest.mark.parametrize(
    ("question", "word"), [("What is a pleural effusion?", "pleura"), ("What are B-lines?", "B-line")]
)
def test_a_question_in_words_is_answered_from_the_primer_with_a_figure(
    assistant: Assistant, question: str, word: str
) -> None:
    answer = assistant.ask(question)
    check(answer)
    assert answer.verdict == "free"
    assert word in answer.text
    cited = [item.record for item in answer.evidence if item.number in cited_numbers(answer.text)]
    figures = [record for record in cited if record.corpus == "primer" and record.pictures]
    assert figures
    assert assistant.picture(figures[0].pictures[0].digest, 200)[:2] == b"\xff\xd8"


def test_a_question_that_is_not_medical_is_left_alone(assistant: Assistant) -> None:
    answer = assistant.ask("What is the capital of France?")
    assert answer.verdict == "abstained"
    assert answer.evidence == ()


def test_a_follow_up_is_asked_of_the_same_picture(assistant: Assistant) -> None:
    wet, _ = twins(TWINS[1])
    picture = picture_of(wet)
    first = assistant.ask(QUESTION, [picture])
    history = [Turn(QUESTION, first.text, (picture,))]
    side = assistant.ask("On which side is it?", history=history)
    check(side)
    assert side.domain.name == "radiology"
    assert "Most likely on the" in side.text
    other = assistant.ask("What is a melanoma?", history=history)
    assert other.domain.name != "radiology"


def test_the_same_question_gives_the_same_answer(assistant: Assistant, drawn_home: object) -> None:
    picture = picture_of(example("fundus", None, 5))
    first, second = (assistant.ask("Are there drusen?", [picture]) for _ in range(2))
    assert first == second
    with Assistant.open(assistant.home.path) as another:
        assert another.ask("Are there drusen?", [picture]) == first
    assert assistant.ask("Is there a cataract?", [picture]).manifest["prompt"] != first.manifest["prompt"]


def test_a_chosen_domain_and_corpus_hold(assistant: Assistant) -> None:
    answer = assistant.ask("What does it show?", [bytes_of(EVERYDAY["chart"]())], domain="pathology")
    assert answer.domain.name == "pathology"
    only = assistant.ask("What is a pleural effusion?", corpora=["primer"])
    assert {item.record.corpus for item in only.evidence} == {"primer"}


def test_the_stream_tells_evidence_before_text_and_ends_with_the_answer(assistant: Assistant) -> None:
    events = list(assistant.stream("What are B-lines?"))
    kinds = [type(event) for event in events]
    assert kinds.index(EvidenceChosen) < kinds.index(TextPiece)
    assert kinds.count(Done) == 1
    assert isinstance(events[-1], Done)
    text = "".join(event.text for event in events if isinstance(event, TextPiece))
    assert text == events[-1].answer.text
    assert events[-1].answer == assistant.ask("What are B-lines?")


def test_the_overview_and_the_examples(assistant: Assistant) -> None:
    overview = assistant.overview()
    assert {corpus.name: corpus.drawn for corpus in overview.corpora} == {"teaching": True, "primer": True}
    assert overview.index.startswith("default v")
    assert "radiology" in overview.domains
    examples = assistant.examples()
    assert [bool(one.image) for one in examples] == [True, True, False]
    for one in examples:
        assert assistant.ask(one.text, [one.image] if one.image else []).verdict in ("yes", "free")
