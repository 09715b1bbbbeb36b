"""Where calibrations lie in a home, and the way back to the one before.

::

    calibration/<index>.json              the one in force; replaced by rename
    calibration/earlier/<index>-<n>.json  those before it, oldest first
"""

from __future__ import annotations

import os
from pathlib import Path

from corpora.errors import CalibrationError, InputError
from corpora.home import Home
from indexing.shards import IndexFolder, write_atomic
from retrievers.calibration.values import Calibration

__all__ = ["CalibrationFolder"]


class CalibrationFolder:
    """The stored calibrations of one index. Reading is safe beside a writer; one writer at a time."""

    def __init__(self, home: Home, index: str = "default") -> None:
        self.index = IndexFolder(home, index).name  # refuses names that are none
        self.path = home.calibration / f"{self.index}.json"

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another value after each change; None where nothing is stored."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found.st_ino, found.st_mtime_ns

    def load(self) -> Calibration | None:
        """The stored calibration, or None.

        Raises:
            CalibrationError: it cannot be read, is damaged, or was written by a newer Curbside.
        """
        try:
            return Calibration.from_json(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise CalibrationError(f"{self.path} cannot be read; run: curbside calibrate.") from error

    def save(self, calibration: Calibration) -> None:
        """Store a calibration; the one before is kept for `undo`."""
        earlier = self._earlier()
        number = int(earlier[-1].stem.rpartition("-")[2]) + 1 if earlier else 1
        if self.path.is_file():
            write_atomic(self._earlier_folder / f"{self.index}-{number:04d}.json", self.path.read_bytes())
        write_atomic(self.path, calibration.to_json().encode())

    def undo(self) -> Calibration | None:
        """Go back to the calibration before, or to none; returns what is stored now.

        Raises:
            InputError: nothing is stored.
            CalibrationError: the one before is damaged (it is in place, and ignored by searches).
        """
        if not self.path.is_file():
            raise InputError(f"The index {self.index!r} has no calibration; make one with: curbside calibrate.")
        earlier = self._earlier()
        if earlier:
            os.replace(earlier[-1], self.path)
        else:
            self.path.unlink()
        return self.load()

    @property
    def _earlier_folder(self) -> Path:
        return self.path.parent / "earlier"

    def _earlier(self) -> list[Path]:
        found = self._earlier_folder.glob(f"{self.index}-*.json")
        mine = [path for path in found if path.stem.removeprefix(f"{self.index}-").isdigit()]
        return sorted(mine, key=lambda path: int(path.stem.rpartition("-")[2]))
