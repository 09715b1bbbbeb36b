"""What a question asks for, read without a model: terms, polarity, side, time, language, and what must change.

The text is read in four steps: other languages into English, abbreviations written out, misspelt words mended, then
the lexicon with negation and doubt as reports are read. Each step is a table lookup, so the time grows with the length
of the text and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from corpora.language import Lexicon, Polarity, Term, cleaned, folded, packaged_lexicon, polarity_of, sentences
from corpora.language.abbreviations import abbreviations
from corpora.language.spelling import mended
from corpora.language.times import TimeSaid, times_said
from corpora.language.wording import in_english

__all__ = ["Composed", "Understood", "Wanted", "understand"]

# "like this", "the same", "similar ones": a picture is the question, the rest says what must differ.
_THING = (
    r"(?:one|case|picture|image|patient|lesion|finding|appearance|thing|view|study|scan|eye|mole|example|record|"
    r"radiograph|film|slide)s?"
)
_LEAD = rf"(?:(?:show|find|give|get)(?: me| us)? )?(?:(?:something|anything|another|more|other|an?|{_THING}) ){{0,4}}"
_ALIKE = re.compile(
    rf"\b{_LEAD}(?:(?:just |much |exactly )?like|similar to|resembling|comparable (?:to|with)|same as|as in)"
    rf" (?:this|that|these|those|it|here|the (?:picture|image|query|same))\b(?: {_THING}\b)?|"
    rf"\b(?:the )?same\b(?: {_THING}\b)?|"
    rf"\b{_LEAD}(?:similar|alike)\b(?: {_THING}\b)?"
    r"(?=[,;:]? (?:but|only|except|without|with|on|in|at|minus|plus|though)\b)|"
    rf"^(?:this|these)\b(?: {_THING}\b)?(?=[,;:]? but\b)"
)
_NO_COMPOSITION = re.compile(
    r"^(?:(?:is|are|was|were|does|did|has|have) (?:this|that|these|it|the)|what|why|how|who)\b"
)
_NEARER = re.compile(
    r"^[\s,;:]*(?:(?:but|only|just|and|though|however|except(?: that| for)?|this time|now|is|with)\b[\s,;:]*)*"
)
_OTHER_SIDE = re.compile(r"\b(?:other|opposite|contralateral) side\b|\bcontralateral\b|\bmirrored\b")
_ONE_SIDE = re.compile(r"\b(?:unilateral(?:ly)?|one[- ]sided|(?:on )?(?:only )?one side(?: only)?)\b")
_GROWN = re.compile(r"\b(?:larger|bigger|worse|more (?:severe|marked|extensive|advanced))\b")
_SHRUNK = re.compile(r"\b(?:smaller|milder|less (?:severe|marked|extensive|advanced))\b")
# Between a side and the finding that it belongs to lie at most so many words, where another finding precedes it.
_NEAR = 2
# An order to look for something ("rule out fracture") denies nothing.
_RULE_OUT = re.compile(r"(?:^|(?<=[?.;:,] )|\b(?:to|please) )rule out\b", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.;:!?]|\b(?:but|with|without|no)\b")
_QUESTION = re.compile(r"\?|^(?:is|are|was|were|does|do|did|has|have|can|could|any|what|which|where)\b")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A finding that a question speaks of; `side` and `severity` are "" where not said."""

    name: str
    polarity: Polarity
    side: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """What must be otherwise in a question that says "like this, but …".

    `alike` are the words that point at the picture; `have` and `lack` are findings; `side` is left, right, bilateral,
    unilateral, or other (the opposite of the picture's); `time` points to another study of the same patient. What is
    not said is empty.
    """

    alike: str
    have: tuple[str, ...] = ()
    lack: tuple[str, ...] = ()
    side: str = ""
    severity: str = ""
    modality: str = ""
    time: TimeSaid | None = None

    @property
    def same_patient(self) -> bool:
        """Whether another study of the same patient is asked for."""
        return "patient" in self.alike or (self.time is not None and "same" in self.alike)


@dataclass(frozen=True, slots=True)
class Understood:
    """A question, understood.

    `text` is as asked, `search_text` what the lists should be searched with; `language` names what it is written in
    ("en", "es", "hi+en"); `corrections` are (typed, read as). Terms are canonical names of the lexicon, in the order of
    the text. `asks` says that it is put as a question, and is no description.
    """

    text: str
    search_text: str
    language: str = "en"
    findings: tuple[Wanted, ...] = ()
    anatomy: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    times: tuple[TimeSaid, ...] = ()
    corrections: tuple[tuple[str, str], ...] = ()
    composed: Composed | None = None
    asks: bool = False


