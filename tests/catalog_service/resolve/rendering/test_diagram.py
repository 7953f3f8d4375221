"""What a drawing shows, before it has a format."""

import pytest

from catalog_service.models.model_description import PartSummary
from catalog_service.resolve.description import DescribedModel
from catalog_service.resolve.rendering.diagram import Diagram, diagram_of
from catalog_service.resolve.rendering.words import bytes_text, count_text, shape_text
from tests.fakes.described_models import CNN, described_model, module, part, stage


def flows(diagram: Diagram) -> set[tuple[str, str]]:
    names = [box.name for box in diagram.boxes]
    return {(names[edge.start], names[edge.end]) for edge in diagram.edges}


def test_the_image_runs_through_every_stage_to_the_output(cnn: DescribedModel) -> None:
    diagram = diagram_of(cnn)

    assert flows(diagram) == {
        ("image", "stem"),
        ("stem", "layer1"),
        ("layer1", "layer2"),
        ("layer2", "Block"),
        ("Block", "logits"),
    }


def test_title_and_lines_have_the_totals(cnn: DescribedModel) -> None:
    diagram = diagram_of(cnn)

    assert diagram.title == "tiny · as published"
    said = " ".join(diagram.subtitles)
    for words in ("3,010 parameters", "10 train", "3,000 frozen", "frozen_backbone", "4.09 G"):
        assert words in said


def test_each_box_says_whether_it_trains(cnn: DescribedModel) -> None:
    states = {box.name: box.state for box in diagram_of(cnn).boxes}

    assert states["stem"] == "frozen" and states["Block"] == "trains" and states["image"] == ""


def test_equal_neighbours_are_folded_into_one_box() -> None:
    layers = tuple(stage(f"layer{at}", (1, 197, 768)) for at in range(40))
    last = stage("layer40", (1, 197, 768), trainable=1, frozen=0)

    boxes = diagram_of(described_model((*layers, last, part("head", "head")))).boxes

    assert [box.name for box in boxes] == [
        "image",
        "layer0 to layer39",
        "layer40",
        "head",
        "logits",
    ]
    assert "40 equal stages, each 1,000" in boxes[1].lines
    assert "40,000 parameters, 20,000 mult-adds" in boxes[1].lines


def test_a_neck_is_fed_by_the_stages_whose_shapes_it_takes() -> None:
    shapes = ((1, 256, 56, 56), (1, 512, 28, 28))
    neck = module("fpn", "neck", inputs=shapes, outputs=((1, 8, 56, 56), (1, 8, 28, 28)))
    parts: tuple[PartSummary, ...] = (*CNN[:-1], part("neck", "neck"), CNN[-1])

    diagram = diagram_of(described_model(parts, (neck, module("rpn", "head"))))

    assert {("layer1", "Block"), ("layer2", "Block")} <= flows(diagram)
    assert ("stem", "Block") not in flows(diagram)
    [box] = [box for box in diagram.boxes if box.kind == "neck"]
    assert [line for line in box.lines if line.startswith("gives")] == [
        f"gives {shape_text((1, 8, 56, 56))}",
        f"gives {shape_text((1, 8, 28, 28))}",
    ]


def test_what_the_recipe_taps_on_the_way_is_drawn_and_not_folded_away() -> None:
    layers = tuple(stage(f"layer{at}", (1, 197, 768)) for at in range(4))
    head: dict[str, object] = {"kind": "fcn", "feature_maps": ["layer1", "layer3"]}

    diagram = diagram_of(described_model((*layers, part("head", "head")), head=head))

    assert flows(diagram) >= {("layer0", "layer1"), ("layer1", "fcn"), ("layer2 to layer3", "fcn")}


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (14_343, "14,343"),
        (215_808, "216 k"),
        (23_522_375, "23.5 M"),
        (4 * 10**9, "4.00 G"),
    ],
)
def test_counts_have_three_digits_that_count(count: int, text: str) -> None:
    assert count_text(count) == text


def test_bytes_and_shapes_as_people_read_them() -> None:
    assert bytes_text(1_500_000_000) == "1.50 GB"
    assert bytes_text(12) == "12 B"
    assert shape_text((1, 37)) == "37 numbers"
    assert shape_text((1, -1, 4)).startswith("n ")
