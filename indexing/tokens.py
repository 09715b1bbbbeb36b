"""Texts as tokens of a lexical index: medical words, measures, and one token for each lexicon term.

What a sentence denies gets another token than what it affirms, and the words of a denied finding count nothing: a
report of "no effusion" is not about effusions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpora.language import Lexicon, Term, cleaned, folded, packaged_lexicon, polarity_of, sentences
from corpora.language.everyday import english_words

__all__ = ["stem", "tokenisation", "tokenize"]

_REVISION = 2
_PARTS = re.compile(
    # 3.5 cm, 12mm, 5 x 3 cm: the number with its unit
    r"(?P<size>\d+(?:\.\d+)?)\s?(?P<unit>cm|mm|um|ml|mg|g|kg|t|kv|hu|%)(?![\w])|"
    # L4-5, C5/6, Th12-L1: two vertebrae and their disc
    r"(?<!\w)(?P<upper>(?:[clts]|th)\d{1,2})\s?[-/]\s?(?P<lower>(?:[clts]|th)?\d{1,2})(?!\w)|"
    # a word, a number, or a word of letters and digits: T2, CD20, her2, 20/40
    r"(?P<ratio>\d+/\d+)(?![\w/])|(?P<word>[^\W_\u0964\u0965][\w\u0900-\u0963]*(?:(?<=\d)\.\d+)?)"
)
# 5 x 3 cm: the unit of the last number is that of all
_SIZES = re.compile(r"(\d+(?:\.\d+)?)(?=\s?x\s?\d+(?:\.\d+)?(?:\s?x\s?\d+(?:\.\d+)?)?\s?(cm|mm)\b)")
_COMPOUND = re.compile(r"[-/]")
_MILLIMETRES = {"cm": 10.0, "mm": 1.0, "um": 0.001}
_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "κ": "kappa", "λ": "lambda", "σ": "sigma",
}  # fmt: skip
_SYMBOLS = str.maketrans({"–": "-", "‐": "-", "‑": "-", "−": "-", "×": " x ", "µ": "u", "μ": "u", "²": "2", "₂": "2"})
_LATIN = {
    "vertebrae": "vertebra", "bullae": "bulla", "nuclei": "nucleus", "thrombi": "thrombus", "emboli": "embolus",
    "bronchi": "bronchus", "hila": "hilum", "diverticula": "diverticulum", "sulci": "sulcus", "gyri": "gyrus",
    "septa": "septum", "foci": "focus", "calculi": "calculus", "alveoli": "alveolus", "bacteria": "bacterium",
    "apices": "apex", "cortices": "cortex", "ova": "ovum", "criteria": "criterion", "maculae": "macula",
}  # fmt: skip
_BRITISH = (
    (re.compile(r"(?<=h)aem|(?<=n)aem|(?<=ch)aem"), "em"),
    (re.compile(r"oede"), "ede"),
    (re.compile(r"^oeso"), "eso"),
    (re.compile(r"(?<=[bmlv])our$"), "or"),
    (re.compile(r"isation$"), "ization"),
    (re.compile(r"(?<=[bt])re$"), "er"),
    (re.compile(r"^leuc(?=o)"), "leuk"),
)
_PREFIX = {"findings": "finding", "anatomy": "anatomy", "modalities": "modality"}


def tokenisation(lexicon: Lexicon | None = None) -> str:
    """Names how texts become tokens; another name means that an index must be built again.

    >>> tokenisation() == tokenisation(packaged_lexicon())
    True
    """
    return f"{_REVISION}/{(lexicon or packaged_lexicon()).digest}"


def tokenize(text: str, lexicon: Lexicon | None = None) -> list[str]:
    """Words without everyday ones and endings, measures in one unit, and a token for each lexicon term.

    A compound counts by its parts and as a whole ("x-ray": x, ray, xray). A question affirms what it asks for.

    >>> tokenize("No pleural effusion. A 3.5 cm mass at L4-5?")
    ['denied:pleural_effusion', '35mm', 'mass', 'l4', 'l5', 'l4-5', 'finding:mass']
    """
    lexicon = lexicon or packaged_lexicon()
    return [token for sentence in sentences(_lines_cleaned(text)) for token in _sentence(sentence, lexicon)]


def stem(word: str) -> str:
    """A word in lower case without its plural or adverbial ending and in American spelling, where that is safe.

    >>> stem("haemorrhages"), stem("metastases"), stem("pathological"), stem("mass")
    ('hemorrhage', 'metastasis', 'pathologic', 'mass')
    """
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    word = _LATIN.get(word) or _singular(word)
    if len(word) > 6:
        for ending, kept in (("ically", "ic"), ("ical", "ic"), ("ally", "al")):
            if word.endswith(ending):
                word = word.removesuffix(ending) + kept
                break
    for pattern, american in _BRITISH:
        word = pattern.sub(american, word)
    return word


def _singular(word: str) -> str:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith(("tases", "oses", "eses", "ctases")) and len(word) > 6:
        return f"{word[:-2]}is"
    if word.endswith("ies") and len(word) > 5:
        return f"{word[:-3]}y"
    return word[:-1]


def _sentence(sentence: str, lexicon: Lexicon) -> Iterator[str]:
    lower = folded(sentence)
    said = [(term, polarity_of(lower, term)) for term in lexicon.find(sentence, "findings")]
    silent = [(term.start, term.end) for term, polarity in said if polarity == "denied"]
    yield from _words(lower, silent)
    for phrase, denied in lexicon.denials.items():
        if phrase in lower:
            yield from (_token("denied", name) for name in denied)
    for term, polarity in said:
        yield _token("denied" if polarity == "denied" else "finding", term.name)
    for kind in ("anatomy", "modalities"):
        yield from (
            _token(_PREFIX[kind], term.name) for term in lexicon.find(sentence, kind) if not _inside(term, silent)
        )


def _words(lower: str, silent: Sequence[tuple[int, int]]) -> Iterator[str]:
    stop = english_words().stop
    for start, end in reversed(silent):
        lower = f"{lower[:start]} {lower[end:]}"
    for letter, name in _GREEK.items():
        lower = lower.replace(letter, name)
    lower = _SIZES.sub(r"\1 \2", lower)
    before, after = "", -1
    for match in _PARTS.finditer(lower):
        if match["size"]:
            yield _measure(float(match["size"]), match["unit"])
        elif match["upper"]:
            yield from _disc(match["upper"], match["lower"])
        elif match["ratio"]:
            yield match["ratio"]
        elif match["word"] not in stop and match["word"] != "x":
            yield stem(match["word"])
        if before and match["word"] and match.start() == after + 1 and _COMPOUND.match(lower, after):
            yield before + stem(match["word"])
        before, after = match["word"] or "", match.end()


def _measure(size: float, unit: str) -> str:
    if unit in _MILLIMETRES:
        return f"{round(size * _MILLIMETRES[unit], 4):g}mm"
    return f"{size:g}{unit}"


def _disc(upper: str, lower: str) -> Iterator[str]:
    letter = upper.rstrip("0123456789")
    full = lower if not lower.isdecimal() else f"{letter}{lower}"
    yield upper
    yield full
    yield f"{upper}-{full.removeprefix(letter)}"


def _token(prefix: str, name: str) -> str:
    return f"{prefix}:{name.casefold().replace(' ', '_')}"


def _inside(term: Term, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= term.start and term.end <= end for start, end in spans)


def _lines_cleaned(text: str) -> str:
    """Line breaks end sentences, so they stay."""
    return "\n".join(cleaned(line) for line in text.splitlines()).translate(_SYMBOLS)
