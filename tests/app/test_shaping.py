"""Values as JSON knows them."""

from __future__ import annotations

import json
from pathlib import Path

from app.shaping import plain
from corpora.records import Picture, Record


def test_values_become_json_under_their_own_names() -> None:
    record = Record("a", "b", "case", "radiology", labels=("x",), pictures=(Picture("/srv/a.png", "0" * 64),))
    told = plain({"record": record, "path": Path("home"), "names": frozenset({"n"}), 1: None})
    assert json.loads(json.dumps(told)) == told
    assert told["record"]["labels"] == ["x"]
    assert told["record"]["pictures"][0]["source"] == "/srv/a.png"
    assert (told["path"], told["names"], told["1"]) == ("home", ["n"], None)


def test_paths_can_be_kept_back_at_any_depth() -> None:
    record = Record("a", "b", "case", "radiology", source="a link", pictures=(Picture("/srv/a.png", "0" * 64),))
    told = plain([{"deep": (record,)}], paths=False)
    assert told[0]["deep"][0]["pictures"][0] == {**plain(record.pictures[0]), "source": ""}
    assert told[0]["deep"][0]["source"] == "a link"
