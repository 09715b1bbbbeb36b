"""The tables of `eval encoders`, from figures that are known."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from rich.console import Console

from retrievers.evaluation.encoders import DIRECTIONS, Direction, DomainResult
from retrievers.evaluation.measures import Interval
from retrievers.evaluation.spaces import AS_IT_CAME, DOMAIN, GENERAL, OWN, SENTENCES, TUNED, UNTRAINED
from ui.cli.evaluation.encoders_tables import encoder_tables

ACROSS = (DOMAIN, GENERAL, UNTRAINED)
WITHIN = (*ACROSS, TUNED, AS_IT_CAME, SENTENCES)


def interval(mean: float, patients: int = 9) -> Interval:
    return Interval(mean, mean - 0.1, mean + 0.1, 2 * patients, patients)


def direction(name: str, domain: str, encoders: tuple[str, ...], best: float = 1.0, patients: int = 9) -> Direction:
    """The first encoder serves; each further one is worse by a tenth."""
    measures = DIRECTIONS[name]
    means: Mapping[str, Mapping[str, Interval]] = {
        encoder: {measure: interval(0.9 - 0.1 * place, patients) for measure in measures}
        for place, encoder in enumerate(encoders)
    }
    gains = {
        encoder: {measure: interval(0.1 * place, patients) for measure in measures}
        for place, encoder in enumerate(encoders)
        if place
    }
    bound = dict.fromkeys(measures, best)
    answers = dict.fromkeys(encoders)
    asked = np.arange(4)
    return Direction(domain, name, "labels", 8, asked, bound, bound, answers, means, gains)  # type: ignore[arg-type]


def printed(*directions: Direction, width: int = 200) -> str:
    result = DomainResult(None, directions)  # type: ignore[arg-type]
    console = Console(width=width)
    with console.capture() as told:
        for table in encoder_tables([result]):
            console.print(table)
    return told.get()


def test_heads_that_ship_are_compared_with_the_general_one() -> None:
    shown = printed(direction("image→text", "ultrasound", ACROSS), direction("image→image", "ultrasound", WITHIN))
    assert OWN not in " ".join(shown.split())
    assert "domain − general" in shown
    assert "0.900 (0.80–1.00)" in shown
    assert "+0.100 (+0.00…+0.20)" in shown


def test_the_encoder_of_the_home_comes_first_and_is_compared_with_both_heads() -> None:
    shown = printed(
        direction("image→text", "ultrasound", (OWN, *ACROSS)), direction("image→text", "dermatology", ACROSS)
    )
    head, *_ = shown.split("ultrasound")
    assert [word for word in head.split() if word in ("home's", "domain", "general", "untrained")] == [
        "home's", "domain", "general", "untrained", "general", "domain",
    ]  # fmt: skip
    assert head.count("serving") == 2
    first = next(line for line in shown.splitlines() if line.startswith("ultrasound"))
    assert first.split()[3:] == ["0.900", "0.800", "0.700", "0.600", "+0.200", "+0.100"]
    other = next(line for line in shown.splitlines() if line.startswith("dermatology"))
    assert other.split()[3:] == ["–", "0.900", "0.800", "0.700", "+0.100", "–"]


def test_what_nobody_could_answer_and_one_patient() -> None:
    shown = printed(
        direction("image→image", "textbook", WITHIN, best=0.0),
        direction("image→image", "pathology", WITHIN, patients=1),
    )
    nothing = next(line for line in shown.splitlines() if line.startswith("textbook"))
    assert set(nothing.split()[1:]) == {"–"}
    assert shown.count("1 patient") == len(WITHIN) + 2
    assert [line.split()[1:] for line in shown.splitlines() if line.startswith("textbook")][1] == ["–", "–"]


def test_the_general_head_gains_nothing_of_its_own() -> None:
    shown = printed(direction("image→image", "teeth", WITHIN[1:]))
    assert [line.split() for line in shown.splitlines() if line.startswith("teeth")][1] == ["teeth", "–", "–"]


def test_nothing_is_cut_on_a_screen_of_100_columns() -> None:
    every = [direction(name, "ophthalmology", (OWN, *ACROSS)) for name in ("image→text", "text→image")]
    shown = printed(*every, direction("image→image", "ophthalmology", (OWN, *WITHIN)), width=100)
    assert "ophthalmology" in shown
    assert not re.search(r"…(\s|$)", shown)
    assert max(map(len, shown.splitlines())) <= 100
