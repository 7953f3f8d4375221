"""The pages that people read, and what they show: README.md first, then those of the rooms.

A section goes by its heading, which no two pages share, so that it may move to another page.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]

PAGES = tuple(
    ROOT / room / "README.md"
    for room in (".", "catalog_service", "trainer_service", "clients", "deploy")
)
"""In the order in which a newcomer's terminal goes through them."""

NAMED = re.compile(r"`(?P<file>\w+\.(?:json|py|sh))`:$")
"""What stands before a block that is a file."""

IN_HTML = re.compile(r'\b(?:src|href)="([^"]+)"')
ELSEWHERE = re.compile(r"[a-z]+:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    section: str
    """The nearest heading above it that is not the page's title."""

    kind: str
    text: str
    file: str
    """Its name, where it is a file to be saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A heading, and where it and what is below it stand."""

    title: str
    depth: int
    line: int
    anchor: str


def text(page: Path) -> str:
    """Return what a page says."""
    return page.read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return what stands below a heading of a page, up to the next one that is not deeper."""
    (found,) = [_below(text(page), title) for page in PAGES if title in _titles(page)]
    return found


def blocks(markdown: str, *, section: str = "") -> list[Block]:
    """Return the fenced blocks of a page or of a part of it, which is in `section`."""
    found: list[Block] = []
    before = ""
    every = headings(markdown)
    for token in _tokens(markdown):
        if token.type == "fence" and token.map:
            above = [one.title for one in every if one.line < token.map[0] and one.depth > 1]
            named = NAMED.search(before)
            found.append(
                Block(
                    section=[section, *above][-1],
                    kind=token.info,
                    text=token.content,
                    file=named["file"] if named else "",
                )
            )
        if token.type != "paragraph_close":
            before = token.content if token.type == "inline" else ""
    return found


def shown(title: str, kind: str) -> list[str]:
    """Return the blocks of a kind in the section under a heading."""
    return [one.text for one in blocks(section(title), section=title) if one.kind == kind]


def anchors(page: Path) -> set[str]:
    """Return what a link to a heading of this page may have behind its `#`."""
    return {one.anchor for one in headings(text(page))}


def inline_codes(page: Path) -> list[str]:
    """Return what a page mentions in running text as code."""
    return [one.content for one in _every(_tokens(text(page))) if one.type == "code_inline"]


def links(page: Path) -> set[str]:
    """Return where the links and pictures of a page lead within the repository."""
    found = set()
    for token in _every(_tokens(text(page))):
        found |= {str(token.attrs[name]) for name in ("href", "src") if name in token.attrs}
        found |= set(IN_HTML.findall(token.content)) if token.type.startswith("html") else set()
    return {unquote(link) for link in found if not ELSEWHERE.match(link)}


def is_there(page: Path, link: str) -> bool:
    """Whether a link leads to a file of the repository, and to a heading that is there."""
    path, _, anchor = link.partition("#")
    target = Path(os.path.normpath(page.parent / path)) if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


def _tokens(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(markdown)


def _every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _every(token.children or [])


def headings(markdown: str) -> list[Heading]:
    """Return the headings of a page; anchors are those that GitHub makes."""
    tokens = _tokens(markdown)
    found: list[Heading] = []
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or not token.map:
            continue
        title = "".join(one.content for one in inline.children or [])
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{slug}(-\d+)?", one.anchor) is not None for one in found)
        anchor = f"{slug}-{again}" if again else slug
        depth = int(token.tag.removeprefix("h"))
        found.append(Heading(title=title, depth=depth, line=token.map[0], anchor=anchor))
    return found


def _titles(page: Path) -> list[str]:
    return [one.title for one in headings(text(page))]


def _below(markdown: str, title: str) -> str:
    every = headings(markdown)
    here = next(one for one in every if one.title == title)
    ends = [one.line for one in every if one.line > here.line and one.depth <= here.depth]
    lines = markdown.splitlines(keepends=True)
    return "".join(lines[here.line + 1 : min([*ends, len(lines)])])
