"""CNXML, the format of OpenStax books: safe parsing, readable text, and what a collection says of its modules.

Element names are compared without their namespace, since books differ in the prefixes they declare.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from corpora.errors import SourceError

__all__ = ["Place", "child", "child_text", "local_name", "module_places", "parse_xml", "plain_text", "targets_of"]

_SPACES = re.compile(r"\s+")
_NOT_INLINE = {"figure", "subfigure", "media", "table", "exercise", "note", "footnote", "list", "iframe"}


class _PlainDocument(ET.TreeBuilder):
    """A tree builder that refuses a document type, without which no entity can be declared (entity bombs)."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise SourceError("declares a document type; entities are refused for safety")


def parse_xml(path: Path) -> Element:
    """The root element of a file; raises `SourceError` where it is unreadable, malformed or has a DOCTYPE."""
    try:
        data = path.read_bytes()
        return ET.fromstring(data, parser=ET.XMLParser(target=_PlainDocument()))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error
    except (ET.ParseError, LookupError, ValueError) as error:
        raise SourceError(f"is not well-formed XML ({error})") from error


def local_name(element: Element) -> str:
    """The tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element, name: str) -> Element | None:
    """The first direct child of that name."""
    return next((item for item in element if local_name(item) == name), None)


def child_text(element: Element, name: str) -> str:
    """The readable text of the first direct child of that name, or nothing."""
    found = child(element, name)
    return "" if found is None else plain_text(found)


def plain_text(element: Element, link_names: Mapping[str, str] | None = None) -> str:
    """The text of an element on one line.

    Figures, tables, notes and lists inside it are left out; `link_names` says how an empty link to an
    id of the module reads ("Figure 3.2"). Fractions, powers and indices of MathML become `a/b`, `a^b`, `ab`.
    """
    return _tidy("".join(_pieces(element, link_names or {})))


def targets_of(element: Element) -> Iterator[tuple[str, str]]:
    """(document, target id) of every link inside an element; the document is empty for the same module."""
    for item in element.iter():
        if local_name(item) == "link" and (target := item.get("target-id")):
            yield item.get("document") or "", target


def _pieces(element: Element, link_names: Mapping[str, str]) -> Iterator[str]:
    yield element.text or ""
    for item in element:
        name = local_name(item)
        if name == "math":
            yield f" {_math(item)} "
        elif name in ("newline", "space"):
            yield " "
        elif name == "link" and not (item.text or len(item)):
            yield link_names.get(item.get("target-id") or "", "")
        elif name in ("sup", "sub"):
            yield _raised(item, name, link_names)
        elif name not in _NOT_INLINE:
            yield from _pieces(item, link_names)
        yield item.tail or ""


def _raised(item: Element, name: str, link_names: Mapping[str, str]) -> str:
    text = "".join(_pieces(item, link_names)).strip()
    return f"^{text}" if name == "sup" and text.lstrip("−–-").isdigit() else text


def _math(element: Element) -> str:
    """MathML on one line; layout is dropped, the order of what is read is kept."""
    name = local_name(element)
    parts = [text for item in element if (text := _math(item))]
    if name == "mfrac" and len(parts) == 2:
        return f"{parts[0]}/{parts[1]}"
    if name == "msup" and len(parts) == 2:
        return f"{parts[0]}^{parts[1]}"
    if name in ("msub", "msubsup"):
        return "".join(parts)
    text = (element.text or "").strip()
    return f" {text} " if name == "mo" else " ".join((text, *parts)).strip()


def _tidy(text: str) -> str:
    text = _SPACES.sub(" ", text).strip()
    # An empty link to something without a name leaves "( )" behind.
    return re.sub(r" ?\((?:see )?\s*\)", "", text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a module stands: the book's title, the chapter's number (from 1) and its title, the book's licence."""

    book: str = ""
    chapter_number: int = 0
    chapter: str = ""
    licence_url: str = ""


def module_places(root: Element) -> dict[str, Place]:
    """The place of each module of a collection, in reading order.

    A subcollection that holds modules directly is a chapter; one that only holds others is a part.
    Modules outside any subcollection (a preface) have no chapter.
    """
    metadata = child(root, "metadata")
    title = child_text(metadata, "title") if metadata is not None else ""
    found: dict[str, Place] = {}
    chapters = 0

    def walk(element: Element, place: Place) -> None:
        nonlocal chapters
        for item in element:
            name = local_name(item)
            if name == "subcollection":
                content = child(item, "content")
                holds_modules = content is not None and child(content, "module") is not None
                chapters += holds_modules
                inside = Place(title, chapters, child_text(item, "title"), place.licence_url)
                walk(item, inside if holds_modules else place)
            elif name == "content":
                walk(item, place)
            elif name == "module" and (document := item.get("document")):
                found.setdefault(document, place)

    walk(root, Place(book=title, licence_url=licence_url(metadata)))
    return found


def licence_url(metadata: Element | None) -> str:
    """The address that a metadata block names as the licence."""
    licence = None if metadata is None else child(metadata, "license")
    return "" if licence is None else (licence.get("url") or "").strip()
