"""What holds for the cases of every drawn modality."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from corpora.language import assertions, packaged_lexicon
from corpora.teaching.case import DrawnCase


def digest(case: DrawnCase) -> str:
    return hashlib.sha256(case.draw().tobytes()).hexdigest()


def check_pictures(cases: Iterable[DrawnCase], side: int) -> None:
    for case in cases:
        pixels = case.draw()
        assert pixels.dtype == np.uint8
        assert pixels.shape == (side, side, 3)
        assert pixels.std() > 8, f"{case.id} is nearly empty"


def check_words(cases: tuple[DrawnCase, ...]) -> None:
    known = packaged_lexicon().names("findings")
    for case in cases:
        assert not set(case.labels) & set(case.absent), case.id
        assert case.labels, case.id
        assert case.absent, case.id
        assert case.findings in case.report
        assert case.caption.endswith(".")
        assert 4 <= len(case.questions) <= 8, case.id
        assert set(case.labels) | set(case.absent) <= known, case.id


def check_polarity(cases: tuple[DrawnCase, ...]) -> None:
    """The report's own sentences say of each absent label that it is absent, and never the opposite."""
    for case in cases:
        said: dict[str, set[str]] = defaultdict(set)
        for item in assertions(case.findings):
            said[item.finding].add(item.polarity)
        for label in case.absent:
            assert said[label] == {"denied"}, (case.id, label, case.findings)
        for label in case.labels:
            assert "denied" not in said[label], (case.id, label, case.findings)


def check_answers(cases: tuple[DrawnCase, ...], asked: Mapping[str, tuple[str, ...]]) -> None:
    """Each closed question is about a label, and its answer is what the labels say."""
    about = {text: label for label, texts in asked.items() for text in texts}
    for case in cases:
        closed = [question for question in case.questions if question.kind == "closed"]
        assert {question.answer for question in closed} == {"yes", "no"}, case.id
        for question in closed:
            label = about[question.text]
            assert (question.answer == "yes") == (label in case.labels), (case.id, question)
            assert (question.answer == "no") == (label in case.absent), (case.id, question)


def check_patients(cases: tuple[DrawnCase, ...]) -> None:
    """Ids are unique; about one patient in seven comes twice, and the later report compares."""
    assert len({case.id for case in cases}) == len(cases)
    studies: dict[str, list[DrawnCase]] = defaultdict(list)
    for case in cases:
        studies[case.patient].append(case)
    twice = [group for group in studies.values() if len(group) > 1]
    assert 0.10 <= len(twice) / len(studies) <= 0.20
    for first, second in twice:
        assert first.day < second.day
        assert "ompared with the earlier" in second.report
        assert "ompared with the earlier" not in first.report


def check_said(case: DrawnCase) -> None:
    """The sentences of the findings affirm and deny just what the labels say."""
    lexicon = packaged_lexicon()
    said = list(assertions(case.findings, lexicon))
    affirmed = {a.finding for a in said if a.polarity == "affirmed"}
    denied = {a.finding for a in said if a.polarity == "denied"}
    assert case.labels
    assert case.absent
    assert not set(case.labels) & set(case.absent)
    assert set(case.labels) | set(case.absent) <= lexicon.names("findings")
    assert set(case.labels) - {"normal"} <= affirmed
    assert set(case.absent) <= denied
    assert not set(case.labels) & denied
    assert not set(case.absent) & affirmed


def check_closed_questions(case: DrawnCase) -> None:
    """Four to eight questions, and the answers of the closed ones follow from the labels."""
    lexicon = packaged_lexicon()
    assert 4 <= len(case.questions) <= 8
    for question in case.questions:
        if question.kind == "closed":
            named = {term.name for term in lexicon.find(question.text, "findings")}
            truth = {"yes": set(case.labels), "no": set(case.absent)}[question.answer]
            assert named & truth, question
