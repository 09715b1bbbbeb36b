"""Reader `jsonl`: a folder with `records.jsonl` (one JSON object a line) and the pictures that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from corpora.errors import CurbsideError, InputError, SourceError
from corpora.language import packaged_lexicon, visible_findings
from corpora.readers.base import ReaderOptions, licence_kind
from corpora.records import Kind, Licence, LicenceClass, Picture, Record, Skipped

__all__ = ["JsonLinesReader", "build_record"]

_KNOWN = {
    "id", "domain", "modality", "image", "images", "report", "findings", "caption", "title", "labels", "absent",
    "patient", "study", "day", "date", "order", "attributes", "license", "license_class", "license_url", "source",
    "view", "kind", "drawn", "mentions",
}  # fmt: skip
_PARENTHESES = re.compile(r"^(?P<outer>[^(]+)\((?P<inner>[^)]+)\)$")


class JsonLinesReader:
    """One record a line; `id` is needed, everything else optional, unknown fields go to `attributes`.

    Fields: `id, domain, modality, image` (or `images`), `report, findings, caption, title, labels, absent, patient,
    study, day` (or `order`, `date`), `view, attributes, license, license_class, source, kind, drawn`. Options:
    `file` names the lines' file where it is not `records.jsonl`.
    """

    def read(self, source: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
        """Every line's record; a broken line, an unknown domain or a missing file of a picture is skipped."""
        options.only("file")
        path = source if source.is_file() else source / options.extra.get("file", "records.jsonl")
        try:
            lines = path.open("rb")
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
        with lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _record(line, f"{path.name}:{number}", path.parent, options)


def _record(line: bytes, where: str, folder: Path, options: ReaderOptions) -> Record | Skipped:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Skipped(where, f"not a JSON object: {error}")
    key = values.get("id") if isinstance(values, dict) else None
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        return Skipped(where, "the line has no id")
    return build_record(values, where, folder, options)


def build_record(values: Mapping[str, Any], where: str, folder: Path, options: ReaderOptions) -> Record | Skipped:
    """The record of these fields, its pictures relative to `folder`; what is wrong with them is told at `where`."""
    try:
        return _build(_storable(values), folder, options)
    except CurbsideError as error:
        return Skipped(f"{where} ({values['id']})", str(error))
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        return Skipped(f"{where} ({values['id']})", f"a field has a wrong type: {error}")


def _build(values: Mapping[str, Any], folder: Path, options: ReaderOptions) -> Record:
    name = _text(values, "domain") or options.domain
    if not name:
        raise InputError("the record says no domain; add the field or say --domain")
    domain = options.domains.get(name)
    report = _text(values, "report")
    attributes = dict(values.get("attributes") or {})
    attributes.update({name: value for name, value in values.items() if name not in _KNOWN and value is not None})
    kind: Any = values.get("kind")
    return Record(
        id=str(values["id"]),
        corpus=options.corpus,
        kind=kind if kind in get_args(Kind) else "case",
        domain=domain.name,
        modality=domain.modality(_modality(_text(values, "modality") or options.modality)),
        title=_text(values, "title"),
        report=report,
        findings=_text(values, "findings") or visible_findings(report),
        caption=_text(values, "caption"),
        pictures=tuple(
            Picture(source=str(folder / path), view=_text(values, "view"))
            for path in _list(values, "images") or _list(values, "image")
        ),
        mentions=tuple(_list(values, "mentions")),
        labels=_labels(_list(values, "labels")),
        absent=_labels(_list(values, "absent")),
        patient=_text(values, "patient"),
        study=_text(values, "study"),
        day=_day(values),
        attributes=attributes,
        licence=_licence(values, options.licence),
        source=_text(values, "source"),
        drawn=bool(values.get("drawn", False)),
    )


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value).strip()


def _list(values: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list; a text alone is a list of one."""
    value = values.get(name) or []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in found):
        raise InputError(f"{name} must be a list of texts")
    return [text for item in found if (text := str(item)).strip()]


def _storable(value: Any) -> Any:
    """The value without what JSON may hold but databases refuse: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _labels(labels: list[str]) -> tuple[str, ...]:
    lexicon = packaged_lexicon()
    return tuple(dict.fromkeys(lexicon.canonical(label) for label in labels))


def _modality(text: str) -> str:
    """`radiology (chest radiograph)` says its modality in the parentheses; `dermoscopy` is one as it stands."""
    match = _PARENTHESES.match(text)
    return match["inner"] if match and match["outer"].strip().casefold() in ("radiology", "ultrasound") else text


def _day(values: Mapping[str, Any]) -> int | None:
    """A number that orders studies: `day` or `order` as they stand, else days of `date` (a year alone will do)."""
    for name in ("day", "order"):
        if values.get(name) not in (None, ""):
            return int(float(values[name]))
    match = re.search(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", _text(values, "date"))
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1)).toordinal()
    except ValueError:
        return None


def _licence(values: Mapping[str, Any], default: Licence) -> Licence:
    name = _text(values, "license")
    if not name:
        return default
    said = values.get("license_class")
    kind = next((known for known in get_args(LicenceClass) if known == said), None) or licence_kind(name)
    return Licence(name, kind, url=_text(values, "license_url"), attribution=_text(values, "source"))
