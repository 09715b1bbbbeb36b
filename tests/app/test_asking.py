"""Questions as people ask them."""

from __future__ import annotations

import pytest

from app.answers import Turn
from app.asking import follow_up, parse_question

PRESENCE = {
    "Is there a pleural effusion?": "pleural effusion",
    "Is there any effusion?": "pleural effusion",
    "IS THERE A PLEURAL EFFUSION": "pleural effusion",
    "Isn't there an effusion?": "pleural effusion",
    "Is there evidence of a pneumothorax?": "pneumothorax",
    "Does this radiograph show a fracture?": "fracture",
    "Does the image show consolidation?": "consolidation",
    "Do you see cardiomegaly?": "cardiomegaly",
    "Is the heart enlarged?": "cardiomegaly",
    "Is cardiomegaly present?": "cardiomegaly",
    "Are there B-lines?": "b-line",
    "Are B lines visible in this scan?": "b-line",
    "Has the patient got a pacemaker?": "pacemaker",
    "Can you see a nodule in the lung?": "pulmonary nodule",
    "Could this be a melanoma?": "melanoma",
    "Would you call this a melanoma": "melanoma",
    "Is it malignant?": "malignant",
    "Any hemorrhage?": "hemorrhage",
    "any sign of glaucoma": "glaucoma",
    "And is there a pneumothorax?": "pneumothorax",
    "So, is there an effusion?": "pleural effusion",
    "pleural effusion?": "pleural effusion",
    "Pneumothorax": "pneumothorax",
    "Are there drusen?": "drusen",
    "Is this scan normal?": "normal",
    "Is the film abnormal?": "abnormal",
    "Anything abnormal?": "abnormal",
    "Is there midline shift?": "midline shift",
    "Was there a rib fracture?": "rib fracture",
    "Is there malaria in this smear?": "malaria",
    "Do the cells look like sickle cells?": "sickle cell",
    "Please tell me whether there is an effusion.": "pleural effusion",
    "Can you tell me if there is a pneumothorax?": "pneumothorax",
    "Tell me if you see a fracture": "fracture",
    "Doctor, is there a pleural effusion?": "pleural effusion",
    "In this image, is there a pleural effusion?": "pleural effusion",
}
OPEN = {
    "side": (
        "Which side is the effusion on?",
        "On which side is it?",
        "Where is the lesion?",
        "Is the effusion on the left or the right side?",
        "Is it left or right?",
        "Which lung is affected?",
        "What side is the pneumothorax?",
        "Which lobe is consolidated?",
    ),
    "severity": (
        "How large is it?",
        "How large is the effusion?",
        "How big is the nodule?",
        "How severe is the edema?",
        "How bad is it?",
        "What is the size of the pneumothorax?",
        "What grade is the steatosis?",
        "Is the effusion large or small?",
        "Is it severe or mild?",
    ),
    "modality": (
        "What kind of image is this?",
        "What type of scan is this?",
        "What imaging modality is this?",
        "How was this picture taken?",
        "What imaging technique was used?",
        "Is this a CT or an MRI?",
    ),
    "eye": (
        "Which eye is this?",
        "What eye is shown?",
        "Is this the left or right eye?",
        "Is it a right or a left eye?",
    ),
    "diagnosis": (
        "",
        "What is the diagnosis?",
        "What is the most likely diagnosis?",
        "What do you see?",
        "What does this radiograph show?",
        "What is shown in this picture?",
        "What is this?",
        "What's wrong with this patient?",
        "Describe the findings.",
        "What are the main findings?",
        "What abnormalities are seen?",
        "What kind of lesion is this?",
        "Which disease is this?",
        "What could this be?",
        "Interpret this film.",
        "Is the lesion benign or malignant?",
    ),
    "explanation": (
        "What is a pleural effusion?",
        "What are B-lines?",
        "How does a pneumothorax look on a radiograph?",
        "Why is the heart enlarged in heart failure?",
        "What causes cardiomegaly?",
        "How do I tell drusen from exudates?",
        "Explain the ABCD rule.",
        "What is the difference between a cyst and a fibroadenoma?",
        "How is malaria diagnosed?",
    ),
}


