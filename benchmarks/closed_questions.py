"""Closed questions about new drawn cases: how many are answered rightly, and how many without a verdict?

`python -m benchmarks.closed_questions [HOME [EACH]]`: EACH cases of every finding that the teaching corpus can draw, by
seeds that neither the corpus nor the practice cases have, are drawn and asked about in a home that holds the teaching
corpus, by its own generator. Their true answers are known, since they are drawn.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from PIL import Image

from app.assistant import Assistant
from corpora.teaching import new_cases

_FIRST_SEED = 20_000

Counts = dict[str, list[tuple[bool, bool]]]
"""By modality, of every question: whether it was answered rightly, and whether without a verdict."""


def run(home: Path = Path("demo-home"), each: int = 2) -> None:
    """Print the shares by modality and of all."""
    if not (home / "curbside.toml").is_file():
        print(f"skipped: there is no {home}; run 'make demo' first")
        return
    counts = _asked(home, each)
    counts["all"] = [one for mine in counts.values() for one in mine]
    for name, mine in counts.items():
        right, without = (sum(one[part] for one in mine) / len(mine) for part in (0, 1))
        print(f"{name:18} {len(mine):5} questions: right {right:.3f}, without a verdict {without:.3f}")


def _asked(home: Path, each: int) -> Counts:
    counts: Counts = defaultdict(list)
    with Assistant.open(home) as assistant:
        for _, case in new_cases(each, _FIRST_SEED):
            picture = Image.fromarray(case.draw())
            for question in case.questions:
                if question.kind == "closed":
                    said = (assistant.ask(question.text, images=[picture]).verdict or "").lower()
                    counts[case.modality].append((said == question.answer, said not in ("yes", "no")))
    return counts


if __name__ == "__main__":
    run(*(Path(name) for name in sys.argv[1:2]), *(int(number) for number in sys.argv[2:3]))
