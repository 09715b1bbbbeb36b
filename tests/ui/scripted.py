"""An assistant that follows a script: the double that the page is tested and looked at with."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Event as Flag

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

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
from app.overview import CorpusOverview, Example, HomeOverview
from app.why import ShownMap, Why
from corpora.errors import InputError, ModelError, SourceError, UnknownNameError
from corpora.records import Kind, Licence, Picture, Record, Region
from retrievers.contrast import Contrast
from retrievers.explain import Explanation
from retrievers.found import DomainFound, Hit, Selection
from retrievers.query import ImageSource, Query

LICENCE = Licence("CC0-1.0", "open", attribution="Curbside teaching corpus")
DOMAINS = ("dermatology", "ophthalmology", "pathology", "radiology", "ultrasound")


def png(side: int = 320, effusion: bool = True) -> bytes:
    """Something like a chest film: two dark fields, one of them filled at its base."""
    image = Image.new("L", (side, side), 185)
    draw = ImageDraw.Draw(image)
    for left in (0.14, 0.54):
        draw.ellipse([side * left, side * 0.12, side * (left + 0.32), side * 0.9], fill=45)
    if effusion:
        draw.rectangle([side * 0.1, side * 0.68, side * 0.48, side], fill=195)
    noise = np.random.default_rng(7).normal(0, 6, (side, side))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(side / 40)), dtype=float) + noise
    return _bytes(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))


def diagram(width: int = 480, height: int = 320) -> bytes:
    """A line drawing, for the textbook figure."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.arc([40, 20, width - 40, height * 2], 200, 340, fill="black", width=4)
    draw.line([60, height - 70, width - 60, height - 40], fill="steelblue", width=6)
    draw.text((width // 2 - 40, height - 30), "fluid level", fill="black")
    return _bytes(image)


def _bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {hashlib.sha256(data).hexdigest(): data for data in (png(), png(effusion=False), diagram())}
WITH, WITHOUT, FIGURE = PICTURES


def evidence(number: int, kind: Kind, title: str, report: str, sentence: str, stance: Stance, digest: str) -> Evidence:
    """A numbered record as a search would have found it."""
    picture = (Picture(digest=digest, width=320, height=320, view="frontal"),) if digest else ()
    domain = "textbook" if kind != "case" else "radiology"
    record = Record(
        id=f"{kind}-{number:03}",
        corpus="teaching" if kind == "case" else "primer",
        kind=kind,
        domain=domain,
        modality="chest radiograph" if kind == "case" else "",
        title=title,
        report=report,
        caption="" if kind != "figure" else "Fluid gathers first in the costophrenic angle and draws a meniscus.",
        pictures=picture,
        licence=LICENCE,
        drawn=kind != "passage",
    )
    ranks = {f"{domain} image→image": number, f"{domain} lexical": number + 2}
    if not picture:
        ranks = {f"{domain} text→text": number}
    similarities = {name: 7.4 if "lexical" in name else 0.93 - 0.05 * number for name in ranks}
    return Evidence(number, Hit(record, 1.0 / number, ranks, similarities, sentence), stance)


EVIDENCE = (
    evidence(
        1,
        "case",
        "Chest radiograph, right pleural effusion",
        "Frontal chest radiograph. There is blunting of the right costophrenic angle. The heart is of normal size. "
        "No pneumothorax.\n\nImpression: small right pleural effusion.",
        "There is blunting of the right costophrenic angle.",
        "supports",
        WITH,
    ),
    evidence(
        2,
        "case",
        "Chest radiograph, clear lungs",
        "Frontal chest radiograph. Both costophrenic angles are sharp. No effusion. <script>window.hacked = 1</script>",
        "No effusion.",
        "refutes",
        WITHOUT,
    ),
    evidence(
        3,
        "figure",
        "How an effusion is seen",
        "",
        "Fluid gathers first in the costophrenic angle and draws a meniscus.",
        "background",
        FIGURE,
    ),
    evidence(
        4,
        "passage",
        "Pleural fluid on the upright film",
        "About 200 ml of fluid are needed before the lateral angle is blunted on an upright film. Smaller amounts are "
        "better seen by ultrasound.",
        "About 200 ml of fluid are needed before the lateral angle is blunted on an upright film.",
        "background",
        "",
    ),
)
SELECTION = Selection("gap", 4, 12, "4 of 12 found were used: the rest fell below the relevance threshold.")
TEXT = (
    "Blunting of the right costophrenic angle, as in [1]; fluid draws this meniscus [3]. A similar case without it "
    "is [2]. About 200 ml are needed before it shows [4].\n\nSmall effusions can be missed on one frontal film [9]."
)


def answer(text: str = TEXT, verdict: Verdict = "yes", confidence: float = 0.91, **more: object) -> Answer:
    """The scripted answer, with other values where they are given."""
    values: dict[str, object] = {"domain": domain(), "evidence": EVIDENCE, "selection": SELECTION.reason, **more}
    return Answer(text, verdict, confidence, **values)  # type: ignore[arg-type]


def domain(name: str | None = "radiology", probability: float = 0.98) -> DomainFound:
    """The domain found."""
    reason = "The picture is close to no domain." if name is None else f"The picture looks like {name}."
    return DomainFound(name, probability, {} if name is None else {name: probability}, (name or "",), reason)


@dataclass
class Scripted:
    """Answers by key words: "outside", "abstain", "bug", "error", "slow"; everything else is the effusion."""

    index: str = "default v3"
    pause: float = 0.0
    asked: list[dict[str, object]] = field(default_factory=list)
    closed: Flag = field(default_factory=Flag)

    def stream(
        self,
        text: str = "",
        images: Sequence[ImageSource] = (),
        *,
        history: Sequence[Turn] = (),
        domain: str | None = None,
        corpora: Collection[str] | None = None,
        region: Region | None = None,
    ) -> Iterator[Event]:
        self.asked.append(
            {
                "text": text,
                "images": tuple(images),
                "history": tuple(history),
                "domain": domain,
                "corpora": corpora,
                "region": region,
            }
        )
        return self._events(text, domain)

    def _events(self, text: str, asked_domain: str | None) -> Iterator[Event]:
        yield Stage("reading the picture")
        self._wait()
        if "error" in text:
            raise ModelError("The generator server:http://127.0.0.1:9 does not answer; start it, or choose another.")
        if "bug" in text:
            raise ZeroDivisionError("a bug")
        if "outside" in text:
            yield from self._outside()
            return
        found = domain(asked_domain or "radiology", 1.0 if asked_domain else 0.98)
        yield DomainSeen(found)
        yield Stage(f"searching {found.name}")
        self._wait()
        if "abstain" in text:
            yield from self._abstained(found)
            return
        yield EvidenceChosen(EVIDENCE, SELECTION)
        yield Stage("writing")
        yield from self._written(1000 if "slow" in text else 1)
        yield Done(answer(domain=found))

    def _written(self, times: int) -> Iterator[Event]:
        try:
            for _ in range(times):
                for word in TEXT.split(" "):
                    self._wait(0.05 if times > 1 else 0.0)
                    yield TextPiece(word + " ")
        except GeneratorExit:
            self.closed.set()
            raise

    def _outside(self) -> Iterator[Event]:
        found = domain(None, 0.12)
        yield DomainSeen(found)
        text = (
            "This picture does not look like any medical picture this home knows, so no medical answer is given. "
            "Nearest similarity 0.21. A radiograph, an ultrasound image, a fundus photograph, a dermoscopy or a "
            "histology picture would help."
        )
        yield Done(answer(text, "abstained", 0.0, domain=found, evidence=(), selection=""))

    def _abstained(self, found: DomainFound) -> Iterator[Event]:
        text = (
            "No chest radiograph in these corpora is close enough to decide this; the nearest has a similarity "
            "of 0.41 [1]. A sharper picture or another view would help."
        )
        yield EvidenceChosen(EVIDENCE[:1], Selection("gap", 1, 12, "1 of 12 found was used."))
        yield Done(answer(text, "abstained", 0.41, domain=found, evidence=EVIDENCE[:1], selection="1 of 12 was used."))

    def _wait(self, seconds: float | None = None) -> None:
        time.sleep(self.pause if seconds is None else seconds)

    def overview(self) -> HomeOverview:
        return HomeOverview(
            name="teaching",
            corpora=(
                CorpusOverview("teaching", "Drawn teaching cases", 312, 0, 0, LICENCE, True),
                CorpusOverview("primer", "Illustrated primer", 0, 48, 131, LICENCE, True),
            ),
            index=self.index,
            generator="evidence",
            profile="embedded",
            domains=DOMAINS,
        )

    def examples(self) -> tuple[Example, ...]:
        return (
            Example("Is there a pleural effusion?", png(), "Chest radiograph"),
            Example("Is there a pleural effusion?", png(effusion=False), "Its twin"),
            Example("What does a pleural effusion look like on an upright film?", None, "From the primer"),
        )

    def why(self, record: str, query: Query) -> Why:
        if record.endswith("gone"):
            raise UnknownNameError("record", record, ())
        image = next(iter(query.pictures), None)
        titles = [f"asked with a picture of {image.size if image else 0}", f"asked “{query.text}”"]
        told = Record(record.partition("/")[2], record.partition("/")[0], "case", "radiology")
        return Why(told, Explanation(record, (), ""), tuple(ShownMap(title, png(), 0.5) for title in titles))

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
        self.asked.append({"text": text, "images": tuple(images), "history": tuple(history), "region": region})
        if "outside" in text:
            return Contrast("pleural effusion", None, None, 0, "The picture is close to no domain.")
        if "effusion" not in text:
            raise InputError("The question names no finding; say which one is to be contrasted.")
        affirming = replace(EVIDENCE[0].hit, record=replace(EVIDENCE[0].record, id="case-9", title="Another effusion"))
        return Contrast("pleural effusion", affirming, None if "only" in text.lower() else EVIDENCE[1].hit, 48)

    def picture(self, digest: str, size: int, groups: Collection[str] | None = None) -> bytes:
        if digest not in PICTURES:
            raise SourceError(f"The picture {digest[:12]}… is not in this home.")
        image = Image.open(io.BytesIO(PICTURES[digest])).convert("RGB")
        image.thumbnail((size, size))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG")
        return buffer.getvalue()
