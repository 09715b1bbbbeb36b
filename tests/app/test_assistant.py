"""The assistant on homes without a fitted index; what it answers on a drawn home is in `tests/journeys`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.answers import DomainSeen, Done, EvidenceChosen, Stage, Turn
from app.assistant import Assistant, _grounded, _read_verdict
from app.generators.base import Capabilities, Piece, Prompt
from app.settings import load_settings
from corpora.catalog import Catalog, Corpus
from corpora.errors import IndexMissingError, InputError, QueryError, SettingsError, SourceError, UnknownNameError
from corpora.home import Home
from corpora.records import Region
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions, build_index
from retrievers.found import DomainFound
from retrievers.query import Query
from tests.conftest import fill, picture


class Scripted:
    """A generator that says what it is told to, and knows when it was closed."""

    spec, revision = "scripted", "1"
    capabilities = Capabilities(images=False, yes_no=False, max_tokens=9)

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.prompts: list[Prompt] = []
        self.closed = False

    def stream(self, prompt: Prompt) -> Iterator[Piece]:
        self.prompts.append(prompt)
        try:
            for piece in self.pieces:
                yield Piece(piece)
        finally:
            self.closed = True


class Somewhere:
    """A router that sends everything to one domain, or to none."""

    def __init__(self, name: str | None) -> None:
        self.name = name

    def route(self, query: Query, domains: object, text: str | None = None) -> DomainFound:
        if self.name is None:
            return DomainFound(None, 0.9, {}, (), "as the test says")
        return DomainFound(self.name, 0.9, {self.name: 0.9}, (self.name,), "as the test says")


def send(assistant: Assistant, name: str | None) -> None:
    """Every question goes to that domain, or to none."""
    published = assistant.retriever._published
    published.base_router = Somewhere(name)  # type: ignore[assignment]
    published._held = None


@pytest.fixture
def assistant(home: Home, tiny: EncoderPlan) -> Iterator[Assistant]:
    """An assistant on ten small cases, indexed with the tiny encoder."""
    fill(home, 10)
    build_index(home, "default", BuildOptions(plan=tiny))
    settings = load_settings(home.path, {"encoder": tiny.default, "sentence_encoder": tiny.sentence}, {})[0]
    with Assistant.open(home.path, settings) as assistant:
        send(assistant, "radiology")
        yield assistant


def test_without_a_home_and_without_an_index(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no home"):
        Assistant.open(tmp_path / "none")
    with Assistant.open(Home.create(tmp_path / "home").path) as assistant:
        overview = assistant.overview()
        assert (overview.index, overview.domains, overview.corpora) == ("", (), ())
        assert [one.image for one in assistant.examples()] == [None]
        with pytest.raises(IndexMissingError, match="curbside index build"):
            assistant.ask("What is a mass?")
        with pytest.raises(SourceError):
            assistant.picture("0" * 64, 100)


def test_arguments_are_settings(home: Home) -> None:
    with Assistant.open(home.path, generator="oracle") as assistant, pytest.raises(UnknownNameError, match="oracle"):
        _ = assistant.generator
    with pytest.raises(SettingsError, match="colour"):
        Assistant.open(home.path, colour="red")


def test_an_empty_question(assistant: Assistant) -> None:
    with pytest.raises(QueryError, match="give a text, a picture, or both"):
        assistant.ask()


def test_events_come_in_order_and_the_manifest_names_everything(assistant: Assistant) -> None:
    assistant._generator = Scripted("Yes, there is", " pleural effusion [1].")
    events = list(assistant.stream("Is there a pleural effusion?", [picture(0)]))
    names = [type(event).__name__ for event in events]
    assert names == ["Stage", "DomainSeen", "Stage", "EvidenceChosen", "Stage", "TextPiece", "TextPiece", "Done"]
    assert events[0] == Stage("reading the picture")
    assert isinstance(events[1], DomainSeen)
    done = events[-1]
    assert isinstance(done, Done)
    answer = done.answer
    assert (answer.verdict, answer.text) == ("yes", "Yes, there is pleural effusion [1].")
    assert answer.evidence[0].record.id == "case-0"
    assert answer.manifest["evidence"][0] == "small/case-0"
    assert (answer.manifest["generator"], answer.manifest["revision"]) == ("scripted", "1")
    assert len(answer.manifest["prompt"]) == 64


def test_what_the_evidence_does_not_hold_is_marked(assistant: Assistant) -> None:
    assistant._generator = Scripted("There is a pleural effusion [1]. There is a melanoma [1].")
    answer = assistant.ask("What does it show?", [picture(0)])
    assert answer.unsupported == ("There is a melanoma [1].",)
    assert answer.text.endswith("There is a melanoma [1]. (not supported by the evidence)")
    assert answer.verdict == "free"


def test_closing_the_stream_stops_the_generator(assistant: Assistant) -> None:
    generator = Scripted("one ", "two ", "three ")
    assistant._generator = generator
    stream = assistant.stream("What is a pleural effusion?")
    for event in stream:
        if type(event).__name__ == "TextPiece":
            break
    stream.close()  # type: ignore[attr-defined]
    assert generator.closed


def test_outside_every_domain_no_generator_is_asked(assistant: Assistant) -> None:
    generator = Scripted("Yes.")
    assistant._generator = generator
    send(assistant, None)
    answer = assistant.ask("Is there an effusion?", [picture(3)], exclude=["case-3"])  # which the home knows otherwise
    assert (answer.verdict, answer.evidence, generator.prompts) == ("abstained", (), [])
    assert "outside every domain" in answer.text


def test_a_follow_up_brings_picture_and_finding_along(assistant: Assistant) -> None:
    generator = Scripted("Left.")
    assistant._generator = generator
    history = [Turn("Is there a pleural effusion?", "Yes.", (picture(0),))]
    answer = assistant.ask("On which side is it?", history=history)
    (prompt,) = generator.prompts
    assert len(prompt.images) == 1
    assert prompt.question == "On which side is it (pleural effusion)?"
    assert prompt.history == tuple(history)
    assert answer.evidence[0].record.id == "case-0"


def test_a_follow_up_can_be_about_a_part_of_the_picture_before(assistant: Assistant) -> None:
    generator = Scripted("A nodule.")
    assistant._generator = generator
    history = [Turn("Is there a pleural effusion?", "Yes.", (picture(0),))]
    assistant.ask("What is a nodule?", history=history, region=Region(2, 3, 12, 9))
    (shown,) = generator.prompts[0].images
    assert shown.size == (10, 6)


@pytest.mark.parametrize(
    ("text", "earlier", "question"),
    [
        ("On which side?", "Is there a mass?", "On which side (mass)?"),
        ("Is it a melanoma?", "Is there a mass?", "Is it a melanoma?"),
        ("Why?", "What is this?", "Why?"),
    ],
)
def test_a_follow_up_without_a_finding_inherits_one(text: str, earlier: str, question: str) -> None:
    assert _grounded(text, Turn(earlier, "…")) == question
    assert _grounded(text, None) == text


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Yes, there is.", "yes"),
        ("**No**: the lungs are clear.", "no"),
        ("Normal heart.", "free"),
        ("Yes or no?", "free"),
        ("I do not know.", "free"),
        ("", "free"),
    ],
)
def test_a_verdict_is_read_from_whole_words(text: str, verdict: str) -> None:
    assert _read_verdict(text) == verdict


def test_a_misspelt_question_is_read_in_plain_english(assistant: Assistant) -> None:
    generator = Scripted("Yes.")
    assistant._generator = generator
    events = list(assistant.stream("kya fefde mein pani hai?", [picture(0)]))
    (chosen,) = [event for event in events if isinstance(event, EvidenceChosen)]
    assert chosen.read_as == "is there pleural effusion?"
    assert generator.prompts[0].question == chosen.read_as
    plain = list(assistant.stream("Is there a pleural effusion?", [picture(0)]))
    assert [event.read_as for event in plain if isinstance(event, EvidenceChosen)] == [""]


def test_both_sides_of_a_question_and_of_its_follow_up(assistant: Assistant) -> None:
    both = assistant.contrast("Is there a pleural effusion?", [picture(0)])
    assert both.finding == "pleural effusion"
    assert both.affirming is not None
    assert both.affirming.record.id == "case-0"
    history = [Turn("Is there a pleural effusion?", "Yes.", (picture(0),))]
    assert assistant.contrast("On which side is it?", history=history) == both
    assert assistant.contrast("And a pneumothorax?", history=history).finding == "pneumothorax"
    with pytest.raises(InputError, match="names no finding"):
        assistant.contrast("What is this?", [picture(0)])


def test_maps_between_a_question_and_a_record(assistant: Assistant) -> None:
    told = assistant.why("small/case-0", Query("pleural effusion", [picture(0)]))
    assert told.explanation.record == "small/case-0"
    assert told.explanation.found_by
    both = told.maps
    assert [one.title for one in both] == [
        "your picture, against this one", "this picture, against yours", "this picture, against your words",
    ]  # fmt: skip
    assert both[0].cosine == pytest.approx(1.0, abs=0.01)
    assert both[0].jpeg.startswith(b"\xff\xd8")
    assert len(assistant.why("small/case-1", Query("effusion")).maps) == 1
    with pytest.raises(UnknownNameError):
        assistant.why("small/none", Query("effusion"))
    with pytest.raises(QueryError):
        assistant.why("small/case-1", Query())


def test_pictures_and_records_go_with_their_corpus(assistant: Assistant) -> None:
    one = assistant.record("small", "case-0")
    digest = one.pictures[0].digest
    assert assistant.picture(digest, 100, groups=["guests"])[:2] == b"\xff\xd8"
    with Catalog.open(assistant.home.catalog_url) as catalog:
        catalog.put_corpus(Corpus("small", groups=("staff",)))
        assert assistant.picture(digest, 100, groups=["staff"])
        assert assistant.why("small/case-0", Query("effusion", groups=["staff"]))
        for refused in (
            lambda: assistant.picture(digest, 100, groups=["guests"]),
            lambda: assistant.record("small", "case-0", groups=["guests"]),
            lambda: assistant.why("small/case-0", Query("effusion", groups=["guests"])),
        ):
            with pytest.raises((SourceError, UnknownNameError)):
                refused()
        catalog.remove("small", "case-0")
    with pytest.raises(SourceError, match="not in this home"):
        assistant.picture(digest, 100)


def test_a_case_that_must_differ_is_not_put_to_the_vote(assistant: Assistant) -> None:
    """Cases chosen for a finding all show it: that says nothing of the picture."""
    history = [Turn("Is there a pleural effusion?", "Yes.", (picture(0),))]
    for answer in (
        assistant.ask("like this, but with pneumothorax", [picture(0)]),
        assistant.ask("like this, but with pneumothorax", history=history),
    ):
        assert answer.verdict == "free"
        assert "nearest to what was asked for" in answer.text
        assert answer.evidence[0].record.labels == ("pneumothorax",)
        assert not answer.text.startswith("Yes")
        assert answer.unsupported == ()
