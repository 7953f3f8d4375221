"""A diagram in the language of Graphviz. Pure. Source: graphviz.org/doc/info/lang.html."""

from collections.abc import Sequence

from catalog_service.resolve.rendering.diagram import Box, Diagram
from catalog_service.resolve.rendering.safe_text import printable, shortened

MAX_LINE_CHARS = 80

COLOURS = {
    "frozen": ("filled,dashed,rounded", "#e6f0fa", "#3b6ea5"),
    "trains": ("filled,rounded", "#fff1dc", "#c46a00"),
    "partly trains": ("filled,rounded", "#f4ecd9", "#c46a00"),
    "": ("filled,rounded", "#f3f4f6", "#6b7280"),
}
"""State of a box -> style, ground, border."""

CLUSTERS = ("backbone", "neck", "head", "aux")


def dot_text(diagram: Diagram) -> str:
    """Return a whole DOT file."""
    label = "\n".join((diagram.title, *diagram.subtitles))
    lines = [
        "digraph model {",
        f'  graph [label={_quoted(label)}, labelloc="t", rankdir="TB", bgcolor="white", '
        'fontname="Helvetica"];',
        '  node [shape="box", fontname="Helvetica", fontsize=11, fontcolor="#1f2933"];',
        '  edge [color="#6b7280"];',
        *_nodes(diagram.boxes),
        *(f"  n{edge.start} -> n{edge.end};" for edge in diagram.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _nodes(boxes: Sequence[Box]) -> list[str]:
    """Return the nodes, those of a part of the model in a cluster of its name."""
    numbered = list(enumerate(boxes))
    lines = [_node(at, box) for at, box in numbered if box.kind not in CLUSTERS]
    for kind in CLUSTERS:
        inside = [_node(at, box) for at, box in numbered if box.kind == kind]
        if inside:
            lines += [f"  subgraph cluster_{kind} {{", f'    label="{kind}"; color="#d1d5db";']
            lines += [f"  {line}" for line in inside] + ["  }"]
    return lines


def _node(at: int, box: Box) -> str:
    style, ground, border = COLOURS[box.state]
    name = f"{box.name} ({box.state})" if box.state else box.name
    label = "\n".join(shortened(line, MAX_LINE_CHARS) for line in (name, *box.lines))
    return (
        f'  n{at} [label={_quoted(label)}, style="{style}", fillcolor="{ground}", '
        f'color="{border}"];'
    )


def _quoted(text: str) -> str:
    """Return a quoted string; line feeds stay line breaks, a backslash is only ever our own."""
    lines = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'
