"""The errors that Curbside raises on purpose.

Each is one sentence that says what is wrong, where, and what to do about it::

    CurbsideError
    ├── InputError              what the caller gave cannot be used
    │   ├── UnknownNameError    a name that no registry holds; lists the known ones
    │   ├── QueryError          a question that cannot be asked
    │   └── SettingsError       a setting that is missing or has a wrong value
    ├── SourceError             a file or folder that cannot be read
    │   └── DecodeError         a picture that cannot be decoded
    ├── CatalogError            the catalogue refuses or is out of reach
    │   └── HomeVersionError    the home was written by a newer Curbside
    ├── IndexUnusableError      an index is missing, damaged, or made otherwise
    │   ├── IndexMissingError
    │   ├── IndexDamagedError
    │   └── EncoderMismatchError
    ├── CalibrationError        a stored calibration that is damaged or of a newer Curbside
    ├── ModelError              an encoder or a generator cannot be loaded or used
    │   ├── DeadEncoderError    an encoder that gives different inputs the same vector
    │   └── LicenceError        weights under a licence that the settings do not allow
    └── MissingDependencyError  an optional package is not installed

The command line prints the sentence and exits with status 2; anything outside this tree is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "CalibrationError",
    "CatalogError",
    "CurbsideError",
    "DeadEncoderError",
    "DecodeError",
    "EncoderMismatchError",
    "HomeVersionError",
    "IndexDamagedError",
    "IndexMissingError",
    "IndexUnusableError",
    "InputError",
    "LicenceError",
    "MissingDependencyError",
    "ModelError",
    "QueryError",
    "SettingsError",
    "SourceError",
    "UnknownNameError",
]


class CurbsideError(Exception):
    """The root of every error that Curbside raises on purpose."""


class InputError(CurbsideError):
    """What the caller gave cannot be used."""


class UnknownNameError(InputError):
    """A name that no registry holds.

    >>> str(UnknownNameError("reader", "pdff", ["jsonl", "pdf"]))
    "There is no reader named 'pdff'; known: jsonl, pdf."
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        others = ", ".join(sorted(known))
        super().__init__(f"There is no {kind} named {name!r}{f'; known: {others}' if others else ''}.")


class QueryError(InputError):
    """A question that cannot be asked."""


class SettingsError(InputError):
    """A setting that is missing or has a wrong value."""


class SourceError(CurbsideError):
    """A file or folder that cannot be read."""


class DecodeError(SourceError):
    """A picture that cannot be decoded, or is larger than the limits allow."""


class CatalogError(CurbsideError):
    """The catalogue refuses an operation or cannot be reached."""


class HomeVersionError(CatalogError):
    """The home was written by a newer Curbside than this one."""


class IndexUnusableError(CurbsideError):
    """An index is missing, damaged, or was made in another way."""


class IndexMissingError(IndexUnusableError):
    """No index of that name has been published in this home."""


class IndexDamagedError(IndexUnusableError):
    """A file of an index is missing or its digest differs from the manifest's."""


class EncoderMismatchError(IndexUnusableError):
    """An index was built with another encoder than the one configured now."""


class CalibrationError(CurbsideError):
    """A stored calibration is damaged, or a newer Curbside wrote it."""


class ModelError(CurbsideError):
    """An encoder or a generator cannot be loaded or used."""


class DeadEncoderError(ModelError):
    """An encoder gives different pictures or texts the same vector, or one without length."""


class LicenceError(ModelError):
    """The weights are under a licence that the setting `licences` does not allow."""


class MissingDependencyError(CurbsideError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package {package!r}; install it with: pip install 'curbside[{extra}]'.")
