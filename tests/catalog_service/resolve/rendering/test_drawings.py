"""Both formats can be read by a parser, whatever the names are."""

import re
from xml.etree import ElementTree

import pytest

from catalog_service.resolve.description import DescribedModel
from catalog_service.resolve.rendering import FORMATS, draw
from tests.fakes.described_models import CNN, described_model, module, part, stage

SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = '</text><script>alert("x")</script>&amp;"\\\n\x00\x1b];}\u202e' + "x" * 300


def svg(described: DescribedModel) -> ElementTree.Element:
    return ElementTree.fromstring(draw(described, "svg").content)


def words(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def statements(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the nodes and edges of a DOT text, or fail where its quotes or braces do not close.

    Source of the grammar: graphviz.org/doc/info/lang.html.
    """
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', text, flags=re.DOTALL)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "S", text, flags=re.DOTALL)
    assert (
        '"' not in bare
        and bare.count("{") == bare.count("}")
        and bare.count("[") == bare.count("]")
    )
    assert re.fullmatch(r"[\w\s={};,\[\]>#.-]*", bare), bare
    assert all("\n" not in string for string in strings)
    nodes = re.findall(r"^\s*(n\d+) \[", bare, flags=re.MULTILINE)
    edges = re.findall(r"^\s*(n\d+) -> (n\d+);", bare, flags=re.MULTILINE)
    return nodes, edges


def test_the_svg_shows_every_box_with_its_shape(cnn: DescribedModel) -> None:
    shown = words(svg(cnn))

    for text in ("stem", "layer1", "layer2", "Block", "frozen", "trains", "37 numbers"):
        assert text in shown
    assert any(text.startswith("256") for text in shown)


def test_frozen_parts_are_hatched_and_dashed_and_others_are_not(cnn: DescribedModel) -> None:
    cards = [each for each in svg(cnn).iter(f"{SVG}rect") if each.get("stroke-width")]

    looks = [(card.get("fill"), bool(card.get("stroke-dasharray"))) for card in cards]
    assert looks.count(("url(#frozen)", True)) == 3
    assert all(dashed == (fill == "url(#frozen)") for fill, dashed in looks)


def test_no_card_lies_on_another_and_none_sticks_out(cnn: DescribedModel) -> None:
    root = svg(cnn)
    boxes = [
        tuple(int(card.get(name, "")) for name in ("x", "y", "width", "height"))
        for card in root.iter(f"{SVG}rect")
        if card.get("stroke-width")
    ]

    for at, (x, y, width, height) in enumerate(boxes):
        assert x + width < int(root.get("width", "")) and y + height < int(root.get("height", ""))
        for other in boxes[at + 1 :]:
            apart = other[0] >= x + width or other[0] + other[2] <= x
            apart = apart or other[1] >= y + height or other[1] + other[3] <= y
            assert apart, (boxes[at], other)


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_names_stay_text(form: str) -> None:
    described = described_model(
        (stage(HOSTILE, (1, 8, 8, 8)), part("head", "head")),
        (module(HOSTILE, "head"),),
        backbone=HOSTILE,
        head={"kind": HOSTILE},
    )

    content = draw(described, form).content

    if form == "svg":
        root = ElementTree.fromstring(content)
        assert not list(root.iter(f"{SVG}script"))
        assert any("<script>" in text for text in words(root))
    else:
        nodes, edges = statements(content)
        assert len(nodes) == 4 and len(edges) == 3


def test_the_dot_has_a_node_for_each_box_and_an_edge_for_each_flow(cnn: DescribedModel) -> None:
    nodes, edges = statements(draw(cnn, "dot").content)

    assert sorted(nodes) == ["n0", "n1", "n2", "n3", "n4", "n5"]
    assert ("n0", "n1") in edges and len(edges) == 5
    assert {name for edge in edges for name in edge} == set(nodes)


def test_media_types(cnn: DescribedModel) -> None:
    assert draw(cnn, "svg").media_type == "image/svg+xml"
    assert draw(cnn, "dot").media_type == "text/vnd.graphviz"


def test_a_drawing_of_many_stages_stays_small() -> None:
    layers = tuple(stage(f"layer{at}", (1, 197, 768)) for at in range(200))

    assert len(draw(described_model((*layers, CNN[-1])), "svg").content) < 20_000
