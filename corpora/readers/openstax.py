"""Reader for OpenStax-style books: CNXML modules, collections that order them, and their pictures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element

from corpora.domains import TEXTBOOK
from corpora.errors import SourceError
from corpora.readers.base import ReaderOptions
from corpora.readers.cnxml import (
    Place,
    child,
    child_text,
    licence_url,
    local_name,
    module_places,
    parse_xml,
    plain_text,
    targets_of,
)
from corpora.records import Licence, LicenceClass, Picture, Record, Skipped

__all__ = ["OpenStaxReader"]

_SHORTEST, _LONGEST = 150, 250  # words of a passage
_NO_TEACHING = {"references", "suggested-reading", "multiple-choice", "free-response", "review-questions"}
_NO_TEXT = {"section", "figure", "exercise", "title", "label", "media"}
_SENTENCE_END = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"”’)\]]))\s+(?=[\"“(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|al|vs|cf|Fig|Dr|Mr|Ms|Mrs|St|approx|[A-Z])\.|n\.d\.)$")


class OpenStaxReader:
    """Reads `modules/*/index.cnxml` in the order of `collections/*.collection.xml`.

    Every figure becomes a record with its caption, its pictures and the paragraphs that refer to it; the
    text of every section becomes passages. `options.extra["drawn"] = "true"` marks the figures as drawn.
    A figure's `type` attribute names its modality; without one it is a drawing.
    """

    def read(self, source: Path, options: ReaderOptions) -> Iterator[Record | Skipped]:
        """Records of one book folder; what cannot be used is yielded as `Skipped`."""
        paths = {path.parent.name: path for path in sorted(source.glob("modules/*/index.cnxml"))}
        if not paths:
            raise SourceError(f"{source} holds no modules/*/index.cnxml; give the folder of an OpenStax book.")
        places: dict[str, Place] = {}
        for path in sorted(source.glob("collections/*.collection.xml")):
            try:
                for name, place in module_places(parse_xml(path)).items():
                    places.setdefault(name, place)
            except SourceError as error:
                yield Skipped(str(path), f"The collection {error}.")
        for name in places.keys() - paths.keys():
            yield Skipped(f"{source}: {name}", "The collection names this module, but there is no file of it.")
        order = [name for name in places if name in paths] + [name for name in paths if name not in places]
        book = _survey(paths, order, places)
        for name in order:
            if name in book.broken:
                yield Skipped(str(paths[name]), f"The module {book.broken[name]}.")
            else:
                yield from _Module(name, paths[name], parse_xml(paths[name]), book, options).records()


@dataclass(slots=True)
class _Book:
    """What must be known of all modules before the first is read: figure numbers and who refers to them."""

    places: Mapping[str, Place]
    numbers: dict[str, dict[str, str]] = field(default_factory=dict)  # module → figure id → "Figure 3.2"
    mentions: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def place(self, module: str) -> Place:
        return self.places.get(module, Place())


def _survey(paths: Mapping[str, Path], order: list[str], places: Mapping[str, Place]) -> _Book:
    book = _Book(places)
    counts: Counter[int] = Counter()
    for name in order:
        try:
            root = parse_xml(paths[name])
        except SourceError as error:
            book.broken[name] = str(error)
            continue
        chapter = book.place(name).chapter_number
        numbers = book.numbers.setdefault(name, {})
        for element in root.iter():
            if local_name(element) == "figure" and (key := element.get("id")):
                counts[chapter] += 1
                numbers[key] = f"Figure {chapter}.{counts[chapter]}" if chapter else f"Figure {counts[chapter]}"
        for element in root.iter():
            if local_name(element) == "para":
                text = plain_text(element, numbers)
                for document, target in dict.fromkeys(targets_of(element)):
                    book.mentions.setdefault((document or name, target), []).append(text)
    return book


class _Module:
    """One module on its way to records."""

    def __init__(self, name: str, path: Path, root: Element, book: _Book, options: ReaderOptions) -> None:
        self.name, self.path, self.root, self.book, self.options = name, path, root, book, options
        self.title = child_text(root, "title") or name
        self.place = book.place(name)
        own = licence_url(child(root, "metadata")) or self.place.licence_url
        self.template = Record(
            id=name,
            corpus=options.corpus,
            kind="passage",
            domain=options.domain or TEXTBOOK,
            licence=_licence(own, options.licence),
            source=f"{self.place.book or path.parents[2].name}, {self.title}",
        )
        self.ids: Counter[str] = Counter()

    def records(self) -> Iterator[Record | Skipped]:
        content = child(self.root, "content")
        if content is None:
            yield Skipped(str(self.path), "The module has no content.")
            return
        yield from self._section(content, ())
        glossary = child(self.root, "glossary")
        if glossary is not None:
            terms = [_definition(item) for item in glossary if local_name(item) == "definition"]
            yield from self._passages([(text, set()) for text in terms if text], ("Glossary",), "glossary")

    def _section(self, element: Element, trail: tuple[str, ...]) -> Iterator[Record | Skipped]:
        """A section's own passages, then its figures, then its subsections."""
        if _NO_TEACHING & set((element.get("class") or "").split()):
            return
        key = element.get("id") or "-".join(("text", *map(str, range(len(trail)))))
        yield from self._passages(list(self._blocks(element)), trail, key)
        for figure in _within(element, "figure"):
            yield from self._figure(figure, trail)
        for section in _within(element, "section"):
            yield from self._section(section, (*trail, title) if (title := child_text(section, "title")) else trail)

    def _blocks(self, element: Element) -> Iterator[tuple[str, set[str]]]:
        """Readable paragraphs of a section with the record ids of the figures that each refers to."""
        names = self.book.numbers.get(self.name, {})
        for item in element:
            name = local_name(item)
            if name in ("list", "note", "injected"):
                yield from self._blocks(item)
            elif name not in _NO_TEXT:
                text = " ".join(_table_rows(item)) if name == "table" else plain_text(item, names)
                if text:
                    # List items often end without a stop; joined in a passage they would run together.
                    stop = "." if name == "item" and text[-1].isalnum() else ""
                    yield text + stop, self._figures_in(item)
                if name == "para":
                    yield from self._blocks(_nested(item))

    def _figures_in(self, element: Element) -> set[str]:
        found = ((document or self.name, target) for document, target in targets_of(element))
        return {f"{module}-{key}" for module, key in found if key in self.book.numbers.get(module, {})}

    def _passages(self, blocks: list[tuple[str, set[str]]], trail: tuple[str, ...], key: str) -> Iterator[Record]:
        for number, (text, figures) in enumerate(_packed(blocks), 1):
            yield replace(
                self.template,
                id=self._unique(f"{self.name}-{key}-{number}"),
                kind="passage",
                modality="text",
                title=" — ".join((self.title, *trail)),
                report=text,
                findings=text,
                attributes={**self._where(trail), "figures": sorted(figures)},
            )

    def _figure(self, figure: Element, trail: tuple[str, ...]) -> Iterator[Record | Skipped]:
        key = figure.get("id") or "figure"
        pictures: list[Picture] = []
        for media in (item for item in figure.iter() if local_name(item) == "media"):
            for image in (item for item in media if local_name(item) == "image"):
                path = (self.path.parent / (image.get("src") or "")).resolve()
                if not path.is_file():
                    yield Skipped(f"{self.path}#{key}", f"The picture {image.get('src')} is missing.")
                    continue
                pictures.append(Picture(source=str(path), description=_words(media.get("alt") or "")))
        if not pictures:
            return
        names = self.book.numbers.get(self.name, {})
        caption = child(figure, "caption")
        text = "" if caption is None else plain_text(caption, names)
        yield replace(
            self.template,
            id=self._unique(f"{self.name}-{key}"),
            kind="figure",
            modality=figure.get("type") or "drawing",
            title=child_text(figure, "title") or (trail[-1] if trail else self.title),
            findings=text or pictures[0].description,
            caption=text,
            pictures=tuple(pictures),
            mentions=tuple(dict.fromkeys(self.book.mentions.get((self.name, key), ()))),
            attributes={**self._where(trail), "number": names.get(key, "")},
            drawn=self.options.extra.get("drawn", "").casefold() in ("true", "yes", "1"),
        )

    def _where(self, trail: tuple[str, ...]) -> dict[str, object]:
        return {"book": self.place.book, "chapter": self.place.chapter, "section": [self.title, *trail]}

    def _unique(self, key: str) -> str:
        self.ids[key] += 1
        return key if self.ids[key] == 1 else f"{key}-{self.ids[key]}"


