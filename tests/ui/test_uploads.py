from pathlib import Path

import pytest

from corpora.errors import DecodeError, SourceError
from tests.ui.scripted import png
from ui.chat.uploads import read_uploads, upload_of


def test_uploads_are_read_and_deleted(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "uploads", tmp_path / "mine.png"
    folder.mkdir()
    (folder / "a.png").write_bytes(png())
    elsewhere.write_bytes(png())
    first, second = read_uploads([folder / "a.png", elsewhere], folder)
    assert first.data == second.data == png()
    assert first.thumbnail.startswith("data:image/jpeg;base64,")
    assert not (folder / "a.png").exists()
    assert elsewhere.exists()


def test_an_unreadable_upload_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "b.png").write_bytes(b"not a picture")
    with pytest.raises(DecodeError, match=r"^b\.png is not a picture that can be read\.$"):
        read_uploads([tmp_path / "a.png", tmp_path / "b.png"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_upload_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_uploads([tmp_path / "gone.png"], tmp_path)


def test_a_thumbnail_is_small() -> None:
    assert len(upload_of(png(1500)).thumbnail) < 40_000
