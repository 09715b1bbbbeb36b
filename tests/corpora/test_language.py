"""What can be known of a text without a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.language import Lexicon, assertions, packaged_lexicon, sentences, visible_findings

# A sentence as reports have it, and every finding it speaks of: + affirmed, - denied, ? uncertain.
SAID = [
    ("There is a large right pleural effusion.", "+pleural effusion"),
    ("No pleural effusion.", "-pleural effusion"),
    ("No effusion, pneumothorax or consolidation.", "-pleural effusion -pneumothorax -consolidation"),
    ("No focal consolidation, pleural effusion, or pneumothorax.", "-consolidation -pleural effusion -pneumothorax"),
    ("There is no evidence of pneumothorax.", "-pneumothorax"),
    ("There is no pleural effusion or pneumothorax.", "-pleural effusion -pneumothorax"),
    ("Without pneumothorax.", "-pneumothorax"),
    ("Negative for fracture.", "-fracture"),
    ("Free of consolidation.", "-consolidation"),
    ("Neither effusion nor pneumothorax is seen.", "-pleural effusion -pneumothorax"),
    ("Absence of pleural effusion.", "-pleural effusion"),
    ("The CT rules out pulmonary embolism.", "-pulmonary embolism"),
    ("Cannot exclude pneumothorax.", "?pneumothorax"),
    ("A small pneumothorax cannot be excluded.", "?pneumothorax"),
    ("Pneumonia is not excluded.", "?pneumonia"),
    ("Early pneumonia cannot be ruled out.", "?pneumonia"),
    ("Cannot rule out fracture.", "?fracture"),
    ("Possible consolidation at the left base.", "?consolidation"),
    ("Findings are suspicious for melanoma.", "?melanoma"),
    ("This may represent pneumonia.", "?pneumonia"),
    ("Questionable pulmonary nodule.", "?pulmonary nodule"),
    ("Opacity concerning for pneumonia.", "+opacity ?pneumonia"),
    ("Cardiomegaly is likely.", "?cardiomegaly"),
    ("Suggestive of pulmonary edema.", "?pulmonary edema"),
    ("The pleural effusion has resolved.", "-pleural effusion"),
    ("Effusions have resolved.", "-pleural effusion"),
    ("The pneumothorax is no longer seen.", "-pneumothorax"),
    ("Pleural effusion is not seen.", "-pleural effusion"),
    ("Pneumothorax: absent.", "-pneumothorax"),
    ("Pleural effusion not identified.", "-pleural effusion"),
    ("Fracture is ruled out.", "-fracture"),
    ("No fracture, but there is a pleural effusion.", "-fracture +pleural effusion"),
    ("Cardiomegaly without pleural effusion.", "+cardiomegaly -pleural effusion"),
    ("Consolidation with pleural effusion.", "+consolidation +pleural effusion"),
    ("No consolidation; small pleural effusion.", "-consolidation +pleural effusion"),
    ("The lungs are clear.", "-consolidation -pulmonary edema -pulmonary nodule -pneumonia"),
    ("Heart size is normal.", "-cardiomegaly +normal"),
    ("The heart is not enlarged.", "-cardiomegaly"),
    ("The costophrenic angles are sharp.", "-pleural effusion"),
    ("Drusen are present.", "+drusen"),
    ("No drusen or retinal hemorrhage.", "-drusen -retinal hemorrhage"),
    ("Pigment network and streaks, no blue-white veil.", "+pigment network +streaks -blue-white veil"),
    ("Pleural effusion nahi hai.", "-pleural effusion"),
    ("Sin derrame, no pleural effusion.", "-pleural effusion"),
    ("Kein Befund.", ""),
    ("No change in the pleural effusion.", "+pleural effusion"),
    ("No significant change in cardiomegaly.", "+cardiomegaly"),
    ("Not only consolidation but also pleural effusion.", "+consolidation +pleural effusion"),
    ("Unlikely to be pneumonia.", "?pneumonia"),
    ("Pneumonia is unlikely.", "?pneumonia"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "expected"), SAID, ids=[sentence for sentence, _ in SAID])
def test_polarity_of_real_sentences(sentence: str, expected: str) -> None:
    signs = {"affirmed": "+", "denied": "-", "uncertain": "?"}
    found = {signs[said.polarity] + said.finding for said in assertions(sentence)}
    wanted = {
        part.strip() for part in expected.replace(" +", "\n+").replace(" -", "\n-").replace(" ?", "\n?").split("\n")
    }
    assert found == wanted - {""}


@pytest.mark.parametrize(
    ("sentence", "side", "severity"),
    [
        ("Large right pleural effusion.", "right", "large"),
        ("Tiny left-sided pneumothorax.", "left", "small"),
        ("Bilateral pleural effusions.", "bilateral", ""),
        ("Consolidation on the right and on the left.", "bilateral", ""),
        ("Pneumothorax on both sides.", "bilateral", ""),
        ("Drusen, OD.", "right", ""),
        ("Moderate cardiomegaly.", "", "moderate"),
    ],
)
def test_sides_and_severities(sentence: str, side: str, severity: str) -> None:
    said = next(assertions(sentence))
    assert (said.side, said.severity) == (side, severity)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One.", ["One."]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Seen by Dr. Who. Next.", ["Seen by Dr. Who.", "Next."]),
        ("A nodule of 3.5 cm. No change.", ["A nodule of 3.5 cm.", "No change."]),
        ("See Fig. 3 for it.", ["See Fig. 3 for it."]),
        ("First line\nSecond line", ["First line", "Second line"]),
        ("Effusion; No pneumothorax", ["Effusion;", "No pneumothorax"]),
        ("  spaces   inside  ", ["spaces inside"]),
        ("lower case. stays together.", ["lower case. stays together."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert all(sentence.strip() == sentence != "" for sentence in sentences(text))
    list(assertions(text))
    visible_findings(text)


@pytest.mark.parametrize(
    ("report", "kept"),
    [
        ("Right effusion.", "Right effusion."),
        ("History: cough. Findings: Right effusion.", "Right effusion."),
        ("INDICATION: Fever.\nFINDINGS: Left consolidation.\nIMPRESSION: Pneumonia.", "Left consolidation. Pneumonia."),
        ("A 60-year-old man presented with pain. Fracture of the rib.", "Fracture of the rib."),
        ("Cardiomegaly. Compared with the prior study it is larger.", "Cardiomegaly."),
        ("Findings: Effusion.\nRecommendation: CT in 3 months.", "Effusion."),
        ("Mass in the breast. Biopsy is advised.", "Mass in the breast."),
        ("", ""),
    ],
)
def test_visible_findings(report: str, kept: str) -> None:
    assert visible_findings(report) == kept


def test_terms_are_found_longest_first_on_whole_words() -> None:
    lexicon = packaged_lexicon()
    assert [term.name for term in lexicon.find("pleural effusions, not massively", "findings")] == ["pleural effusion"]
    assert lexicon.canonical("Hydropneumothorax of Mars") == "hydropneumothorax of mars"
    assert lexicon.find("anything", "no such kind") == []


@given(st.sampled_from(sorted(packaged_lexicon().names("findings"))))
def test_every_canonical_finding_is_found_under_its_own_name(name: str) -> None:
    found = [term.name for term in packaged_lexicon().find(name, "findings")]
    assert found == [packaged_lexicon().canonical(name)]


def test_a_lexicon_of_ones_own() -> None:
    lexicon = Lexicon({"findings": {"polyp": ["adenoma"]}, "denies": {"mucosa is clean": ["polyp"]}})
    assert [(a.finding, a.polarity) for a in assertions("The mucosa is clean. An adenoma.", lexicon)] == [
        ("polyp", "denied"),
        ("polyp", "affirmed"),
    ]
