"""Prompts from templates: role and rules, numbered evidence as fenced data, the question."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template

from PIL import Image

from app.answers import Evidence, Turn
from app.generators.base import Prompt
from corpora.domains import Domain
from corpora.errors import SettingsError
from corpora.records import Record
from retrievers.found import DomainFound
from retrievers.timeline import Timeline

__all__ = ["build_prompt"]

_FENCE = "====="
_NEEDED = {"default": {"role"}, "question": {"evidence", "history", "pictures", "prior", "question"}}
_MOST_CHARACTERS = 900


def build_prompt(
    question: str,
    *,
    domain: Domain | None,
    found: DomainFound,
    evidence: Sequence[Evidence],
    images: Sequence[Image.Image] = (),
    history: Sequence[Turn] = (),
    timeline: Timeline | None = None,
) -> Prompt:
    """The prompt for a question with its evidence, and with the patient's prior study where there is one.

    A domain's own template (`prompts/<domain>.txt`) is used where there is one. Raises `SettingsError` for a template
    that lacks a part.
    """
    role = domain.role if domain else "a doctor"
    system = _template(domain.name if domain else "default").substitute(role=role).strip()
    text = _template("question").substitute(
        evidence="\n\n".join(_record(item) for item in evidence) or "No reference records were found.",
        history="".join(
            f"Earlier question: {turn.question}\nEarlier answer: {turn.answer}\n\n" for turn in history[-3:]
        ),
        prior=_prior(timeline),
        pictures=f"Pictures of the question: {len(images)}.\n" if images else "",
        question=question or "What does the picture show?",
    )
    digest = hashlib.sha256(f"{system}\0{text}".encode())
    for image in images:
        digest.update(image.tobytes())
    return Prompt(
        question=question,
        domain=domain,
        found=found,
        evidence=tuple(evidence),
        images=tuple(images),
        history=tuple(history),
        system=system,
        text=text.strip(),
        digest=digest.hexdigest(),
    )


def _prior(timeline: Timeline | None) -> str:
    """The last earlier study of the same patient, as a whole and about what is asked; no reference to be cited."""
    if timeline is None or timeline.prior is None or not timeline.whole:
        return ""
    whole = _cut(timeline.whole)
    about = f"\nOf it, about what is asked: {_cut(timeline.regional)}" if timeline.regional else ""
    said = f"{_FENCE}\n{_defused(whole + about)}\n{_FENCE}"
    return f"The same patient's prior study, day {timeline.prior.day}:\n{said}\n\n"


def _record(item: Evidence) -> str:
    """A number of ours, then everything that comes from the record inside the fence, its labels too."""
    record = item.record
    labels = f"; labels: {', '.join(record.labels)}" if record.labels else ""
    about = " ".join(f"{record.modality or record.domain}{labels}".split())
    return f"[{item.number}] {record.kind}\n{_FENCE}\n{_defused(f'{about}. {_visible(record)}')}\n{_FENCE}"


def _visible(record: Record) -> str:
    """What a prompt may hold of a record: what its picture shows, not history or plan (METHODS: two texts)."""
    case = record.findings or record.caption or record.title
    return _cut(case if record.kind == "case" else record.text)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS].rsplit(" ", 1)[0] + " …"


def _defused(text: str) -> str:
    """Quoted text cannot close its own fence."""
    return text.replace(_FENCE, "-----")


@cache
def _template(name: str) -> Template:
    folder = resources.files("app").joinpath("prompts")
    path = folder.joinpath(f"{name}.txt")
    if not path.is_file():
        name, path = "default", folder.joinpath("default.txt")
    template = Template(path.read_text(encoding="utf-8"))
    missing = _NEEDED.get(name, _NEEDED["default"]) - set(template.get_identifiers())
    if missing or not template.is_valid():
        raise SettingsError(f"The prompt template {name}.txt lacks ${', $'.join(sorted(missing)) or 'a valid form'}.")
    return template
