"""What a question wants to know, read without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.answers import Turn
from corpora.language import Lexicon, packaged_lexicon
from retrievers.understanding import understand

__all__ = ["Asked", "Attribute", "follow_up", "parse_question"]

Attribute = Literal["presence", "side", "severity", "modality", "eye", "diagnosis", "likeness", "explanation"]

# Words before the question proper: "So, ", "In this image, ", "Please tell me whether ".
_LEAD = re.compile(
    r"^(?:(?:and|so|but|then|also|ok|okay|now|well|please|doctor|colleague|hi|hello)\b[\s,]*|"
    r"(?:in|on|from|judging by) (?:this|the|my) [\w -]{3,24},\s*|"
    r"(?:(?:can|could|would|will) you )?(?:please )?(?:tell me|say|check|decide) (?:whether|if)\s+)+",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"^(?:(?:is|are|was|were|does|do|did|has|have|had|can|could|should|would|will)(?:n['’]t)?|any|anything)\b",
    re.IGNORECASE,
)
_INDIRECT = re.compile(r"^(?:.*\b(?:tell me|say|check|decide)) (?:whether|if)\b", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:what|which|who|where|when|why|how|explain|describe|define|compare|tell|list|give|show)\b", re.IGNORECASE
)
# "Is there a mass or a cyst?" asks for either; "Is the lesion a mass or a cyst?" asks which.
_EITHER = re.compile(
    r"^(?:(?:is|are|was|were)(?:n['’]t)? there|any|can|could|does|do|did|has|have|had)\b", re.IGNORECASE
)
_LEADS = re.compile(
    r"^(?:(?:is|are|was|were)(?:n['’]t)? there|any|anything|(?:do|did|can|could) (?:you|we|one)|"
    r"(?:do|does|did) (?:this|the|these) [\w -]{2,24} show|there)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\bor\b", re.IGNORECASE)
_JOINED = re.compile(r"\b(?:or|and)\b")
_MODALITY_WORDS = r"(?:x[- ]?ray|radiograph|ct|mri?|ultrasound|sonogram|oct|dermoscop\w+|fundus \w+|histolog\w+|smear)"
_ATTRIBUTES: tuple[tuple[Attribute, re.Pattern[str]], ...] = (
    (
        "eye",
        re.compile(
            r"\b(?:which|what) eye\b|\b(?:left|right)\b.{0,12}\beye\b|\beye\b.{0,16}\b(?:left|right)\b", re.IGNORECASE
        ),
    ),
    (
        "modality",
        re.compile(
            r"\bmodality\b|\b(?:what|which) (?:kind|type|sort) of (?:image|picture|scan|study|imaging|examination)\b|"
            r"\b(?:what|which) (?:imaging|technique|scan|examination)\b|"
            r"\bhow (?:was|is|were|are) (?:this|the|these) \w+ (?:taken|made|acquired|obtained|produced)|"
            rf"^(?:is|are) (?:this|it|that|these) (?:an? |the )?(?:\w+ )?{_MODALITY_WORDS}\b",
            re.IGNORECASE,
        ),
    ),
    (
        "side",
        re.compile(
            r"\b(?:which|what) (?:side|lung|breast|hemisphere|lobe)\b|\bwhere\b|"
            r"\bleft\b.{0,16}\bor\b.{0,16}\bright\b|\bright\b.{0,16}\bor\b.{0,16}\bleft\b|"
            r"\b(?:unilateral|one side)\b.{0,16}\bor\b",
            re.IGNORECASE,
        ),
    ),
    (
        "severity",
        re.compile(
            r"\bhow (?:large|big|small|severe|bad|extensive|marked|much|advanced)\b|"
            r"\b(?:what|which)(?: is| are)?(?: the)? (?:size|grade|degree|severity|extent)\b|"
            r"\b(?:large|severe|big|marked|moderate)\b.{0,16}\bor\b|\bor\b.{0,16}\b(?:large|severe|big|marked|moderate)\b",
            re.IGNORECASE,
        ),
    ),
)
_DIAGNOSIS = re.compile(
    r"\bdiagnos[ei]s\b|"
    r"\bwhat(?:['’]s| is| are| can be| could be| might be) (?:shown|seen|visible|wrong|this|here|it)\b|"
    r"\bwhat (?:could|can|might|may) (?:this|it|that) be\b|"
    r"\bwhat(?:['’]s| is| are) (?:the )?(?:main |most likely )?(?:finding|abnormalit|lesion|diagnos|disease|patholog)|"
    r"\b(?:what|which) (?:kind of |type of |sort of )?(?:lesion|tumou?r|disease|condition|pathology|disorder)\b|"
    r"\bwhat (?:do you see|does (?:this|the|it) (?:\w+ )?(?:show|have)|would you call)|"
    r"\b(?:main|these|any|which|the|describe|what) (?:\w+ )?(?:findings?|abnormalit\w+)\b|^findings?\b|"
    r"\bdescribe|\bdifferential|\binterpret|\bread (?:this|the|it)\b|\b(?:any|some)thing (?:wrong|unusual|to see)\b",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\b(?:it|its|that|this|those|these|they|them|same|other|else|bigger|smaller|why)\b|"
    r"(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )\bthere\b",
    re.IGNORECASE,
)
_MOST_BARE_WORDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in parts: closed (yes or no) or open, about which findings, and which attribute of them.

    `side` and `severity` are what a closed question presumes of its finding ("a large left effusion"), else "".
    `joined` says how several findings are meant together, and `leads` that the first is the one asked for ("Is there
    calcification in the mass?"), not the last ("Does the mass contain calcification?").
    """

    text: str
    closed: bool
    findings: tuple[str, ...]
    attribute: Attribute
    side: str = ""
    severity: str = ""
    joined: Literal["", "or", "and"] = ""
    leads: bool = True


