"""The assistant: finds evidence for a question, has a generator answer from it, checks the citations."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from PIL import Image

from app.answers import (
    Answer,
    DomainSeen,
    Done,
    Event,
    Evidence,
    EvidenceChosen,
    Stage,
    Stance,
    TextPiece,
    Turn,
    Verdict,
)
from app.asking import follow_up, parse_question
from app.citations import check_citations
from app.context import choose_context
from app.examples import examples_of
from app.generators.base import Generator, Piece, Prompt
from app.generators.registry import open_generator
from app.licences import weights_notice
from app.overview import CorpusOverview, Example, HomeOverview
from app.prompting import build_prompt
from app.settings import Settings, load_settings
from app.why import Why, why_of
from app.wiring import encoder_plan, open_home, open_retriever, prepare_process
from corpora.catalog import Catalog
from corpora.errors import IndexMissingError, InputError, SourceError, UnknownNameError
from corpora.images import ImageStore
from corpora.records import Record, Region
from retrievers.contrast import Contrast
from retrievers.found import Found
from retrievers.query import ImageSource, Query
from retrievers.retriever import Retriever

__all__ = ["Assistant"]

_CANDIDATES = 30


class Assistant:
    """Answers questions about pictures from the records of a home.

    Every method may be called from several threads. The retriever and the generator are opened with the first question,
    so that a page can be shown, and say what is missing, before a home is indexed.
    """

    def __init__(self, home: Path, settings: Settings) -> None:
        prepare_process(settings)
        self.settings = settings
        self.home = open_home(home, settings)
        self._catalog = Catalog.open(self.home.catalog_url)
        self._images = ImageStore(self.home.images)
        self._lock = threading.RLock()
        self._retriever: Retriever | None = None
        self._generator: Generator | None = None

    @classmethod
    def open(cls, home: str | Path, settings: Settings | None = None, **arguments: Any) -> Assistant:
        """An assistant on a home; `arguments` are settings that outweigh all others (`generator="vlm:…"`).

        Raises:
            SourceError: there is no home.
            SettingsError: a setting is wrong.
        """
        path = Path(home)
        return cls(path, settings or load_settings(path, arguments)[0])

    def close(self) -> None:
        """Give back the catalogue's connections."""
        self._catalog.close()
        if self._retriever is not None:
            self._retriever.close()

    def __enter__(self) -> Assistant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def retriever(self) -> Retriever:
        """The retriever of this home, opened once; raises `IndexMissingError` where nothing is indexed."""
        with self._lock:
            if self._retriever is None:
                self._retriever = open_retriever(self.home, self.settings, lambda: self.generator)
            return self._retriever

    @property
    def generator(self) -> Generator:
        """The generator that the settings name, opened once."""
        with self._lock:
            if self._generator is None:
                self._generator = open_generator(self.settings.generator, self.settings.device, self.home.path)
            return self._generator

    def warm(self) -> None:
        """Load what the first question needs, so that nobody waits for it; nothing happens without an index."""
        try:
            retriever = self.retriever
        except IndexMissingError:
            return
        blank = Image.new("RGB", (224, 224))
        retriever.route(Query(text="ready", images=[blank]))
        for domain in retriever.index.domains:
            retriever.search(Query(text="ready", images=[blank], domain=domain), 1)

    def ask(self, text: str = "", images: Sequence[ImageSource] = (), **options: Any) -> Answer:
        """The whole answer; options as in `stream`."""
        for event in self.stream(text, images, **options):
            if isinstance(event, Done):
                return event.answer
        raise AssertionError("a stream ends with Done")

    def stream(
        self,
        text: str = "",
        images: Sequence[ImageSource] = (),
        *,
        history: Sequence[Turn] = (),
        domain: str | None = None,
        corpora: Collection[str] | None = None,
        region: Region | None = None,
        patient: str = "",
        before: int | None = None,
        exclude: Collection[str] = (),
        exclude_patients: Collection[str] = (),
        groups: Collection[str] | None = None,
    ) -> Iterator[Event]:
        """The answer as events, `Done` last; closing the iterator stops the work behind it.

        Args:
            text: The question; empty asks what the pictures show.
            images: Pictures as paths, bytes or PIL images.
            history: Earlier turns; a question that continues one is searched for anew, with its words and pictures.
            domain: Search this domain whatever the router thinks.
            corpora: Only these corpora.
            region: The part of the first picture that is asked about; without pictures, of the question it continues.
            patient: The patient whose earlier studies count for `before`.
            before: Only studies before this day.
            exclude: Record ids that must not be evidence.
            exclude_patients: Patients none of whose records must be evidence.
            groups: Access groups of the asking person; None sees everything.

        Raises:
            QueryError: neither text nor picture.
            IndexMissingError: nothing is indexed yet.
        """
        yield Stage("reading the picture" if images else "reading the question")
        earlier, pictures = _continued(text, images, history, region)
        query = Query(
            text=_joined(text, earlier),
            images=pictures,
            region=region,
            patient=patient,
            before=before,
            exclude=exclude,
            exclude_patients=exclude_patients,
            corpora=corpora,
            domain=domain,
            groups=groups,
            question=True,
        )
        retriever = self.retriever
        routed = retriever.route(query)
        yield DomainSeen(routed)
        yield Stage(f"searching {', '.join(routed.searched)}" if routed.searched else "checking what this is")
        found = retriever.search(query, _CANDIDATES)
        evidence, selection = choose_context(found, bool(query.pictures), self.settings.context)
        read_as = retriever.read_as(text)
        yield EvidenceChosen(evidence, selection, read_as)
        question = _grounded(read_as or text, earlier)
        prompt = build_prompt(
            question,
            domain=self.home.domains.get(found.domain.name) if found.domain.name else None,
            found=found.domain,
            evidence=evidence,
            images=query.pictures,
            history=history,
            timeline=found.timeline,
        )
        if found.domain.name is None:
            yield from _whole(self._signed(_outside(found, prompt, self._manifest(found, prompt, None))))
            return
        yield Stage("writing")
        generator = self.generator
        last = Piece("")
        text_so_far = ""
        with closing(cast("Any", generator.stream(prompt))) as pieces:
            for piece in pieces:
                text_so_far += piece.text
                last = piece if piece.verdict is not None else last
                yield TextPiece(piece.text)
        manifest = self._manifest(found, prompt, generator)
        yield Done(self._signed(_answer(text_so_far, last, found, evidence, selection.reason, manifest)))

    def overview(self) -> HomeOverview:
        """What the home holds, counted."""
        counts = self._catalog.counts()
        drawn = {"teaching", "primer", "practice"}
        corpora = tuple(
            CorpusOverview(
                corpus.name,
                corpus.title or corpus.name,
                counts.get(corpus.name, {}).get("case", 0),
                counts.get(corpus.name, {}).get("figure", 0),
                counts.get(corpus.name, {}).get("passage", 0),
                corpus.licence,
                corpus.name in drawn,
            )
            for corpus in self._catalog.corpora()
        )
        try:
            index = self.retriever.index
            label, domains = index.manifest.label, index.domains
        except IndexMissingError:
            label, domains = "", ()
        return HomeOverview(
            self.home.path.name,
            corpora,
            label,
            self.settings.generator,
            self.settings.profile,
            domains,
            self._weights_notice(domains),
        )

    def examples(self) -> tuple[Example, ...]:
        """Up to three questions to try on this home."""
        return examples_of(self._catalog, self._images)

    def why(self, record: str, query: Query) -> Why:
        """Why a record matches a question, with maps over both pictures; takes some seconds.

        Raises:
            InputError: the record is not named as `corpus/id`.
            UnknownNameError: there is none that the question's access groups may see.
        """
        corpus, _, key = record.partition("/")
        if not key:
            raise InputError(f"{record!r} names no record; give corpus/id, as hits name it.")
        groups = None if query.groups is None else frozenset(query.groups)
        return why_of(self.retriever, query, self.record(corpus, key, groups))

    def contrast(
        self,
        text: str = "",
        images: Sequence[ImageSource] = (),
        *,
        history: Sequence[Turn] = (),
        domain: str | None = None,
        corpora: Collection[str] | None = None,
        region: Region | None = None,
    ) -> Contrast:
        """The nearest case that affirms the finding of a question, and the nearest that denies it; read as in `stream`.

        Raises:
            InputError: no finding is named, neither here nor in the question that this one continues.
        """
        earlier, pictures = _continued(text, images, history, region)
        query = Query(_grounded(text, earlier), pictures, region, corpora=corpora, domain=domain, question=True)
        return self.retriever.contrast(query)

    def record(self, corpus: str, key: str, groups: Collection[str] | None = None) -> Record:
        """One record; raises `UnknownNameError` where there is none that these access groups may see."""
        found = self._catalog.find(corpus, key)
        if not self._catalog.corpus(corpus).open_to(groups):
            raise UnknownNameError(f"record of corpus {corpus!r}", key, ())
        return found

    def picture(self, digest: str, size: int, groups: Collection[str] | None = None) -> bytes:
        """A JPEG of a record's picture, its longer side at most `size` pixels.

        Raises:
            SourceError: no record that these access groups may see has it, or its file is gone.
        """
        if not self._catalog.shows(digest, groups):
            raise SourceError(f"The picture {digest[:12]}… is not in this home.")
        return self._images.rendition(digest, size)

    def _weights_notice(self, domains: Iterable[str]) -> str:
        return weights_notice(encoder_plan(self.settings), domains, self.home.path)

    def _signed(self, answer: Answer) -> Answer:
        """The answer with what must be said beside it."""
        said = (answer.disclaimer, self._weights_notice(answer.domain.searched))
        return replace(answer, disclaimer=" ".join(part for part in said if part))

    def _manifest(self, found: Found, prompt: Prompt, generator: Generator | None) -> dict[str, Any]:
        """Everything that, with the same home, gives the same answer."""
        return {
            "index": found.index,
            "encoders": dict(found.encoders),
            "calibration": found.calibration or None,
            "domain": found.domain.name,
            "selection": found.selection.policy,
            "evidence": [f"{item.record.corpus}/{item.record.id}" for item in prompt.evidence],
            "prompt": prompt.digest,
            "generator": generator.spec if generator else None,
            "revision": generator.revision if generator else None,
            "seed": 0,
        }


