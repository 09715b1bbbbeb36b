"""Writes the teaching corpus to a folder that the ordinary readers read: cases as `jsonl`, the primer as `openstax`."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from corpora.errors import UnknownNameError
from corpora.teaching.case import DrawnCase

__all__ = [
    "PRACTICE",
    "PRIMER",
    "TEACHING",
    "Written",
    "example",
    "new_cases",
    "png",
    "teaching_cases",
    "write_practice",
    "write_teaching",
]

TEACHING = "teaching"
PRIMER = "primer"
PRACTICE = "practice"
LICENCE = "CC0 1.0"
NOTICE = "drawn, not a patient"
_MODALITIES = (
    "chest_radiograph",
    "head_ct",
    "lung_ultrasound",
    "breast_ultrasound",
    "fundus",
    "dermoscopy",
    "histology",
    "blood_smear",
)
_PAIRED = "chest_radiograph"
_PRACTICE_SEEDS = 10_000


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: cases, questions, figures of the primer, pictures drawn now, seconds."""

    cases: int
    questions: int
    figures: int
    drawn: int
    seconds: float


def teaching_cases() -> tuple[DrawnCase, ...]:
    """Every case of the corpus, planned but not drawn."""
    return tuple(case for name in _MODALITIES for case in _renderer(name).cases())


def example(modality: str, finding: str | None, seed: int) -> DrawnCase:
    """A new case that is not in the corpus: `example("chest_radiograph", "pleural effusion", 7)`.

    Raises:
        UnknownNameError: no renderer of that name.
    """
    if modality not in _MODALITIES:
        raise UnknownNameError("renderer", modality, _MODALITIES)
    case: DrawnCase = _renderer(modality).example(finding, seed)
    return case


def new_cases(each: int, first: int) -> Iterator[tuple[str, DrawnCase]]:
    """`each` cases of every finding that are not in the corpus, with what asks for them: renderer, finding and seed.

    Seeds begin at `first`. Those from 10,000 to 19,999 are for practice: encoders may have learned from them.
    """
    for name in _MODALITIES:
        for finding in _findings(name):
            for seed in range(first, first + each):
                yield f"{name} {finding} {seed}", example(name, finding, seed)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG that says of itself that it is drawn."""
    said = PngInfo()
    said.add_text("Comment", NOTICE)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=said)
    return buffer.getvalue()


def write_teaching(
    folder: Path, progress: Callable[[int, int], None] = lambda done, total: None, processes: int | None = None
) -> Written:
    """Draw the corpus into `folder/teaching` and the primer into `folder/primer`; what is there already stays.

    Args:
        folder: Made where it is not there.
        progress: Called with pictures done and pictures in all.
        processes: How many draw at once; as many as there are cores where None.
    """
    started = time.monotonic()
    cases = {(name, case.id): case for name in _MODALITIES for case in _renderer(name).cases()}
    drawn, questions = _write_cases(cases, folder / TEACHING, progress, processes)
    figures = import_module("corpora.teaching.primer").write(folder / PRIMER)
    return Written(len(cases), questions, figures, drawn, round(time.monotonic() - started, 1))


def write_practice(
    folder: Path,
    each: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: int | None = None,
) -> Written:
    """Draw further cases into `folder/practice`: what encoders are fitted on beside the corpus.

    `each` of every finding, and eight times as many pairs of twins (one anatomy with and without an effusion), which
    teach what a finding changes. Their seeds start at 10,000, so none of them is in the teaching corpus.
    """
    started = time.monotonic()
    cases = {(name, case.id): case for name, case in new_cases(each, _PRACTICE_SEEDS)}
    for seed in range(_PRACTICE_SEEDS, _PRACTICE_SEEDS + 8 * each):
        cases |= {(f"{_PAIRED} twins {seed}", case.id): case for case in _renderer(_PAIRED).twins(seed)}
    drawn, questions = _write_cases(cases, folder / PRACTICE, progress, processes)
    return Written(len(cases), questions, 0, drawn, round(time.monotonic() - started, 1))


def _renderer(name: str) -> Any:
    return import_module(f"corpora.teaching.{name}")


def _findings(name: str) -> list[str]:
    """The findings that a renderer draws on demand."""
    module = _renderer(name)
    return sorted(getattr(module, "FINDINGS", None) or module.SHOWN_BY)


_Cases = dict[tuple[str, str], DrawnCase]


def _write_cases(
    cases: _Cases, target: Path, progress: Callable[[int, int], None], processes: int | None
) -> tuple[int, int]:
    """Draw what is missing, then write questions and records; returns pictures drawn and questions written."""
    (target / "images").mkdir(parents=True, exist_ok=True)
    missing = [key for key, case in cases.items() if not (target / "images" / f"{case.id}.png").is_file()]
    done = len(cases) - len(missing)
    progress(done, len(cases))
    for _ in _draw_all(missing, target / "images", processes or os.cpu_count() or 1):
        done += 1
        progress(done, len(cases))
    questions = [line for case in cases.values() for line in _questions(case)]
    _write_lines(target / "questions.jsonl", questions)
    _write_lines(target / "records.jsonl", [_record(case) for case in cases.values()])
    return len(missing), len(questions)


def _draw_all(keys: list[tuple[str, str]], folder: Path, processes: int) -> Iterator[None]:
    tasks = [(*key, folder) for key in keys]
    if processes == 1 or len(tasks) < 8:
        for task in tasks:
            _draw(task)
            yield
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_one_thread) as pool:
        for _ in pool.map(_draw, tasks, chunksize=4):
            yield


def _one_thread() -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _draw(task: tuple[str, str, Path]) -> None:
    """Draw one case, found again by its name: a planned one by its id, a practice one by finding and seed."""
    name, case_id, folder = task
    renderer, _, rest = name.partition(" ")
    if rest:
        finding, _, seed = rest.rpartition(" ")
        twins = _renderer(renderer).twins(int(seed)) if finding == "twins" else (example(renderer, finding, int(seed)),)
        case = next(one for one in twins if one.id == case_id)
    else:
        case = next(case for case in _renderer(renderer).cases() if case.id == case_id)
    temporary = folder / f".{case_id}.{os.getpid()}"
    temporary.write_bytes(png(case.draw()))
    os.replace(temporary, folder / f"{case_id}.png")


def _record(case: DrawnCase) -> dict[str, Any]:
    return {
        "id": case.id,
        "domain": case.domain,
        "modality": case.modality,
        "image": f"images/{case.id}.png",
        "title": case.title,
        "report": case.report,
        "findings": case.findings,
        "caption": case.caption,
        "labels": list(case.labels),
        "absent": list(case.absent),
        "patient": case.patient,
        "study": case.study,
        "day": case.day,
        "view": case.view,
        "attributes": dict(case.attributes),
        "license": LICENCE,
        "license_class": "open",
        "source": f"Curbside teaching corpus ({NOTICE})",
        "drawn": True,
    }


def _questions(case: DrawnCase) -> Iterator[dict[str, str]]:
    for number, question in enumerate(case.questions, 1):
        yield {
            "id": f"{case.id}-q{number}",
            "record": case.id,
            "question": question.text,
            "answer": question.answer,
            "type": question.kind,
        }


def _write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    os.replace(temporary, path)
