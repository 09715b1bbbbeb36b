"""What can be known of a text without a model: sentences, lexicon terms, negation, doubt, side, time, wording.

::

    folding        one spelling of letters: case, accents, invisible characters
    lexicon        findings, anatomy, modalities, sides and severities, met in a text
    sentences      sentences, and those that a picture can show
    assertions     what a sentence says of a finding
    times          "a year before", "follow-up"
    wording        everyday words of other languages, put into English
    abbreviations  written out
    spelling       misspelt words, read as the nearest known one
    everyday       everyday English words
"""

from __future__ import annotations

from corpora.language.assertions import Assertion, Polarity, assertions, polarity_of
from corpora.language.folding import cleaned, folded
from corpora.language.lexicon import Lexicon, Term, packaged_lexicon
from corpora.language.sentences import sentences, visible_findings

__all__ = [
    "Assertion",
    "Lexicon",
    "Polarity",
    "Term",
    "assertions",
    "cleaned",
    "folded",
    "packaged_lexicon",
    "polarity_of",
    "sentences",
    "visible_findings",
]
