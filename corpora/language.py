"""What can be known of a text without a model: sentences, lexicon terms, negation, doubt, side, time.

Negation follows the idea of NegEx (Chapman et al., J Biomed Inform 2001): a trigger before or after a term
within the same clause turns its polarity.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

__all__ = [
    "Assertion",
    "Lexicon",
    "Polarity",
    "assertions",
    "packaged_lexicon",
    "sentences",
    "visible_findings",
]

Polarity = Literal["affirmed", "denied", "uncertain"]

_BOUNDARY = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n+|(?<=;)\s+")
_ABBREVIATION = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|St|Fig|Figs|vs|approx|ca|No|cf|e\.g|i\.e|etc|al)\.$")
_CLAUSE = re.compile(
    r"[.;:!?]|\b(?:but|however|although|though|except|apart from|while|whereas|there (?:is|are)|with|shows?)\b"
)
_NEGATION_BEFORE = re.compile(
    r"\b(?:no|not|without|absent|absence of|free of|negative for|denies|denied|never|nor|neither|none|"
    r"rules? out|ruled out|excludes?|no evidence of|sin|nahi|nahin|lacks?|lacking)\b"
)
_NEGATION_AFTER = re.compile(
    r"^[^,;.]{0,40}?\b(?:(?:is|are|was|were) (?:not|absent|excluded)|no longer|"
    r"not (?:seen|present|identified|visible|demonstrated)|absent|(?:is|are|was|were) ruled out|"
    r"(?:has|have) resolved|nahi)\b"
)
# What looks like a negation and denies no finding (the pseudo-negations of NegEx).
_NO_NEGATION = re.compile(
    r"\bnot only\b|\b(?:no|not|without) (?:\w+ ){0,2}?(?:change|changed|increase|decrease|progression)\b"
)
_UNDECIDED_BEFORE = re.compile(r"\b(?:(?:cannot|can not|can't|could not) (?:exclude|rule out)|not excluded|unlikely)\b")
_UNDECIDED_AFTER = re.compile(
    r"^[^,;.]{0,40}?\b(?:(?:cannot|can not|can't|could not) be (?:excluded|ruled out)|"
    r"not (?:been )?(?:excluded|ruled out)|unlikely)\b"
)
_DOUBT_BEFORE = re.compile(
    r"\b(?:possible|possibly|probable|probably|suspected|suspicious for|questionable|may|might|could|"
    r"concern for|concerning for|suggest(?:s|ive of)?|likely|differential|versus|vs)\b"
)
_DOUBT_AFTER = re.compile(r"^[^,;.]{0,40}?(?:\bis (?:possible|suspected|likely)\b|\?)")
_SECTION = re.compile(r"^\s*([A-Z][A-Za-z &/]{2,30}):\s*", re.MULTILINE)
_HIDDEN_SECTIONS = {
    "history", "exam", "clinical", "clinical history", "indication", "differential diagnosis", "treatment",
    "discussion", "plan", "diagnosis by", "case diagnosis", "diagnosis", "follow up", "followup", "recommendation",
    "technique", "comparison",
}  # fmt: skip
_HIDDEN_SENTENCE = re.compile(
    r"\b(?:year[- ]old|history of|presents?|presented|presenting|complain\w*|patient (?:was|is|has|had|reports|denies)|"
    r"treated|treatment|admitted|follow[- ]?up|recommend\w*|surgery|biopsy|compared|comparison|prior|previous|"
    r"unchanged|interval|new since|days? (?:later|after|ago)|weeks? (?:later|after|ago))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """A canonical lexicon entry met in a text, at characters `start`…`end` of its lower-case form."""

    name: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """What one sentence says of one finding: polarity, side and severity ("" where not said)."""

    finding: str
    polarity: Polarity
    sentence: str
    side: str = ""
    severity: str = ""


class Lexicon:
    """Terms by kind (findings, anatomy, modalities, sides, severities), matched longest first on whole words.

    >>> [term.name for term in packaged_lexicon().find("Unremarkable; nothing calcified.", "findings")]
    ['normal', 'calcification']
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Iterable[str]]]) -> None:
        self._canonical: dict[str, dict[str, str]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        self.denials = {phrase: tuple(denied) for phrase, denied in tables.get("denies", {}).items()}
        for kind, entries in tables.items():
            if kind == "denies":
                continue
            spellings: dict[str, str] = {}
            for name, synonyms in entries.items():
                for spelling in (name, *synonyms):
                    spellings.setdefault(spelling.casefold(), name)
            self._canonical[kind] = spellings
            ordered = sorted(spellings, key=len, reverse=True)
            body = "|".join(re.escape(spelling).replace(r"\ ", r"[\s-]+") for spelling in ordered)
            self._patterns[kind] = re.compile(rf"(?<![\w-])(?:{body})(?:e?s)?(?![\w])" if body else r"(?!)")

    def names(self, kind: str) -> frozenset[str]:
        """Every canonical name of a kind."""
        return frozenset(self._canonical.get(kind, {}).values())

    def canonical(self, text: str, kind: str = "findings") -> str:
        """The canonical name of a spelling, or the folded spelling itself."""
        folded = " ".join(text.casefold().split())
        return self._canonical.get(kind, {}).get(folded, folded)

    def find(self, text: str, kind: str) -> list[Term]:
        """Every term of that kind in the text, in order, never overlapping."""
        pattern = self._patterns.get(kind)
        if pattern is None:
            return []
        found = []
        for match in pattern.finditer(text.casefold()):
            spelling = re.sub(r"[\s-]+", " ", match.group())
            name = self._lookup(kind, match.group()) or self._lookup(kind, spelling)
            if name:
                found.append(Term(name, kind, match.start(), match.end()))
        return found

    def first(self, text: str, kind: str) -> str:
        """The first term of that kind, or ""."""
        return next((term.name for term in self.find(text, kind)), "")

    def _lookup(self, kind: str, spelling: str) -> str | None:
        table = self._canonical[kind]
        for candidate in (spelling, spelling.removesuffix("s"), spelling.removesuffix("es")):
            if candidate in table:
                return table[candidate]
        return None


@cache
def packaged_lexicon() -> Lexicon:
    """The lexicon of `corpora/terms/*.toml`; a later file adds to an earlier one."""
    tables: dict[str, dict[str, list[str]]] = {}
    folder = resources.files("corpora").joinpath("terms")
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
            for kind, terms in tomllib.loads(entry.read_text(encoding="utf-8")).items():
                for name, synonyms in terms.items():
                    tables.setdefault(kind, {}).setdefault(name, []).extend(synonyms)
    return Lexicon(tables)


def sentences(text: str) -> list[str]:
    """The sentences of a text, line breaks and semicolons ending one too.

    >>> sentences("No effusion. Seen by Dr. Who at 3.5 cm.")
    ['No effusion.', 'Seen by Dr. Who at 3.5 cm.']
    """
    found: list[str] = []
    for piece in _BOUNDARY.split(text):
        piece = " ".join(piece.split())
        if not piece:
            continue
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return found


def assertions(text: str, lexicon: Lexicon | None = None) -> Iterator[Assertion]:
    """What each sentence of a text says of each finding it names or denies as a whole.

    >>> [(a.finding, a.polarity) for a in assertions("No fracture, but calcified. Possible mass.")]
    [('fracture', 'denied'), ('calcification', 'affirmed'), ('mass', 'uncertain')]
    """
    lexicon = lexicon or packaged_lexicon()
    for sentence in sentences(text):
        lower = sentence.casefold()
        for phrase, denied in lexicon.denials.items():
            if phrase in lower:
                for finding in denied:
                    yield Assertion(finding, "denied", sentence)
        side, severity = _sides(lower, lexicon), lexicon.first(lower, "severities")
        for term in lexicon.find(sentence, "findings"):
            yield Assertion(term.name, _polarity(lower, term), sentence, side, severity)


def _sides(lower: str, lexicon: Lexicon) -> str:
    sides = {term.name for term in lexicon.find(lower, "sides")}
    return "bilateral" if sides >= {"left", "right"} or "bilateral" in sides else next(iter(sides), "")


def _polarity(lower: str, term: Term) -> Polarity:
    before = _NO_NEGATION.sub(" ", _CLAUSE.split(lower[: term.start])[-1][-90:])
    after = lower[term.end :]
    if _UNDECIDED_BEFORE.search(before) or _UNDECIDED_AFTER.search(after):
        return "uncertain"
    if _NEGATION_BEFORE.search(before) or _NEGATION_AFTER.search(after):
        return "denied"
    return "uncertain" if _DOUBT_BEFORE.search(before) or _DOUBT_AFTER.search(after) else "affirmed"


def visible_findings(report: str) -> str:
    """The sentences of a report that a picture can show: no history, plan, comparison or diagnosis of record.

    >>> visible_findings("History: cough for 3 days. Findings: Right effusion. Compared with 2019 it is larger.")
    'Right effusion.'
    """
    kept: list[str] = []
    for title, body in _sections(report):
        if title in _HIDDEN_SECTIONS:
            continue
        kept.extend(sentence for sentence in sentences(body) if not _HIDDEN_SENTENCE.search(sentence))
    return " ".join(kept)


def _sections(report: str) -> Iterator[tuple[str, str]]:
    marked = re.sub(r"(?<=[.!?])\s+(?=[A-Z][A-Za-z &/]{2,30}:\s)", "\n", report)
    parts = _SECTION.split(marked)
    yield "", parts[0]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        yield " ".join(title.casefold().split()), body
