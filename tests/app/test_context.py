"""Which hits become evidence."""

from __future__ import annotations

from app.context import choose_context
from corpora.records import Record
from retrievers.found import DomainFound, Found, Hit, Selection


def hit(key: str, cosine: float | None, relation: str = "") -> Hit:
    lists = {} if cosine is None else {"radiology image→image": cosine}
    record = Record(key, "c", "case", "radiology")
    return Hit(record, 1.0, dict.fromkeys(lists, 1), lists, relation=relation)


def chosen(
    hits: list[Hit], *, reordered: bool, kept: int | None = None, policy: str = "fixed"
) -> tuple[list[str], str]:
    selection = Selection(policy, len(hits) if kept is None else kept, len(hits), "As it was.")
    domain = DomainFound("radiology", 1.0)
    found = Found(tuple(hits), domain, selection, reordered=reordered)
    evidence, reason = choose_context(found, True, 8)
    return [item.record.id for item in evidence], reason.reason


def test_cases_nearest_to_the_picture_come_first() -> None:
    hits = [hit("far", 0.2), hit("none", None), hit("near", 0.9)]
    assert chosen(hits, reordered=False) == (
        ["near", "far"],
        "2 of 3 found were used: 2 cases nearest to the picture.",
    )


def test_an_order_that_was_asked_for_stays_and_so_does_what_came_along() -> None:
    hits = [hit("wanted", 0.2), hit("study", None, "earlier study"), hit("none", None), hit("near", 0.9)]
    order, reason = chosen(hits, reordered=True)
    assert order == ["wanted", "study", "near"]
    assert reason.endswith("in the order asked for.")


def test_a_policy_that_cut_is_told() -> None:
    hits = [hit(str(n), 1 - n / 10) for n in range(6)]
    order, reason = chosen(hits, reordered=False, kept=2, policy="gap")
    assert order == ["0", "1"]
    assert reason.endswith("Chosen from the best: as it was.")
