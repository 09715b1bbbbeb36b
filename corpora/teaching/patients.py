"""Plans patients of one modality: so many of each finding, some with an earlier study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from corpora.errors import UnknownNameError
from corpora.teaching.case import DrawnCase

__all__ = ["CaseMaker", "Modality"]

Scan = TypeVar("Scan")
Scan_contra = TypeVar("Scan_contra", contravariant=True)


class CaseMaker(Protocol[Scan_contra]):
    """Writes the case of one scan; `before` is the earlier one to compare with."""

    def __call__(
        self, identity: str, patient: str, scan: Scan_contra, day: int, before: Scan_contra | None = None
    ) -> DrawnCase:
        """The case."""
        ...


@dataclass(frozen=True)
class Modality(Generic[Scan]):
    """How the patients of one modality are planned.

    `patients` says how many have each finding; `earlier` names, by finding and turn, who has an earlier study: how many
    days before, and what was different then. `scan(finding, turn, seed)` draws up the parameters; corpus patients take
    seeds from `first_seed` on, examples from a thousand times that.
    """

    prefix: str
    title: str
    patients: Mapping[str, int]
    earlier: Mapping[tuple[str, int], tuple[int, dict[str, Any]]]
    scan: Callable[[str, int, int], Scan]
    case: CaseMaker[Scan]
    first_seed: int

    def cases(self) -> tuple[DrawnCase, ...]:
        """Every case, planned but not yet drawn; the same at every call."""
        found: list[DrawnCase] = []
        turns = [(finding, turn) for finding, count in self.patients.items() for turn in range(count)]
        for number, (finding, turn) in enumerate(turns, 1):
            patient, now = f"{self.prefix}-p{number:03d}", self.scan(finding, turn, self.first_seed + number)
            day, before = 0, None
            if (finding, turn) in self.earlier:
                day, other = self.earlier[finding, turn]
                before = replace(now, **other)  # type: ignore[type-var]
                found.append(self.case(f"{self.prefix}-{len(found) + 1:03d}", patient, before, 0))
            found.append(self.case(f"{self.prefix}-{len(found) + 1:03d}", patient, now, day, before))
        return tuple(found)

    def example(self, finding: str | None, seed: int) -> DrawnCase:
        """A new case that is not in the corpus: one of the findings, or None for a normal one."""
        finding = finding or "normal"
        if finding not in self.patients:
            raise UnknownNameError(f"{self.title} finding", finding, self.patients)
        name = f"{self.prefix}-example-{finding.replace(' ', '-')}-{seed}"
        return self.case(name, name, self.scan(finding, seed, 1000 * self.first_seed + seed), 0)
