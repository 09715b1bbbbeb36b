"""How means read in tables: with their interval, and without one where one patient alone was asked."""

from __future__ import annotations

from retrievers.evaluation.cells import interval_cell
from retrievers.evaluation.comparison import macro, macro_difference
from retrievers.evaluation.measures import bootstrap_mean, paired_difference


def test_one_patient_has_no_interval() -> None:
    alone, two = bootstrap_mean([1.0, 0.0], ["p", "p"]), bootstrap_mean([1.0, 0.0], ["p", "q"])
    assert (alone.queries, alone.patients, alone.has_interval) == (2, 1, False)
    assert (two.patients, two.has_interval) == (2, True)
    assert interval_cell(alone) == "0.500 (1 patient)"
    assert interval_cell(alone, stacked=True) == "0.500\n1 patient"
    assert interval_cell(two, digits=2) == "0.500 (0.00–1.00)"
    change = paired_difference([1.0, 0.5], [0.5, 0.0], ["p", "p"])
    assert interval_cell(change, change=True) == "+0.500 (1 patient)"


def test_nothing_asked_is_no_zero() -> None:
    assert interval_cell(bootstrap_mean([], [])) == "–"
    assert interval_cell(None) == "–"


def test_domains_of_one_patient_have_no_macro_interval() -> None:
    singles = {"a": ([1.0, 1.0], ["p", "p"]), "b": ([0.5], ["q"])}
    assert interval_cell(macro(singles)) == "0.750 (1 patient in a domain)"
    wider = {**singles, "c": ([1.0, 0.0, 0.5], ["r", "s", "t"])}
    assert not macro(wider).has_interval
    found = macro({name: (values, [*people[:-1], "z"]) for name, (values, people) in wider.items() if name != "b"})
    assert (found.patients, found.has_interval) == (5, True)
    assert found.low < found.mean < found.high


def test_one_patient_proves_nothing() -> None:
    one, other = {"a": ([1.0, 1.0], ["p", "p"])}, {"a": ([0.0, 0.0], ["p", "p"])}
    difference = macro_difference(one, other)
    assert (difference.mean, difference.p, difference.has_interval) == (1.0, 1.0, False)
    assert interval_cell(difference, change=True, digits=2) == "+1.000 (1 patient)"
    many = ([0.0] * 20, [f"q{number}" for number in range(20)])
    beside_many = macro_difference({**one, "b": many}, {**other, "b": many})
    assert (beside_many.mean, beside_many.p, beside_many.has_interval) == (0.5, 1.0, False)