def _continued(
    text: str, images: Sequence[ImageSource], history: Sequence[Turn], region: Region | None
) -> tuple[Turn | None, Sequence[ImageSource]]:
    """The earlier turn that a question continues, if any, and the pictures that it is about."""
    earlier = follow_up(text, bool(images), history, marked=region is not None)
    return earlier, images or (earlier.images if earlier else ())


def _joined(text: str, earlier: Turn | None) -> str:
    """What is searched for: a follow-up with the words of the question it continues, but "like this, …" by itself."""
    if earlier is None or parse_question(text, True).attribute == "likeness":
        return text
    return f"{earlier.question} {text}"


def _grounded(text: str, earlier: Turn | None) -> str:
    """A follow-up that names no finding inherits those of the question it continues."""
    if earlier is None:
        return text
    asked, before = parse_question(text, True), parse_question(earlier.question, True)
    if asked.findings or not before.findings or asked.attribute == "likeness":
        return text
    return f"{text.rstrip('?. ')} ({', '.join(before.findings)})?"


def _outside(found: Found, prompt: Prompt, manifest: dict[str, Any]) -> Answer:
    thing = "picture" if prompt.images else "question"
    text = (
        f"This {thing} is outside every domain that this home knows, so there is no medical answer. "
        f"{found.domain.reason} If it is a medical one, choose its domain by hand and ask again."
    )
    return Answer(text, "abstained", 0.0, found.domain, (), selection=found.selection.reason, manifest=manifest)


def _whole(answer: Answer) -> Iterator[Event]:
    yield TextPiece(answer.text)
    yield Done(answer)


def _answer(
    text: str, last: Piece, found: Found, evidence: Sequence[Evidence], selection: str, manifest: dict[str, Any]
) -> Answer:
    checked = check_citations(text, evidence)
    verdict = last.verdict or _read_verdict(text)
    confidence = last.confidence if last.confidence is not None else (0.5 if verdict != "abstained" else 0.0)
    return Answer(
        text=checked.text,
        verdict=cast("Verdict", verdict),
        confidence=confidence,
        domain=found.domain,
        evidence=tuple(
            Evidence(item.number, item.hit, cast("Stance", last.stances.get(item.number, item.stance)))
            for item in evidence
        ),
        selection=selection,
        unsupported=checked.unsupported,
        manifest=manifest,
    )


def _read_verdict(text: str) -> str:
    """Yes or no where the answer opens with just one of the words; whole words, since "no" is in "normal"."""
    words = [word.strip(".,:;!?*\"'()“”").casefold() for word in text.split()[:3]]
    said = {"yes", "no"} & set(words)
    return said.pop() if len(said) == 1 else "free"
