"""The page's words for numbers: confidence, verdicts, lists, counts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from app.answers import Answer, Evidence
from app.overview import HomeOverview
from retrievers.found import Hit
from ui.counting import counted

__all__ = ["ListRank", "confidence", "counts", "list_ranks", "modality", "reasons", "verdict"]

_VERDICTS = {"yes": "Yes", "no": "No", "uncertain": "Uncertain", "abstained": "No answer"}
_CONFIDENCE = ((0.95, "almost certain"), (0.8, "likely"), (0.65, "rather likely"), (0.0, "unsure"))


def verdict(answer: Answer) -> str:
    """The verdict in a word, empty for open questions."""
    return _VERDICTS.get(answer.verdict, "")


def reasons(answer: Answer) -> str:
    """The text without the verdict where it opens with it: the page shows that by itself."""
    word = verdict(answer)
    opening = re.match(rf"[*_]*{word}[*_]*\s*[:.,;–—-]+[*_]*\s*", answer.text, re.IGNORECASE) if word else None
    rest = answer.text[opening.end() :] if opening else ""
    return rest[:1].upper() + rest[1:] if rest else answer.text


def confidence(value: float) -> str:
    """A probability in words.

    >>> confidence(0.91)
    'likely'
    """
    return next(words for least, words in _CONFIDENCE if value >= least or least == 0.0)


@dataclass(frozen=True, slots=True)
class ListRank:
    """A list that found a record: its name, its sides, the rank there, and the similarity with its unit."""

    name: str
    sides: str
    rank: int
    similarity: str


def list_ranks(hit: Hit) -> tuple[ListRank, ...]:
    """The lists that found the hit, best rank first; cosines before lexical scores."""
    found = []
    for name, rank in hit.ranks.items():
        lexical = "→" not in name
        value = hit.similarities.get(name)
        text = "" if value is None else f"BM25 {value:.1f}" if lexical else f"{value:.2f}"
        found.append((lexical, rank, ListRank(name, "words" if lexical else name.split()[-1], rank, text)))
    return tuple(entry for _, _, entry in sorted(found, key=lambda item: item[:2]))


def modality(evidence: tuple[Evidence, ...], domain: str) -> str:
    """How most pictures among the evidence of the domain were made, empty where there are none."""
    names = Counter(item.record.modality for item in evidence if item.record.domain == domain and item.record.modality)
    return names.most_common(1)[0][0] if names else ""


def counts(overview: HomeOverview) -> tuple[str, ...]:
    """How many cases, figures and passages the home holds, those that are not zero."""
    totals = (
        ("case", sum(corpus.cases for corpus in overview.corpora)),
        ("figure", sum(corpus.figures for corpus in overview.corpora)),
        ("passage", sum(corpus.passages for corpus in overview.corpora)),
    )
    return tuple(counted(number, noun) for noun, number in totals if number)