def understand(text: str, lexicon: Lexicon | None = None, *, known: Container[str] = frozenset()) -> Understood:
    """What the question asks for.

    Args:
        text: The question, in English or one of the languages of `corpora/terms/wording`, mixed with English or not.
        lexicon: Whose terms are found; the packaged one where None.
        known: Words that are never taken for misspelt ones: `LexicalIndex.vocabulary`.

    >>> asked = understand("kya fefde mein pani hai?")
    >>> asked.language, asked.search_text, asked.findings[0].name
    ('hi', 'is there pleural effusion?', 'pleural effusion')
    >>> understand("like this, but bilateral and without efusion").composed.lack
    ('pleural effusion',)
    """
    lexicon = lexicon or packaged_lexicon()
    rendered = in_english(cleaned(text), lexicon.words)
    read, corrections = mended(abbreviations().expanded(rendered.text), lexicon, known)
    read = _RULE_OUT.sub("possible", read)
    lower = folded(read)
    findings = tuple(_findings(read, lexicon))
    alike = None if _NO_COMPOSITION.match(lower) else _ALIKE.search(lower)
    composed = _composed(lower, alike, lexicon) if alike else None
    return Understood(
        text=text,
        search_text=_without(read, alike) if composed and alike else read,
        language=rendered.language,
        findings=findings,
        anatomy=_names(lexicon.find(read, "anatomy")),
        modalities=_names(lexicon.find(read, "modalities")),
        sides=_names(lexicon.find(read, "sides")),
        severities=_names(lexicon.find(read, "severities")),
        times=times_said(lower),
        corrections=corrections,
        composed=composed,
        asks=_QUESTION.search(lower.strip()) is not None,
    )


def _findings(text: str, lexicon: Lexicon) -> Iterable[Wanted]:
    """Every finding once: an affirmed mention outweighs a doubtful one, and that a denied one."""
    best: dict[str, Wanted] = {}
    order: Sequence[Polarity] = ("denied", "uncertain", "affirmed")
    for sentence in sentences(text):
        for wanted in _in_sentence(sentence, lexicon):
            held = best.get(wanted.name)
            if held is None or order.index(wanted.polarity) > order.index(held.polarity):
                best[wanted.name] = wanted
    return best.values()


def _in_sentence(sentence: str, lexicon: Lexicon) -> Iterable[Wanted]:
    lower = folded(sentence)
    asks = _QUESTION.search(lower) is not None
    statement = lower.replace("?", ".")
    for phrase, denied in lexicon.denials.items():
        if phrase in lower:
            yield from (Wanted(name, "denied") for name in denied)
    terms = lexicon.find(sentence, "findings")
    sides = _shared_out(lexicon.find(lower, "sides"), terms, lower)
    degrees = _shared_out(lexicon.find(lower, "severities"), terms, lower)
    for number, term in enumerate(terms):
        polarity = polarity_of(statement, term)
        if polarity == "uncertain" and asks:
            polarity = "affirmed"
        yield Wanted(term.name, polarity, _side(sides[number]), next(iter(degrees[number]), ""))


def _shared_out(words: Sequence[Term], findings: Sequence[Term], lower: str) -> list[list[str]]:
    """Sides or severities for each finding: of the one they stand before, else of the one that they follow."""
    shared: list[list[str]] = [[] for _ in findings]
    if not findings:
        return shared
    at = 0
    for word in words:
        while at < len(findings) and findings[at].end <= word.start:
            at += 1
        following = lower[word.end : findings[at].start] if at < len(findings) else ""
        apart = at == len(findings) or _CLAUSE_END.search(following) is not None
        if not apart and (at == 0 or (len(following.split()) <= _NEAR and "," not in following)):
            shared[at].append(word.name)
        elif at > 0:
            shared[at - 1].append(word.name)
    return shared


def _side(names: Sequence[str]) -> str:
    return "bilateral" if "bilateral" in names or len(set(names)) > 1 else next(iter(names), "")


def _composed(lower: str, alike: re.Match[str], lexicon: Lexicon) -> Composed | None:
    """What must change; None where nothing but likeness is asked for."""
    change = f"{lower[: alike.start()]} . {_NEARER.sub('', lower[alike.end() :])}"
    findings = tuple(_findings(change, lexicon))
    sides, degrees = _names(lexicon.find(change, "sides")), lexicon.first(change, "severities")
    side = _side(sides) or ("other" if _OTHER_SIDE.search(change) else "unilateral" if _ONE_SIDE.search(change) else "")
    if not degrees:
        degrees = "large" if _GROWN.search(change) else "small" if _SHRUNK.search(change) else ""
    times = times_said(change)
    composed = Composed(
        alike=" ".join(alike.group().split()),
        have=tuple(item.name for item in findings if item.polarity != "denied"),
        lack=tuple(item.name for item in findings if item.polarity == "denied"),
        side=side,
        severity=degrees,
        modality=lexicon.first(change, "modalities"),
        time=times[0] if times else None,
    )
    return composed if composed != Composed(composed.alike) else None


def _without(text: str, alike: re.Match[str]) -> str:
    """The text without the words that point at the picture, which find nothing."""
    if len(text) != len(alike.string):
        return text
    rest = f"{text[: alike.start()]} {_NEARER.sub('', text[alike.end() :])}"
    return " ".join(rest.split()).strip(" ,;:.") or text


def _names(terms: Iterable[Term]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term.name for term in terms))
