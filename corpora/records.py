"""What can be retrieved and cited: cases, figures and passages, as frozen values with JSON in and out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from corpora.errors import InputError

__all__ = ["Kind", "Licence", "LicenceClass", "Picture", "Record", "Region", "Skipped", "record_uid"]

Kind = Literal["case", "figure", "passage"]
LicenceClass = Literal["open", "non-commercial", "unclear"]


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms a record may be used; `kind` is what settings can refuse by."""

    name: str = "not stated"
    kind: LicenceClass = "unclear"
    url: str = ""
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class Region:
    """A box `(x0, y0, x1, y1)`, half-open, in pixels of the original picture."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if self.x0 < 0 or self.y0 < 0 or self.x1 <= self.x0 or self.y1 <= self.y0:
            raise InputError(
                f"The region {self.x0},{self.y0},{self.x1},{self.y1} is empty; give x0 < x1 and y0 < y1, both ≥ 0."
            )


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a record.

    A reader fills `source` (a path readable on this machine); once the image store holds the bytes,
    `digest` (their SHA-256), `width` and `height` (pixels after EXIF orientation) are filled too.
    """

    source: str = ""
    digest: str = ""
    width: int = 0
    height: int = 0
    view: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Something that can be retrieved and cited.

    `report` is the whole text, best for retrieval; `findings` holds only what the picture can show,
    best for prompts. `labels` are findings that are present, `absent` those said not to be.
    `day` orders the studies of one patient (any integer scale, larger is later; None if unknown).
    `mentions` are paragraphs elsewhere that refer to this figure. `drawn` marks simulated pictures.
    """

    id: str
    corpus: str
    kind: Kind
    domain: str
    modality: str = ""
    title: str = ""
    report: str = ""
    findings: str = ""
    caption: str = ""
    pictures: tuple[Picture, ...] = ()
    mentions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    patient: str = ""
    study: str = ""
    day: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    licence: Licence = Licence()
    source: str = ""
    drawn: bool = False

    def __post_init__(self) -> None:
        if not self.id or not self.corpus:
            raise InputError("A record needs an id and a corpus.")
        if self.kind not in get_args(Kind):
            raise InputError(f"Record {self.id!r} is of kind {self.kind!r}; it must be case, figure or passage.")
        if self.day is not None and not -(2**63) <= self.day < 2**63:
            raise InputError(f"Record {self.id!r} is of day {self.day}, which is no day; give one of 64 bits.")

    @property
    def uid(self) -> int:
        """The 63-bit number under which catalogue and indexes know this record."""
        return record_uid(self.corpus, self.id)

    @property
    def text(self) -> str:
        """All text of the record in reading order, what lexical and sentence search see."""
        parts = (self.title, self.caption, self.report, *self.mentions)
        return "\n\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))

    @property
    def patient_key(self) -> str:
        """Whose record it is, unique over corpora; one without a patient is its own."""
        return f"{self.corpus}/{self.patient or self.id}"

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything that an index depends on; equal hashes need no new embedding."""
        return hashlib.sha256(self.to_json(portable=True).encode()).hexdigest()

    def to_json(self, *, portable: bool = False) -> str:
        """One JSON object on one line; `portable` leaves out where the pictures were read from."""
        values = asdict(self)
        if portable:
            for picture in values["pictures"]:
                del picture["source"]
        said = json.dumps(values, ensure_ascii=False, sort_keys=True, default=dict)
        return said.encode(errors="backslashreplace").decode()  # half a surrogate pair, as in odd file names

    @classmethod
    def from_json(cls, text: str) -> Record:
        """The inverse of `to_json`."""
        values = json.loads(text)
        values["pictures"] = tuple(Picture(**picture) for picture in values["pictures"])
        values["licence"] = Licence(**values["licence"])
        for name in ("mentions", "labels", "absent"):
            values[name] = tuple(values[name])
        return cls(**values)

    def with_pictures(self, pictures: tuple[Picture, ...]) -> Record:
        """The same record with other pictures, as after storing them."""
        return replace(self, pictures=pictures)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something a reader met and could not turn into a record: where, and why."""

    where: str
    reason: str


def record_uid(corpus: str, key: str) -> int:
    """The stable 63-bit hash of a record's corpus and key.

    >>> record_uid("teaching", "cxr-001") == record_uid("teaching", "cxr-001") < 2**63
    True
    """
    digest = hashlib.blake2b(f"{corpus}\x1f{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
