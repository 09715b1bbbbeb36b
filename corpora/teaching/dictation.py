"""From ground truth to words: the reading of a picture, the report, and questions with true answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from corpora.teaching.case import DrawnCase, Pixels, Question

__all__ = ["Patient", "Reading", "Study", "closed_questions", "listed", "pick", "sentence", "written"]

MOST_QUESTIONS = 8


@dataclass(slots=True)
class Reading:
    """What a reader notes down while looking: sentences, conclusions, and the labels behind them.

    Each label enters either `labels` or `absent`, and always together with the sentence that says so.
    """

    sentences: list[str] = field(default_factory=list)
    conclusions: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    attributes: dict[str, Any] = field(default_factory=dict)

    def present(self, label: str, text: str, conclusion: str = "") -> None:
        """Note a finding that is there."""
        self.labels.append(label)
        self.sentences.append(sentence(text))
        if conclusion:
            self.conclusions.append(sentence(conclusion))

    def missing(self, labels: Sequence[str], text: str) -> None:
        """Note findings that are not there."""
        self.absent.extend(labels)
        self.sentences.append(sentence(text))

    def remark(self, text: str) -> None:
        """Note something that is neither."""
        self.sentences.append(sentence(text))

    def compare(self, change: str) -> None:
        """Note what has changed since the earlier study; it goes to the report, not to the visible findings."""
        self.changes.append(f"Compared with the earlier study, {change}.")
        self.conclusions.append(self.changes[-1])
        self.attributes["change"] = change

    def ask(self, text: str, answer: str) -> None:
        """Add an open question."""
        self.questions.append(Question(text, answer, "open"))


@dataclass(frozen=True, slots=True)
class Patient:
    """Who was examined."""

    id: str
    age: int
    sex: str


@dataclass(frozen=True, slots=True)
class Study:
    """How and when: what the head of a report says."""

    id: str
    domain: str
    modality: str
    technique: str
    day: int
    view: str = ""
    comparison: str = "None."


def written(patient: Patient, study: Study, reading: Reading, caption: str, draw: Callable[[], Pixels]) -> DrawnCase:
    """The case: its report in the usual four paragraphs, its labels, its questions."""
    findings = " ".join(reading.sentences)
    parts = {
        "Technique": study.technique,
        "Comparison": study.comparison,
        "Findings": " ".join([*reading.sentences, *reading.changes]),
        "Impression": " ".join(reading.conclusions),
    }
    return DrawnCase(
        id=study.id,
        domain=study.domain,
        modality=study.modality,
        title=reading.conclusions[0].rstrip("."),
        report="\n\n".join(f"{head}: {text}" for head, text in parts.items()),
        findings=findings,
        caption=sentence(caption),
        labels=tuple(dict.fromkeys(reading.labels)),
        absent=tuple(dict.fromkeys(reading.absent)),
        patient=patient.id,
        study=f"{patient.id}-d{study.day}",
        day=study.day,
        draw=draw,
        view=study.view,
        attributes={"age": patient.age, "sex": patient.sex, **reading.attributes},
        questions=tuple(reading.questions[:MOST_QUESTIONS]),
    )


def closed_questions(
    rng: np.random.Generator, reading: Reading, wordings: Mapping[str, tuple[str, ...]], limit: int = 2
) -> None:
    """Add yes and no questions: up to `limit` about present findings and as many about absent ones."""
    for labels, answer in ((reading.labels, "yes"), (reading.absent, "no")):
        known = [label for label in dict.fromkeys(labels) if label in wordings]
        chosen = known[:limit] if answer == "yes" else [known[i] for i in rng.permutation(len(known))[:limit]]
        for label in chosen:
            reading.questions.append(Question(pick(rng, *wordings[label]), answer, "closed"))


def pick(rng: np.random.Generator, *wordings: str) -> str:
    """One of several wordings."""
    return wordings[int(rng.integers(len(wordings)))]


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a list in a sentence.

    >>> listed(["ribs", "spine", "clavicles"])
    'ribs, spine and clavicles'
    """
    return f" {last} ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def sentence(text: str) -> str:
    """The text with a capital and a full stop.

    >>> sentence("no effusion")
    'No effusion.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")
