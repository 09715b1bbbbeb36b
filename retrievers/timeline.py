"""A patient's earlier studies: the last one before a day, as a whole and about the region asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from corpora.language import Lexicon, packaged_lexicon, sentences
from corpora.records import Record

__all__ = ["Study", "Timeline", "timeline_of"]


@dataclass(frozen=True, slots=True)
class Study:
    """Every record of a patient on one day: pictures of one day belong together. `day` is None where none is known."""

    day: int | None
    records: tuple[Record, ...]

    @property
    def report(self) -> str:
        """What is written of the study; each text once."""
        texts = (
            record.report or record.findings or record.caption or ", ".join(record.labels) for record in self.records
        )
        return "\n".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


@dataclass(frozen=True, slots=True)
class Timeline:
    """The studies of one patient, earliest first, and what the last one before `before` says.

    `prior` is the last study that has a day (before `before`, where one was given). `whole` is all of its report,
    `regional` those of its sentences that speak of the anatomy or the findings that were asked about: the global and
    the regional block of a prompt (MMXU, L. Mu et al. 2025). Both are empty without a prior.
    """

    patient: str
    studies: tuple[Study, ...]
    prior: Study | None = None
    whole: str = ""
    regional: str = ""


def timeline_of(
    patient: str,
    records: Iterable[Record],
    before: int | None = None,
    asked: str = "",
    lexicon: Lexicon | None = None,
) -> Timeline:
    """The timeline of records that may be seen.

    Args:
        patient: `corpus/patient`.
        records: Of this patient, in any order.
        before: The prior is the last study of an earlier day; None takes the last of all.
        asked: The question, for the regional block.
        lexicon: Whose anatomy and findings are looked for; the packaged one where None.
    """
    ordered = sorted(records, key=lambda record: (record.day is None, record.day or 0, record.study, record.id))
    studies = tuple(Study(day, tuple(same)) for day, same in groupby(ordered, key=lambda record: record.day))
    earlier = [study for study in studies if study.day is not None and (before is None or study.day < before)]
    prior = earlier[-1] if earlier else None
    whole = prior.report if prior else ""
    return Timeline(patient, studies, prior, whole, _about(whole, asked, lexicon or packaged_lexicon()))


def _about(report: str, asked: str, lexicon: Lexicon) -> str:
    """The sentences that name what the question names; all that name nothing of it are left out."""
    wanted = _terms(asked, lexicon)
    return " ".join(sentence for sentence in sentences(report) if wanted & _terms(sentence, lexicon)) if wanted else ""


def _terms(text: str, lexicon: Lexicon) -> frozenset[str]:
    kinds: Sequence[str] = ("anatomy", "findings")
    return frozenset(term.name for kind in kinds for term in lexicon.find(text, kind))
