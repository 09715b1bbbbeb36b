"""Questions to try on a home, made from what it holds."""

from __future__ import annotations

from app.overview import Example
from corpora.catalog import Catalog
from corpora.errors import SourceError
from corpora.images import ImageStore
from corpora.records import Record

__all__ = ["examples_of"]

_WANTED = (
    ("radiology", "pleural effusion", "Is there a pleural effusion?", "A chest radiograph"),
    ("dermatology", "melanoma", "What is the most likely diagnosis?", "A skin lesion"),
)
_TEXT = Example("What are B-lines, and what do they mean?", None, "A question in words")
_LOOK_AT = 4000


def examples_of(catalog: Catalog, images: ImageStore) -> tuple[Example, ...]:
    """Two questions about pictures of the home where it has fitting ones, and one in words."""
    found = []
    for domain, label, question, title in _WANTED:
        record = _first(catalog, domain, label)
        if record is not None:
            try:
                found.append(Example(question, images.path(record.pictures[0].digest).read_bytes(), title))
            except SourceError:
                continue
    return (*found, _TEXT)


def _first(catalog: Catalog, domain: str, label: str) -> Record | None:
    names = [corpus.name for corpus in catalog.corpora()]
    order = sorted(names, key=lambda name: (name != "teaching", name))
    for name in order:
        for number, record in enumerate(catalog.records([name], domain)):
            if record.pictures and label in record.labels:
                return record
            if number >= _LOOK_AT:
                break
    return None
