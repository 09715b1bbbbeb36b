"""What a sentence says of a finding: there, not there, in doubt; on which side and how marked.

Negation follows the idea of NegEx (Chapman et al., J Biomed Inform 2001): a trigger before or after a term
within the same clause turns its polarity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from corpora.language.folding import folded
from corpora.language.lexicon import Lexicon, Term, packaged_lexicon
from corpora.language.sentences import sentences

__all__ = ["Assertion", "Polarity", "assertions", "polarity_of"]

Polarity = Literal["affirmed", "denied", "uncertain"]

_CLAUSE = re.compile(
    r"[.;:!?]|\b(?:but|however|although|though|except|apart from|while|whereas|there (?:is|are)|with|shows?)\b"
)
_NEGATION_BEFORE = re.compile(
    r"\b(?:no|not|without|absent|absence of|free of|negative for|denies|denied|never|nor|neither|none|"
    r"rules? out|ruled out|excludes?|no evidence of|lacks?|lacking|instead of|rather than|minus|"
    r"sin|sem|sans|pas de|ohne|kein(?:e|en|er)?|nahi|nahin|bina)\b"
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
# How far a trigger reaches, in characters: beyond it a sentence speaks of something else.
_REACH = 90


@dataclass(frozen=True, slots=True)
class Assertion:
    """What one sentence says of one finding: polarity, side and severity ("" where not said)."""

    finding: str
    polarity: Polarity
    sentence: str
    side: str = ""
    severity: str = ""


def assertions(text: str, lexicon: Lexicon | None = None) -> Iterator[Assertion]:
    """What each sentence of a text says of each finding it names or denies as a whole.

    >>> [(a.finding, a.polarity) for a in assertions("No fracture, but calcified. Possible mass.")]
    [('fracture', 'denied'), ('calcification', 'affirmed'), ('mass', 'uncertain')]
    """
    lexicon = lexicon or packaged_lexicon()
    for sentence in sentences(text):
        lower = folded(sentence)
        for phrase, denied in lexicon.denials.items():
            if phrase in lower:
                for finding in denied:
                    yield Assertion(finding, "denied", sentence)
        side, severity = _sides(lower, lexicon), lexicon.first(lower, "severities")
        for term in lexicon.find(sentence, "findings"):
            yield Assertion(term.name, polarity_of(lower, term), sentence, side, severity)


def polarity_of(lower: str, term: Term) -> Polarity:
    """What a sentence, folded, says of a term that was found in it."""
    before = _NO_NEGATION.sub(" ", _CLAUSE.split(_window(lower, term.start))[-1])
    after = lower[term.end : term.end + _REACH]
    if _UNDECIDED_BEFORE.search(before) or _UNDECIDED_AFTER.search(after):
        return "uncertain"
    if _NEGATION_BEFORE.search(before) or _NEGATION_AFTER.search(after):
        return "denied"
    return "uncertain" if _DOUBT_BEFORE.search(before) or _DOUBT_AFTER.search(after) else "affirmed"


def _window(lower: str, end: int) -> str:
    """The words that end less than the reach before a place."""
    start = end - _REACH
    if start <= 0:
        return lower[:end]
    space = lower.find(" ", start, end)
    return lower[space if space >= 0 else end : end]


def _sides(lower: str, lexicon: Lexicon) -> str:
    sides = {term.name for term in lexicon.find(lower, "sides")}
    return "bilateral" if sides >= {"left", "right"} or "bilateral" in sides else next(iter(sides), "")
