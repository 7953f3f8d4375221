"""A diagram as SVG: the backbone runs down on the left, neck and head stand right of it. Pure.

Everything is drawn on its own white ground with dark text, so it reads the same in a dark window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from catalog_service.resolve.rendering.diagram import Box, Diagram, Edge
from catalog_service.resolve.rendering.safe_text import printable, shortened

MARGIN = 28
HEADER = 112
"""Title, two lines and the names of the columns."""

FOOTER = 58
"""The legend."""

CARD_WIDTH = 336
COLUMN_GAP = 76
ROW_GAP = 24
LINE = 17
CARD_TOP = 27
"""From a card's upper edge to the first line below its name."""

CARD_BOTTOM = 16
MAX_LINE_CHARS = 45
"""What fits into a card at 12 px."""

MAX_TITLE_CHARS = 80

COLUMNS = {"image": 0, "backbone": 0, "neck": 1, "head": 2, "aux": 2, "output": 3}
"""Kind of a box -> its column; columns that hold nothing take no room."""

HEADINGS = {0: "backbone", 1: "neck", 2: "head", 3: "output"}
"""Column -> what stands above it."""

FILLS = {
    "frozen": ("url(#frozen)", "#3b6ea5"),
    "trains": ("#fff1dc", "#c46a00"),
    "partly trains": ("url(#partly)", "#c46a00"),
    "": ("#f3f4f6", "#6b7280"),
}
"""State of a box -> its ground and its border."""

_STYLE = (
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "font-size:12px;fill:#1f2933}"
    ".title{font-size:20px;font-weight:700}.sub{font-size:13px;fill:#4b5563}"
    ".head{font-size:12px;font-weight:700;fill:#6b7280}.name{font-size:13px;font-weight:700}"
    ".state{font-size:11px;font-weight:700}"
)

