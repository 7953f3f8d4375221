"""Draws a described model: backbone, neck and head with shapes, as SVG or for Graphviz. No torch.

`diagram.py` says what is drawn, as values; `svg.py` and `dot.py` write it down. A new format is one
file and one line in `FORMATS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from catalog_service.resolve.description import DescribedModel
from catalog_service.resolve.rendering.diagram import Diagram, diagram_of
from catalog_service.resolve.rendering.dot import dot_text
from catalog_service.resolve.rendering.svg import svg_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A finished drawing."""

    content: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    media_type: str
    write: Callable[[Diagram], str]


FORMATS: Mapping[str, _Format] = {
    "svg": _Format(media_type="image/svg+xml", write=svg_text),
    "dot": _Format(media_type="text/vnd.graphviz", write=dot_text),
}


def draw(described: DescribedModel, form: str) -> Drawing:
    """Return the drawing of a model.

    Args:
        form: a key of `FORMATS`.
    """
    chosen = FORMATS[form]
    return Drawing(content=chosen.write(diagram_of(described)), media_type=chosen.media_type)


__all__ = ["FORMATS", "Drawing", "draw"]
