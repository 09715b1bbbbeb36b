"""HTML pages in one file that load nothing: template, style and script are files, written into them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

__all__ = ["page_file", "write_page"]

_BASE = Path(__file__).parent / "page_files"


def write_page(files: Path, name: str, path: Path, **values: Any) -> None:
    """Write `<name>.html` of the folder `files`, filled with `values`, to `path`.

    The template extends `page.html`, which holds the head, the common style and `<name>.css`. What is filled in is
    escaped, and the page's content policy forbids it to ask any host.
    """
    loader = FileSystemLoader([files, _BASE])
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = Markup("\n").join((page_file(_BASE, "page.css"), page_file(files, f"{name}.css")))
    page = environment.get_template(f"{name}.html").render(style=style, **values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def page_file(files: Path, name: str) -> Markup:
    """A file of ours, which may hold markup."""
    return Markup((files / name).read_text(encoding="utf-8"))