@pytest.mark.parametrize(("text", "finding"), PRESENCE.items())
def test_yes_or_no_about_a_finding(text: str, finding: str) -> None:
    asked = parse_question(text, with_pictures=True)
    assert (asked.closed, asked.findings, asked.attribute) == (True, (finding,), "presence")


@pytest.mark.parametrize(("attribute", "text"), [(name, text) for name, texts in OPEN.items() for text in texts])
def test_open_questions(attribute: str, text: str) -> None:
    asked = parse_question(text, with_pictures=True)
    assert (asked.closed, asked.attribute) == (False, attribute)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [("Is this a CT scan?", "modality"), ("Is this an x-ray?", "modality"), ("Is this the right eye?", "eye")],
)
def test_yes_or_no_about_something_else(text: str, attribute: str) -> None:
    asked = parse_question(text, with_pictures=True)
    assert (asked.closed, asked.findings, asked.attribute) == (True, (), attribute)


@pytest.mark.parametrize(
    ("text", "side", "severity"),
    [
        ("Is there a left pleural effusion?", "left", ""),
        ("Is the pleural effusion on the right?", "right", ""),
        ("Are there effusions on both sides?", "bilateral", ""),
        ("Is there a large pneumothorax?", "", "large"),
        ("Is there an effusion?", "", ""),
        ("Which side is the left effusion on?", "", ""),
    ],
)
def test_what_a_closed_question_presumes(text: str, side: str, severity: str) -> None:
    asked = parse_question(text, with_pictures=True)
    assert (asked.side, asked.severity) == (side, severity)


@pytest.mark.parametrize(
    ("text", "joined", "leads"),
    [
        ("Is there a pneumothorax or an effusion?", "or", True),
        ("Is there a pneumothorax and an effusion?", "and", True),
        ("Is there calcification in the mass?", "", True),
        ("Does the mass contain calcifications?", "", False),
        ("Does the media opacity suggest a cataract?", "", False),
    ],
)
def test_several_findings_in_one_question(text: str, joined: str, leads: bool) -> None:
    asked = parse_question(text, with_pictures=True)
    assert asked.closed
    assert len(asked.findings) == 2
    assert (asked.joined, asked.leads) == (joined, leads)


def test_without_a_picture_nothing_is_asked_of_one() -> None:
    assert parse_question("What is the diagnosis?", with_pictures=False).attribute == "explanation"
    assert parse_question("", with_pictures=False).attribute == "explanation"


EFFUSION = Turn("Is there an effusion?", "Yes.", (b"picture",))
IN_WORDS = Turn("What are B-lines?", "Rays.")


@pytest.mark.parametrize(
    ("text", "has_pictures", "history", "continues"),
    [
        ("On which side is it?", False, [EFFUSION], True),
        ("And is there a pneumothorax?", False, [EFFUSION], True),
        ("How large?", False, [EFFUSION], True),
        ("Why?", False, [EFFUSION], True),
        ("What is a melanoma?", False, [EFFUSION], False),
        ("What causes them?", False, [IN_WORDS], True),
        ("Is there a pneumothorax?", False, [IN_WORDS], False),
        ("On which side is it?", True, [EFFUSION], False),
        ("On which side is it?", False, [], False),
        ("", False, [EFFUSION], False),
    ],
)
def test_which_questions_continue_the_last_one(
    text: str, has_pictures: bool, history: list[Turn], continues: bool
) -> None:
    assert follow_up(text, has_pictures, history) == (history[-1] if continues else None)


def test_a_marked_part_is_of_the_last_picture() -> None:
    assert follow_up("What is a melanoma?", False, [EFFUSION], marked=True) is EFFUSION
    assert follow_up("Is there a pneumothorax?", False, [IN_WORDS], marked=True) is None


def test_a_follow_up_continues_the_newest_turn() -> None:
    assert follow_up("And its size?", False, [IN_WORDS, EFFUSION]) is EFFUSION


def test_what_must_differ_is_no_question_about_the_picture() -> None:
    asked = parse_question("like this, but with cardiomegaly", True)
    assert (asked.attribute, asked.closed, asked.findings) == ("likeness", False, ("cardiomegaly",))
    assert parse_question("Is there cardiomegaly?", True).attribute == "presence"