def parse_question(text: str, with_pictures: bool, lexicon: Lexicon | None = None) -> Asked:
    """What the question wants.

    >>> parse_question("Is the fracture displaced?", True).closed
    True
    >>> parse_question("Which side is the mass on?", True).attribute
    'side'
    >>> parse_question("Is there a large left effusion?", True).side
    'left'
    """
    lexicon = lexicon or packaged_lexicon()
    stripped = text.strip()
    terms = lexicon.find(stripped, "findings")
    findings = tuple(dict.fromkeys(term.name for term in terms))
    if with_pictures and understand(stripped, lexicon).composed is not None:
        return Asked(stripped, False, findings, "likeness")  # "like this, but with a mass" does not ask for a mass here
    proper = _LEAD.sub("", stripped)
    closed = _closed(proper, stripped, bool(findings))
    attribute = _attribute(proper, closed, findings, with_pictures)
    if attribute != "presence":
        return Asked(stripped, closed, findings, attribute)
    rest = _without(stripped, [(term.start, term.end) for term in terms])
    sides = {term.name for term in lexicon.find(rest, "sides")}
    side = "bilateral" if len(sides) > 1 else next(iter(sides), "")
    joined = _JOINED.search(rest) if len(findings) > 1 else None
    return Asked(
        stripped,
        closed,
        findings,
        attribute,
        side,
        lexicon.first(rest, "severities"),
        "" if joined is None else "or" if joined[0] == "or" else "and",
        bool(_LEADS.match(proper)),
    )


def _closed(proper: str, whole: str, names_finding: bool) -> bool:
    if _CHOICE.search(proper) and not (_EITHER.match(proper) and names_finding):
        return False
    if _CLOSED.match(proper) or _INDIRECT.match(whole):
        return True
    return names_finding and len(proper.split()) <= _MOST_BARE_WORDS and not _OPEN.search(proper)


def _attribute(text: str, closed: bool, findings: tuple[str, ...], with_pictures: bool) -> Attribute:
    if closed and findings:
        return "presence"
    for attribute, pattern in _ATTRIBUTES:
        if pattern.search(text):
            return attribute
    choice = len(findings) > 1 and _CHOICE.search(text) and not _OPEN.search(text)
    if with_pictures and (not text or choice or _DIAGNOSIS.search(text)):
        return "diagnosis"
    return "explanation"


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without its findings, so that their own words ("large cell carcinoma") say no size."""
    folded = text.casefold()
    for start, end in spans:
        folded = folded[:start] + " " * (end - start) + folded[end:]
    return folded


def follow_up(text: str, has_pictures: bool, history: Sequence[Turn], marked: bool = False) -> Turn | None:
    """The earlier turn that a question continues, or None where it stands by itself.

    A question without pictures continues the last one where it points back ("is it large?"), names nothing that a
    lexicon knows, or where the last one had a picture and this one asks about presence, side or size, or about a
    `marked` part of it.

    >>> follow_up("And on which side is it?", False, [Turn("Is there an effusion?", "Yes.")]).question
    'Is there an effusion?'
    """
    if has_pictures or not history or not text:
        return None
    asked = parse_question(text, with_pictures=True)
    last = history[-1]
    about_picture = bool(last.images) and (marked or asked.attribute != "explanation")
    return last if about_picture or _POINTING.search(text) or not asked.findings else None