def _within(element: Element, name: str) -> Iterator[Element]:
    """Elements of that name under `element`, not looking into them nor into subsections."""
    for item in element:
        if local_name(item) == name:
            yield item
        elif local_name(item) not in ("section", "exercise"):
            yield from _within(item, name)


def _nested(item: Element) -> Element:
    """The lists, notes and tables that stand inside a paragraph, as a section of their own."""
    holder = Element("section")
    holder.extend(inner for inner in item if local_name(inner) in ("list", "note", "table"))
    return holder


def _definition(item: Element) -> str:
    term, meaning = child_text(item, "term"), child_text(item, "meaning")
    return f"{term}: {meaning.rstrip('.')}." if term and meaning else ""


def _table_rows(table: Element) -> Iterator[str]:
    """One sentence a row, each cell behind its column's heading where there is one."""
    heads: list[str] = []
    for group in table.iter():
        if local_name(group) not in ("thead", "tbody"):
            continue
        for row in _within(group, "row"):
            cells = [plain_text(entry) for entry in row]
            if local_name(group) == "thead":
                heads = cells
                continue
            named = len(heads) == len(cells)
            pairs = [f"{heads[i]}: {cell}" if named and heads[i] else cell for i, cell in enumerate(cells) if cell]
            if pairs:
                yield "; ".join(pairs).rstrip(".") + "."


