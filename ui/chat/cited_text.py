"""An answer's text as HTML: a little Markdown, everything else escaped, evidence numbers as buttons."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

__all__ = ["cited_html"]

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_NUMBER = re.compile(r"\d+")


def _parser() -> MarkdownIt:
    # Text of a model is not trusted: no HTML, no links, no pictures; what remains is form only.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.disable(["image", "link", "autolink", "reference", "html_inline", "html_block", "code", "fence"])


_MARKDOWN = _parser()


def cited_html(text: str, numbers: Collection[int]) -> Markup:
    """The text as HTML in which `[n]` is a button for each evidence number in `numbers`.

    Numbers without evidence stay text, so that a citation that leads nowhere never looks like one.

    >>> str(cited_html("Blunted **angle** [1], [7].", {1})).count("<button")
    1
    """
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.children:
            token.children = [part for child in token.children for part in _cited(child, numbers)]
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _cited(token: Token, numbers: Collection[int]) -> Iterator[Token]:
    if token.type != "text":
        yield token
        return
    start = 0
    for match in _CITATION.finditer(token.content):
        cited = [int(number) for number in _NUMBER.findall(match.group(1))]
        known = [number for number in cited if number in numbers]
        if not known:
            continue
        yield _text(token.content[start : match.start()])
        for number in cited:
            yield _button(number) if number in numbers else _text(f"[{number}]")
        start = match.end()
    yield _text(token.content[start:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _button(number: int) -> Token:
    html = Markup('<button type="button" class="cite" data-number="{0}" aria-label="evidence {0}">{0}</button>').format(
        escape(number)
    )
    return Token("html_inline", "", 0, content=str(html))
