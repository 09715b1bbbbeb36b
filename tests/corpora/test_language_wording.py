"""Other languages, abbreviations, misspelt words and words of time."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import corpora
from corpora.language import Lexicon, cleaned, folded, packaged_lexicon
from corpora.language.abbreviations import abbreviations
from corpora.language.everyday import english_words
from corpora.language.spelling import mended
from corpora.language.times import TimeSaid, times_said
from corpora.language.wording import in_english

TABLES = Path(corpora.__file__).parent / "terms" / "wording"
TONGUES = ("french", "german", "hindi", "portuguese", "spanish")


@pytest.mark.parametrize(
    ("said", "language", "read"),
    [
        ("kya fefde mein pani hai?", "hi", "is there pleural effusion?"),
        ("phephde me paani hai kya", "hi", "pleural effusion?"),
        ("pleural effusion nahi hai", "hi+en", "pleural effusion is not present"),
        ("mass hai, effusion nahi hai", "hi+en", "mass, effusion is not present"),
        ("dono taraf sujan", "hi", "bilateral swelling"),
        ("skin pe til hai", "hi+en", "skin on mole"),
        ("क्या फेफड़े में पानी है?", "hi", "is there pleural effusion?"),
        ("sin neumotórax", "es", "without pneumothorax"),
        ("¿hay fractura?", "es", "is there fracture?"),
        ("hemorragia cerebral en el TAC", "es", "cerebral hemorrhage in the CT"),
        ("chest x-ray con neumonía", "es+en", "chest x-ray with pneumonia"),
        ("Kein Pleuraerguss links", "de", "no pleural effusion left"),
        ("vergrößertes Herz", "de", "cardiomegaly"),
        ("pas d'épanchement pleural", "fr", "no pleural effusion"),
        ("há derrame pleural?", "pt", "is there pleural effusion?"),
        ("There is no pleural effusion on the left.", "en", "There is no pleural effusion on the left."),
        ("the patient's main finding is a lesion in a pet owner", "en", ""),
        ("sin", "en", ""),
        ("PE hai kya", "hi+en", "PE?"),
        ("", "en", ""),
    ],
)
def test_other_languages(said: str, language: str, read: str) -> None:
    rendered = in_english(cleaned(said), packaged_lexicon().words)
    assert (rendered.language, rendered.text) == (language, read or said)


@pytest.mark.parametrize("name", TONGUES)
def test_no_word_of_another_language_is_an_english_term(name: str) -> None:
    """Else it would make an English question a foreign one: such words belong to the table [beside]."""
    table = tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))
    phrases = {folded(phrase) for phrase in table["words"]}
    assert phrases.isdisjoint(english_words().stop | english_words().common)
    assert [phrase for phrase in table["words"] if phrase != folded(phrase)] == []
    assert set(table["words"]).isdisjoint(table["beside"])


@pytest.mark.parametrize("name", TONGUES)
def test_findings_of_other_languages_are_read_as_known_terms(name: str) -> None:
    table = tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))
    read = {*table["words"].values(), *table["beside"].values()}
    assert {"pleural effusion", "lung", "left", "right", "without"} <= read
    assert len([text for text in read if packaged_lexicon().find(text, "findings")]) >= 15


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("B/L effusion w/o PTX", "bilateral effusion without pneumothorax (PTX)"),
        ("CXR", "chest radiograph (CXR)"),
        ("chest radiograph (CXR)", "chest radiograph (CXR)"),
        ("PE on CT", "pulmonary embolism on CT"),
        ("left PE on the chest film", "left pleural effusion on the chest film"),
        ("PE?", "pulmonary embolism or pleural effusion?"),
        ("mild DR of the retina", "mild diabetic retinopathy of the retina"),
        ("Dr Brown", "Dr Brown"),
        ("tell us more", "tell us more"),
        ("US of the breast", "ultrasound of the breast"),
        ("a nodule of 5 mm", "a nodule of 5 mm"),
        ("nothing short here", "nothing short here"),
    ],
)
def test_abbreviations(said: str, read: str) -> None:
    assert abbreviations().expanded(said) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("plueral efusion", "pleural effusion"),
        ("efussion", "effusion"),
        ("pnuemothorax", "pneumothorax"),
        ("neumothorax", "pneumothorax"),
        ("haemorrage", "haemorrhage"),
        ("bilatral", "bilateral"),
        ("Glacoma", "glaucoma"),
        ("metastasys", "metastasis"),
        ("cardiomegalie", "cardiomegaly"),
    ],
)
def test_misspelt_words_are_mended(typed: str, read: str) -> None:
    assert mended(f"no {typed}.", packaged_lexicon()) == (
        f"no {read}.",
        tuple((folded(a), b) for a, b in zip(typed.split(), read.split(), strict=True)),
    )


@pytest.mark.parametrize(
    "word",
    [
        "hyprechoic",  # as near to hypoechoic as to hyperechoic
        "unclear",  # an English word, not "nuclear"
        "patients",
        "mas",  # too short to tell
        "CD20",
        "zzzzzzzzzz",
        "effusions",
        "éffusiön-ish",
    ],
)
def test_what_is_not_mended(word: str) -> None:
    assert mended(word, packaged_lexicon()) == (word, ())


def test_words_of_the_records_are_no_mistakes() -> None:
    assert mended("efusion", packaged_lexicon(), {"efusion"}) == ("efusion", ())


@given(st.sampled_from(sorted(packaged_lexicon().words)))
def test_no_term_is_ever_mended_into_another(word: str) -> None:
    assert mended(word, packaged_lexicon())[1] == ()


@given(st.sampled_from(sorted(packaged_lexicon().names("findings"))), st.data())
def test_a_slip_never_makes_another_finding(name: str, data: st.DataObject) -> None:
    """One letter of a finding left out: the reading names that finding or leaves the word as typed."""
    place = data.draw(st.integers(0, len(name) - 1))
    typed = name[:place] + name[place + 1 :]
    read, corrections = mended(typed, packaged_lexicon())
    find = packaged_lexicon().find
    if corrections and not find(typed, "findings"):
        own = {term.name for part in (name, *name.split()) for term in find(part, "findings")}
        assert {term.name for term in find(read, "findings")} <= own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the same patient a year before", [TimeSaid("a year before", "earlier", 365)]),
        ("2 weeks later", [TimeSaid("2 weeks later", "later", 14)]),
        ("after 3 months", [TimeSaid("after 3 months", "later", 90)]),
        ("last month", [TimeSaid("last month", "earlier", 30)]),
        ("follow-up", [TimeSaid("follow-up", "later")]),
        ("compared with the prior study", [TimeSaid("compared with", ""), TimeSaid("prior", "earlier")]),
        ("9999 years ago", [TimeSaid("9999 years ago", "earlier", 150 * 365)]),
        ("a 60-year-old man, 60 years old", []),
    ],
)
def test_times(text: str, said: list[TimeSaid]) -> None:
    assert list(times_said(text)) == said


@given(st.text(max_size=200))
def test_any_text_is_cleaned_and_read(text: str) -> None:
    clean = cleaned(text)
    assert cleaned(clean) == clean
    assert clean.isprintable()
    assert len(folded(text)) == len(text.casefold())
    in_english(clean, ())
    abbreviations().expanded(clean)


def test_a_digest_tells_lexicons_apart() -> None:
    one, other = Lexicon({"findings": {"polyp": []}}), Lexicon({"findings": {"polyp": ["adenoma"]}})
    assert one.digest == Lexicon({"findings": {"polyp": []}}).digest != other.digest
    assert other.words == {"polyp", "adenoma"}


def test_words_that_are_terms_in_capitals_only() -> None:
    find = packaged_lexicon().find
    assert [term.name for term in find("US of the breast", "modalities")] == ["B-mode ultrasound"]
    assert find("contact us about a net gain", "modalities") == []
    assert find("contact us about a net gain", "findings") == []