def _packed(blocks: list[tuple[str, set[str]]]) -> Iterator[tuple[str, set[str]]]:
    """Passages of about 150–250 words, whole sentences only; a shorter rest joins the passage before it."""
    passages: list[tuple[list[str], set[str]]] = []
    for text, figures in blocks:
        whole = _length(text) <= _LONGEST
        for piece in [text] if whole else _sentences(text):
            if passages:
                size = sum(map(_length, passages[-1][0]))
                if size < _SHORTEST and size + _length(piece) <= _LONGEST:
                    passages[-1][0].append(piece)
                    passages[-1][1].update(figures)
                    continue
            passages.append(([piece], set(figures)))
    if len(passages) > 1 and sum(map(_length, passages[-1][0])) < _SHORTEST // 3:
        rest, figures = passages.pop()
        passages[-1][0].extend(rest)
        passages[-1][1].update(figures)
    for parts, figures in passages:
        yield " ".join(parts), figures


def _sentences(text: str) -> list[str]:
    found: list[str] = []
    for piece in _SENTENCE_END.split(text):
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += f" {piece}"
        else:
            found.append(piece)
    return found


def _length(text: str) -> int:
    return text.count(" ") + 1


def _words(text: str) -> str:
    return " ".join(text.split())


def _licence(url: str, fallback: Licence) -> Licence:
    """The licence that an address stands for; Creative Commons addresses name their own terms."""
    match = re.search(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/([\d.]+)", url)
    if not match:
        return fallback
    terms, version = match.groups()
    kind: LicenceClass = "non-commercial" if "nc" in terms.split("-") else "open"
    name = f"CC0 {version}" if terms == "zero" else f"CC {terms.upper()} {version}"
    return Licence(name=name, kind=kind, url=url, attribution=fallback.attribution)
