"""Paired tests, Holm's correction, and the comparison of two runs on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corpora.errors import InputError, SourceError
from retrievers.evaluation.comparison import adjusted, macro, macro_difference
from retrievers.evaluation.runs import compare_runs, differing, new_folder, open_run, unshared, write_lines


def by_domain(values: list[float]) -> dict[str, tuple[list[float], list[str]]]:
    patients = [f"p{number // 2}" for number in range(len(values))]
    half = len(values) // 2
    return {"a": (values[:half], patients[:half]), "b": (values[half:], patients[half:])}


class TestComparison:
    """Means over domains and their differences."""

    def test_domains_count_alike_whatever_their_size(self) -> None:
        found = macro({"small": ([1.0], ["p"]), "large": ([0.0] * 9, [f"q{number}" for number in range(9)])})
        assert (found.mean, found.queries) == (0.5, 10)

    def test_a_real_difference_is_found_and_none_is_not(self) -> None:
        generator = np.random.default_rng(0)
        base = generator.random(80).tolist()
        better = [value + 0.1 + 0.05 * noise for value, noise in zip(base, generator.normal(size=80), strict=True)]
        found = macro_difference(by_domain(better), by_domain(base))
        assert found.low > 0
        assert found.p < 0.001
        same = macro_difference(by_domain(base), by_domain(base))
        assert (same.mean, same.p) == (0.0, 1.0)

    def test_the_test_keeps_its_level(self) -> None:
        """Without a difference, one in twenty is below 0.05; twice that would be a broken test."""
        generator = np.random.default_rng(1)
        small = 0
        for _ in range(100):
            noise = generator.normal(size=60).tolist()
            small += macro_difference(by_domain(noise), by_domain([0.0] * 60)).p < 0.05
        assert small <= 14

    def test_patients_are_drawn_whole(self) -> None:
        values = [1.0, -0.9] * 30
        alone = {"a": (values, [f"p{number}" for number in range(60)])}
        paired = {"a": (values, [f"p{number // 2}" for number in range(60)])}
        zero = {"a": ([0.0] * 60, ["p"] * 60)}
        assert macro_difference(alone, zero).p > 0.2
        assert macro_difference(paired, zero).p < 0.001

    @pytest.mark.parametrize(
        ("ps", "expected"), [([], []), ([0.2], [0.2]), ([0.01, 0.02, 0.5], [0.03, 0.04, 0.5]), ([0.9, 0.8], [1.0, 1.0])]
    )
    def test_holm(self, ps: list[float], expected: list[float]) -> None:
        assert adjusted(ps) == pytest.approx(expected)


def lines(shift: float, count: int = 40, variant: str = "whole") -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    return [
        {
            "domain": ("radiology", "pathology")[number % 2], "sides": "picture", "variant": variant,
            "record": f"c/{number}", "patient": f"p{number // 4}", "nDCG@10": float(value) + shift,
        }
        for number, value in enumerate(generator.random(count))
    ]  # fmt: skip


def written(folder: Path, rows: list[dict[str, Any]], **manifest: Any) -> Path:
    folder.mkdir()
    write_lines(folder, manifest, rows)
    return folder


class TestRuns:
    """Folders of runs, and two of them beside each other."""

    def test_shared_questions_are_compared(self, tmp_path: Path) -> None:
        one = open_run(written(tmp_path / "one", lines(0.1, 40), index="v1", seed=0))
        other = open_run(written(tmp_path / "other", lines(0.0, 30) + lines(0.0, 10, "no quotas"), index="v2", seed=0))
        (found,) = compare_runs(one, other)
        assert (found.way, found.domains) == ("picture · whole", ("pathology", "radiology"))
        assert (found.difference.queries, found.only_one, found.only_other) == (30, 10, 0)
        assert found.difference.mean == pytest.approx(0.1, abs=1e-4)
        assert found.difference.p < 0.01
        assert differing(one, other) == ['index: "v1" | "v2"']

    def test_ways_without_a_question_in_common_are_named(self, tmp_path: Path) -> None:
        elsewhere = [{**line, "record": f"d/{line['record']}"} for line in lines(0.0, 8, "no quotas")]
        one = open_run(written(tmp_path / "one", lines(0.1, 8) + lines(0.1, 8, "no quotas")))
        other = open_run(written(tmp_path / "other", lines(0.0, 8) + elsewhere))
        assert [each.way for each in compare_runs(one, other)] == ["picture · whole"]
        assert unshared(one, other) == ["picture · no quotas"]
        assert unshared(one, one) == []

    def test_what_cannot_be_compared_is_told(self, tmp_path: Path) -> None:
        run = open_run(written(tmp_path / "one", lines(0.1, 8)))
        with pytest.raises(InputError, match=r"no question measured by P@7; the first has: nDCG@10"):
            compare_runs(run, run, "P@7")
        with pytest.raises(SourceError, match="is not the folder of a run"):
            open_run(tmp_path / "none")
        (tmp_path / "one" / "queries.jsonl").write_text('{"a": 1}\n{"b"', encoding="utf-8")
        with pytest.raises(SourceError, match="is damaged"):
            open_run(tmp_path / "one")

    def test_folders_never_meet(self, tmp_path: Path) -> None:
        folders = [new_folder(tmp_path / "runs", "retrieval") for _ in range(3)]
        assert len(set(folders)) == 3
        assert all(folder.name.partition("-")[2].partition("-")[2].startswith("retrieval") for folder in folders)
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(SourceError, match="cannot be written"):
            new_folder(tmp_path / "file", "retrieval")

    def test_a_manifest_is_written_last_and_read_back(self, tmp_path: Path) -> None:
        folder = written(tmp_path / "one", lines(0.0, 2), settings={"seed": 1})
        assert open_run(folder).manifest == {"settings": {"seed": 1}}
        assert [
            json.loads(line)["record"] for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
        ] == [
            "c/0",
            "c/1",
        ]
