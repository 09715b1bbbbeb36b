"""The page's own HTML, from templates that escape everything they are given."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.answers import DISCLAIMER, Evidence, Stance
from app.overview import Example, HomeOverview
from retrievers.contrast import Contrast
from retrievers.found import Hit
from ui.chat.cited_text import cited_html
from ui.chat.conversations import Conversation
from ui.chat.exchange import Exchange, Marked
from ui.chat.wording import confidence, counts, list_ranks, modality, reasons, verdict
from ui.counting import counted

__all__ = [
    "about",
    "contrast",
    "corpora_table",
    "dialog",
    "empty",
    "exchange_html",
    "gallery",
    "head",
    "header",
    "history",
    "part",
    "part_dialog",
    "past_html",
]

_MOST_FIGURES = 3
_PACKAGES = ("curbside", "gradio", "torch", "transformers", "open-clip-torch", "faiss-cpu", "faiss-gpu")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ui.chat"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        confidence=confidence,
        counted=counted,
        disclaimer=DISCLAIMER,
        list_ranks=list_ranks,
        parts=_parts,
        verdict=verdict,
    )
    return environment


def _render(template: str, **values: object) -> str:
    return _templates().get_template(template).render(**values)


def head() -> str:
    """What belongs into the document's head: our own style sheet and script."""
    return _render("head.html")


def header(overview: HomeOverview) -> str:
    """The strip at the top: name, home, counts, index, what this is not."""
    return _render("header.html", overview=overview, counts=counts(overview))


def dialog() -> str:
    """The empty dialog in which evidence is shown large."""
    return _render("dialog.html")


def part(marked: Marked | None, problem: str = "") -> str:
    """Above the question's box: the part of the picture that is asked about, and how to mark one."""
    return _render("part.html", marked=marked, problem=problem)


def part_dialog() -> str:
    """The dialog in which the part that is asked about is marked."""
    return _render("part_dialog.html")


def empty(overview: HomeOverview | None, examples: Sequence[Example] = (), problem: str = "") -> str:
    """The conversation before the first question: examples, or what is to be done first.

    `overview` is None where the home cannot be read; `problem` then says why.
    """
    pictures = [
        f"data:image/png;base64,{base64.b64encode(example.image).decode('ascii')}" if example.image else ""
        for example in examples
    ]
    return _render(
        "empty.html", overview=overview, examples=list(zip(examples, pictures, strict=True)), problem=problem
    )


def exchange_html(exchange: Exchange, number: int, *, domains: Sequence[str] = (), last: bool = True) -> str:
    """A question and its answer; the `last` one can be asked again, in one of the `domains`."""
    numbers = {item.number for item in exchange.evidence}
    domain = exchange.domain.name if exchange.domain else None
    return _render(
        "exchange.html",
        exchange=exchange,
        number=number,
        last=last,
        domains=domains,
        domain=domain,
        modality=modality(exchange.evidence, domain) if domain else "",
        text=cited_html(reasons(exchange.answer) if exchange.answer else exchange.text, numbers),
        figures=_figures(exchange),
        plain=_plain(exchange),
    )


def past_html(exchanges: Sequence[Exchange]) -> str:
    """Every exchange of a conversation before the last one."""
    return "\n".join(exchange_html(item, number, last=False) for number, item in enumerate(exchanges, 1))


def gallery(exchange: Exchange | None) -> str:
    """The evidence beside the conversation, one tile a number."""
    return _render("gallery.html", exchange=exchange)


def contrast(both: Contrast, exchange: Exchange) -> str:
    """Both sides of the question's finding, each with its number where the answer rests on it too."""
    numbers = {(item.record.corpus, item.record.id): item.number for item in exchange.evidence}

    def tile(hit: Hit | None, stance: Stance) -> Evidence | None:
        if hit is None:
            return None
        return Evidence(numbers.get((hit.record.corpus, hit.record.id), 0), hit, stance)

    sides = (("shows it", tile(both.affirming, "supports")), ("does not", tile(both.denying, "refutes")))
    return _render("contrast.html", both=both, sides=sides)


def history(conversations: Sequence[Conversation], current: str) -> str:
    """The list of conversations, newest first, the open one marked."""
    return _render("history.html", conversations=conversations, current=current)


def corpora_table(overview: HomeOverview) -> str:
    """The corpora of the home with their counts and licences."""
    return _render("corpora.html", overview=overview)


def about(overview: HomeOverview) -> str:
    """Models, versions and limits."""
    return _render("about.html", overview=overview, versions=_versions())


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _figures(exchange: Exchange) -> list[Evidence]:
    """The textbook figures to be shown under a finished answer: those it cites, in the order of their numbers."""
    if exchange.answer is None:
        return []
    figures = [item for item in exchange.evidence if item.record.kind == "figure" and _pictured(item)]
    cited = [item for item in figures if f"[{item.number}]" in exchange.text]
    return (cited or figures)[:_MOST_FIGURES]


def _pictured(item: Evidence) -> bool:
    return any(picture.digest for picture in item.record.pictures)


def _plain(exchange: Exchange) -> str:
    """The answer with its sources as text to be pasted elsewhere."""
    if exchange.answer is None:
        return ""
    sources = [
        f"[{item.number}] {item.record.title or item.record.id} ({item.record.corpus}/{item.record.id}, "
        f"{item.record.licence.name}{', drawn, not a patient' if item.record.drawn else ''})"
        for item in exchange.evidence
    ]
    opening = verdict(exchange.answer)
    box = exchange.region
    about = (
        f"About the part {box.x0},{box.y0},{box.x1 - box.x0},{box.y1 - box.y0} (x,y,w,h) of the picture." if box else ""
    )
    text = f"{opening}. {reasons(exchange.answer)}" if opening else exchange.text
    return "\n\n".join(
        part for part in (exchange.question, about, text, "\n".join(sources), exchange.answer.disclaimer) if part
    )


@dataclass(frozen=True, slots=True)
class _Part:
    text: str
    marked: bool


def _parts(text: str, sentence: str) -> list[_Part]:
    """The text cut so that the sentence, where it occurs, can be marked.

    >>> [part.text for part in _parts("Clear lungs. No effusion.", "No effusion.")]
    ['Clear lungs. ', 'No effusion.']
    """
    start = text.find(sentence) if sentence else -1
    if start < 0:
        return [_Part(text, False)]
    end = start + len(sentence)
    parts = (_Part(text[:start], False), _Part(text[start:end], True), _Part(text[end:], False))
    return [part for part in parts if part.text]
