"""What is said of the licence of weights beside answers."""

from __future__ import annotations

import json
from pathlib import Path

from app.licences import weights_notice
from indexing.encoders import EncoderPlan


def test_weights_that_are_not_open_are_named() -> None:
    assert "research" in weights_notice(EncoderPlan(), ["radiology", "textbook"], Path())


def test_open_weights_need_no_notice() -> None:
    assert weights_notice(EncoderPlan(licences="open"), ["radiology"], Path()) == ""
    assert weights_notice(EncoderPlan(), [], Path()) == ""


def test_a_fitted_folder_states_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    manifest = {"licence": {"name": "fitted on ham10000", "kind": "non-commercial"}}
    (tmp_path / "mine" / "curbside-encoder.json").write_text(json.dumps(manifest), encoding="utf-8")
    plan = EncoderPlan(joint={"dermatology": "embedded:local-dir:mine"})
    assert "non-commercial" in weights_notice(plan, ["dermatology"], tmp_path)
