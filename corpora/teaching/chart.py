"""From a reading to a chart entry: the case with its report, its comparison and its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpora.errors import UnknownNameError
from corpora.teaching.case import DrawnCase, Pixels, Question, rng_for
from corpora.teaching.dictation import Reading, closed_questions, listed, pick

__all__ = ["Visit", "ask", "changes", "chart", "condition_for", "deny", "visits"]


@dataclass(frozen=True, slots=True)
class Visit:
    """One planned study: `stage` (0–1) is how far the disease has gone, `day` counts from the first visit.

    `seed` is the patient's, so that all visits show the same eye, skin or biopsy site.
    """

    id: str
    patient: str
    condition: str
    seed: str
    stage: float
    day: int = 0
    earlier: float | None = None
    earlier_day: int = 0


def visits(prefix: str, counts: Mapping[str, int], followed: Mapping[str, tuple[float, float]]) -> Iterator[Visit]:
    """The studies of a modality: so many patients of each condition, stages spread over the range from mild to severe.

    `followed` names conditions of which the first patient comes twice, with the stage at the first visit and at
    the second. Conditions take turns, so that any first part of the list is varied.
    """
    queue = [(name, k, count) for name, count in counts.items() for k in range(count)]
    queue.sort(key=lambda item: ((item[1] + 0.5) / item[2], item[0]))
    number = 0
    for patient_number, (name, k, count) in enumerate(queue, 1):
        patient = f"{prefix}-p{patient_number:03}"
        rng = rng_for("visits", patient)
        stage = (k + float(rng.uniform(0.2, 0.8))) / count
        course = followed.get(name) if k == 0 else None
        first, last = course or (stage, stage)
        number += 1
        yield Visit(f"{prefix}-{number:03}", patient, name, patient, first)
        if course:
            number += 1
            day = int(rng.integers(60, 720))
            yield Visit(f"{prefix}-{number:03}", patient, name, patient, last, day, earlier=first)


def chart(
    visit: Visit,
    reading: Reading,
    draw: Callable[[], Pixels],
    *,
    domain: str,
    modality: str,
    title: str,
    caption: str,
    sections: Mapping[str, str],
    view: str = "",
) -> DrawnCase:
    """The case; `sections` are the report's headings with their texts, those without text are left out."""
    return DrawnCase(
        id=visit.id,
        domain=domain,
        modality=modality,
        title=title,
        report="\n\n".join(f"{head}: {text}" for head, text in sections.items() if text),
        findings=" ".join(reading.sentences),
        caption=caption,
        labels=tuple(dict.fromkeys(reading.labels)),
        absent=tuple(label for label in dict.fromkeys(reading.absent) if label not in reading.labels),
        patient=visit.patient,
        study=f"{visit.patient}-d{visit.day}",
        day=visit.day,
        draw=draw,
        view=view,
        attributes={"condition": visit.condition, **reading.attributes},
        questions=tuple(reading.questions),
    )


def deny(reading: Reading, rng: np.random.Generator, names: Mapping[str, str], count: int) -> None:
    """Say of some findings that are not there that they are not; `names` gives each label as it reads after "no"."""
    open_labels = [label for label in names if label not in reading.labels and label not in reading.absent]
    chosen = [open_labels[int(i)] for i in rng.permutation(len(open_labels))[:count]]
    if not chosen:
        return
    words = listed([names[label] for label in chosen], last="or")
    reading.missing(chosen, pick(rng, f"no {words}", f"no evidence of {words}", f"no {words} can be seen"))


def ask(
    reading: Reading,
    rng: np.random.Generator,
    wordings: Mapping[str, tuple[str, ...]],
    open_ones: Sequence[tuple[str, str]],
) -> None:
    """Two closed questions about present findings, two about absent ones, and open ones: at most eight."""
    closed_questions(rng, reading, wordings)
    for text, answer in open_ones:
        if len(reading.questions) < 8:
            reading.questions.append(Question(text, answer, "open"))


def changes(before: Mapping[str, Any], now: Mapping[str, Any], rng: np.random.Generator) -> str:
    """What has changed between two studies, from their counts or measures by label; larger is more."""
    new = [name for name in now if now[name] and not before.get(name)]
    gone = [name for name in before if before[name] and not now.get(name)]
    more = [name for name in now if name not in new and now[name] > 1.15 * before.get(name, 0)]
    less = [name for name in now if name not in (*new, *gone) and now[name] < 0.85 * before.get(name, 0)]
    parts = [
        f"{listed(names)} {'have' if _plural(names) else 'has'} {verb}"
        for names, verb in ((new, "newly appeared"), (more, "increased"), (less, "decreased"), (gone, "resolved"))
        if names
    ]
    if not parts:
        return pick(rng, "there is no relevant change", "the appearance is unchanged")
    return "; ".join(parts)


def _plural(names: Sequence[str]) -> bool:
    return len(names) > 1 or (names[0].endswith("s") and not names[0].endswith(("sis", "itis")))


def condition_for(finding: str | None, known: Mapping[str, str], normal: str) -> str:
    """The condition that shows a finding; none asked gives the normal one."""
    if finding is None:
        return normal
    try:
        return known[finding]
    except KeyError:
        raise UnknownNameError("drawn finding", finding, known) from None