_PATTERNS = (
    '<pattern id="frozen" width="9" height="9" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="9" height="9" fill="#e6f0fa"/>'
    '<rect width="3" height="9" fill="#d3e3f4"/></pattern>'
    '<pattern id="partly" width="9" height="9" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="9" height="9" fill="#fff1dc"/>'
    '<rect width="3" height="9" fill="#d3e3f4"/></pattern>'
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L10 5L0 10z" fill="#6b7280"/></marker>'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a box stands."""

    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2

    @property
    def bottom(self) -> int:
        return self.y + self.height


def svg_text(diagram: Diagram) -> str:
    """Return a whole SVG file."""
    places = _places(diagram)
    width = max(place.x for place in places) + CARD_WIDTH + MARGIN
    height = max(place.bottom for place in places) + FOOTER
    parts = [
        _opening(diagram, width, height),
        *_header(diagram),
        *_headings(diagram.boxes, places),
        *_arrows(diagram.edges, places),
        *(_card(box, place) for box, place in zip(diagram.boxes, places, strict=True)),
        *_legend(height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _places(diagram: Diagram) -> list[_Place]:
    """Return where every box stands: the first column from the top, the others beside what they
    are fed from.
    """
    columns = [COLUMNS[box.kind] for box in diagram.boxes]
    used = sorted(set(columns))
    heights = [CARD_TOP + LINE * len(box.lines) + CARD_BOTTOM for box in diagram.boxes]
    places: dict[int, _Place] = {}
    for column in used:
        inside = [at for at, its in enumerate(columns) if its == column]
        y = _top(diagram, inside, places, sum(heights[at] + ROW_GAP for at in inside) - ROW_GAP)
        for at in inside:
            x = MARGIN + used.index(column) * (CARD_WIDTH + COLUMN_GAP)
            places[at] = _Place(x=x, y=y, height=heights[at])
            y += heights[at] + ROW_GAP
    return [places[at] for at in range(len(columns))]


def _top(diagram: Diagram, inside: Sequence[int], places: Mapping[int, _Place], tall: int) -> int:
    """Return where a column begins: its middle at the middle of what it is fed from, but neither
    above the header nor below everything that is drawn already.
    """
    feeding = [e.start for e in diagram.edges if e.end in inside and e.start not in inside]
    sources = [places[at].middle for at in feeding if at in places]
    if not sources:
        return HEADER
    lowest = max(place.bottom for place in places.values())
    wanted = (min(sources) + max(sources)) // 2 - tall // 2
    return max(HEADER, min(wanted, lowest - tall))


def _opening(diagram: Diagram, width: int, height: int) -> str:
    said = ". ".join((diagram.title, *diagram.subtitles))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">\n<title>{_safe(said)}</title>\n'
        f"<style>{_STYLE}</style>\n<defs>{_PATTERNS}</defs>\n"
        f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="12" fill="#ffffff" '
        'stroke="#d1d5db"/>'
    )


def _header(diagram: Diagram) -> list[str]:
    title = shortened(diagram.title, MAX_TITLE_CHARS)
    lines = [_text(MARGIN, 36, title, "title")]
    lines += [_text(MARGIN, 58 + 18 * at, line, "sub") for at, line in enumerate(diagram.subtitles)]
    return lines


def _headings(boxes: Sequence[Box], places: Sequence[_Place]) -> list[str]:
    tops: dict[int, _Place] = {}
    for box, place in zip(boxes, places, strict=True):
        tops.setdefault(COLUMNS[box.kind], place)
    return [_text(place.x, place.y - 9, HEADINGS[column], "head") for column, place in tops.items()]


def _card(box: Box, place: _Place) -> str:
    fill, border = FILLS[box.state]
    rows = [
        f'<rect x="{place.x}" y="{place.y}" width="{CARD_WIDTH}" height="{place.height}" rx="8" '
        f'fill="{fill}" stroke="{border}" stroke-width="1.5"'
        + (' stroke-dasharray="5 4"/>' if box.state == "frozen" else "/>"),
        _text(place.x + 12, place.y + 20, shortened(box.name, 34), "name"),
    ]
    if box.state:
        rows.append(
            f'<text x="{place.x + CARD_WIDTH - 12}" y="{place.y + 20}" text-anchor="end" '
            f'class="state" style="fill:{border}">{_safe(box.state)}</text>'
        )
    for at, line in enumerate(box.lines):
        y = place.y + CARD_TOP + LINE * at + 11
        rows.append(_text(place.x + 12, y, shortened(line, MAX_LINE_CHARS)))
    rows.append(_share(box, place, border))
    return "\n".join(row for row in rows if row)


def _share(box: Box, place: _Place, colour: str) -> str:
    """Return a bar at the foot of a card: its share of all parameters."""
    if not box.share:
        return ""
    room = CARD_WIDTH - 24
    return (
        f'<rect x="{place.x + 12}" y="{place.bottom - 9}" width="{room}" height="3" rx="1.5" '
        f'fill="#ffffff"/><rect x="{place.x + 12}" y="{place.bottom - 9}" '
        f'width="{max(2, round(room * box.share))}" height="3" rx="1.5" fill="{colour}"/>'
    )


def _arrows(edges: Sequence[Edge], places: Sequence[_Place]) -> list[str]:
    """Return the arrows; those into one box from another column arrive side by side."""
    arrows = []
    for edge in edges:
        start, end = places[edge.start], places[edge.end]
        beside = [e for e in edges if e.end == edge.end and places[e.start].x != end.x]
        if edge in beside:
            y = end.y + end.height * (1 + beside.index(edge)) // (1 + len(beside))
            is_straight = len(beside) == 1 and end.y < start.middle < end.bottom
            arrows.append(_across(start, end, start.middle if is_straight else y))
        else:
            x = start.x + CARD_WIDTH // 2
            arrows.append(_arrow(f"M{x} {start.bottom}V{end.y - 1}"))
    return arrows


def _across(start: _Place, end: _Place, y: int) -> str:
    bend = end.x - COLUMN_GAP // 2
    return _arrow(f"M{start.x + CARD_WIDTH} {start.middle}H{bend}V{y}H{end.x - 1}")


def _arrow(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#6b7280" marker-end="url(#tip)"/>'


def _legend(height: int) -> list[str]:
    y, x, parts = height - 32, MARGIN, []
    for state in ("frozen", "trains", "partly trains"):
        fill, border = FILLS[state]
        dashes = ' stroke-dasharray="5 4"' if state == "frozen" else ""
        parts.append(
            f'<rect x="{x}" y="{y}" width="22" height="14" rx="3" fill="{fill}" '
            f'stroke="{border}"{dashes}/>'
        )
        parts.append(_text(x + 29, y + 11, state))
        x += 52 + 7 * len(state)
    parts.append(_text(x + 20, y + 11, "bar: share of all parameters; shapes without the batch"))
    return parts


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    chosen = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{chosen}>{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(printable(text), {'"': "&quot;"})
