"""`eval routing` with a router whose answers are known: who is asked, what is told meanwhile, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from corpora.errors import InputError
from corpora.home import Home
from corpora.images import ImageStore
from indexing.training.split import split_by_patient
from retrievers.evaluation import routing
from retrievers.evaluation.routing import evaluate_routing
from retrievers.found import DomainFound
from retrievers.query import Query
from tests.conftest import case, picture

EVERYDAY = 3


@dataclass
class Always:
    """Sends every picture to one domain."""

    name: str
    asked: list[Query] = field(default_factory=list)

    def route(self, query: Query, known: Sequence[str]) -> DomainFound:
        self.asked.append(query)
        return DomainFound(self.name, 0.9)

    def strangeness(self, query: Query) -> float:
        return 0.5


@pytest.fixture
def few_everyday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "_MADE", EVERYDAY)
    monkeypatch.setattr(routing, "everyday_pictures", lambda count, seed: [picture(n) for n in range(count)])


@pytest.mark.usefixtures("few_everyday")
class TestRouting:
    """Counts, progress and refusals."""

    def routed(self, home: Home, records: Any, **options: Any) -> Any:
        router: Any = Always("radiology")
        return evaluate_routing(router, records, ImageStore(home.images), ["radiology", "ultrasound"], **options)

    def test_progress_counts_every_picture_that_is_asked(self, home: Home) -> None:
        records = [case(n, home, domain=("radiology", "ultrasound")[n > 5]) for n in range(10)]
        told: list[tuple[int, int, str]] = []
        result = self.routed(home, records, most=5, progress=lambda *said: told.append(said))
        total = 5 + 4 + EVERYDAY
        assert {name: interval.queries for name, interval in result.accuracy.items()} == {
            "radiology": 5,
            "ultrasound": 4,
        }
        assert [done for done, _, _ in told] == [*range(total), total]
        assert {of for _, of, _ in told} == {total}
        stages = ["routing radiology", "routing ultrasound", "routing everyday pictures", "measuring"]
        assert list(dict.fromkeys(stage for _, _, stage in told)) == stages

    def test_a_lost_picture_is_replaced_by_the_next(self, home: Home) -> None:
        records = [case(n, home) for n in range(4)]
        ImageStore(home.images).discard(records[0].pictures[0].digest)
        result = self.routed(home, records, most=3)
        assert [line["record"] for line in result.queries[:3]] == ["small/case-1", "small/case-2", "small/case-3"]

    def test_only_held_out_patients_are_asked(self, home: Home) -> None:
        records = [case(n, home) for n in range(40)]
        result = self.routed(home, records, held_out=True)
        asked = {line["patient"] for line in result.queries if line["domain"]}
        assert asked == {one.patient_key for one in records if split_by_patient([one.patient_key])[0]}
        assert asked
        assert result.accuracy["radiology"].patients == len(asked)

    def test_nothing_to_route_is_told(self, home: Home) -> None:
        passage = replace(case(0, home), kind="passage")
        for records in ([], [passage], [replace(case(0), pictures=())]):
            with pytest.raises(InputError, match="no picture of a case to route; add cases and build the index"):
                self.routed(home, records)
        seen = [one for one in (case(n, home) for n in range(6)) if not split_by_patient([one.patient_key])[0]]
        with pytest.raises(InputError, match="of held-out patients; ask without --held-out"):
            self.routed(home, seen, held_out=True)
