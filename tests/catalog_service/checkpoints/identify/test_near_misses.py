"""What is almost an architecture is refused, and told what differs and which one is nearest."""

import random
import re

import pytest

from catalog_service.checkpoints.identify import NotIdentified, identify
from tests.fakes.file_listings import Shapes, behind, listing, shapes_of, without

RESNET18 = shapes_of("resnet18")
RESNET50 = shapes_of("resnet50")
VIT = shapes_of("vit_b_16")


def cut(shapes: Shapes, share: float) -> Shapes:
    """Return the first tensors, as a file that ended early would have them."""
    return dict(list(shapes.items())[: int(share * len(shapes))])


def wider(shapes: Shapes) -> Shapes:
    """Return a ResNet with one and a half times the channels inside its blocks."""
    found = {}
    for name, shape in shapes.items():
        last = name.split(".")[-2] if shape and name.startswith("layer") else ""
        if last in ("conv1", "bn1"):
            shape = (shape[0] * 3 // 2, *shape[1:])
        elif last in ("conv2", "bn2"):
            shape = tuple(size * 3 // 2 for size in shape[:2]) + shape[2:]
        elif last == "conv3":
            shape = (shape[0], shape[1] * 3 // 2, *shape[2:])
        found[name] = shape
    return found


def grouped(shapes: Shapes) -> Shapes:
    return {
        name: (shape[0], shape[1] // 2, 3, 3) if name.endswith("conv2.weight") else shape
        for name, shape in shapes.items()
    }


def shuffled(shapes: Shapes) -> Shapes:
    """Return the same names with each other's shapes."""
    values = list(shapes.values())
    random.Random(0).shuffle(values)
    return dict(zip(shapes, values, strict=True))


SQUEEZE = {"layer1.0.se.fc1.weight": (4, 64, 1, 1), "layer1.0.se.fc1.bias": (4,)}

NEAR: dict[str, tuple[Shapes, str, str]] = {
    "stem for small images": (
        {**RESNET18, "conv1.weight": (64, 3, 3, 3)},
        "resnet18",
        "conv1.weight: 3x3 kernels, the stem for small images; resnet18 has 7x7",
    ),
    "one channel": (
        {**RESNET18, "conv1.weight": (64, 1, 7, 7)},
        "resnet18",
        "made for 1 channels, not 3; register it with structure.in_channels = 1",
    ),
    "wider": (wider(RESNET50), "resnext50_32x4d", "another shape .narrower layers."),
    "grouped": (grouped(RESNET50), "resnet50", "another shape .grouped convolutions."),
    "a block less": (
        {n: s for n, s in RESNET50.items() if not n.startswith("layer3.5")},
        "resnet50",
        "15 tensors missing: layer3.5.conv1.weight",
    ),
    "a block more": (
        {**RESNET18, **{n.replace("layer4.1", "layer4.2"): s for n, s in RESNET18.items()}},
        "resnet18",
        "12 tensors that resnet18 does not have: layer4.2.conv1.weight",
    ),
    "cut in the middle": (
        cut(RESNET50, 0.5),
        "resnet50",
        "tensors missing, all of layer4: layer3",
    ),
    "one tensor less": (
        without(RESNET50, "layer4.2.conv3.weight"),
        "resnet50",
        "1 tensors missing: layer4.2.conv3.weight",
    ),
    "a gate in each block": (
        {**RESNET50, **SQUEEZE},
        "resnet50",
        "2 tensors that resnet50 does not have: layer1.0.se.fc1.weight",
    ),
    "positions of larger images": (
        {**VIT, "encoder.pos_embedding": (1, 1025, 768)},
        "vit_b_16",
        "positions of 1024 patches, not 196: made for images of another size; register it with "
        "structure.image_height_px",
    ),
}


@pytest.mark.parametrize("name", NEAR)
@pytest.mark.parametrize("prefix", ["", "module.backbone."])
def test_a_near_miss_is_refused_with_the_nearest_and_what_differs(name: str, prefix: str) -> None:
    shapes, nearest, difference = NEAR[name]

    found = identify(listing(behind(prefix, shapes)))

    best = found.candidates[0]
    assert (best.architecture_id, best.is_match) == (nearest, False)
    assert re.search(difference, " ".join(best.problems).replace(prefix, ""))
    with pytest.raises(NotIdentified, match=f"it fits no architecture; nearest is {nearest}"):
        found.the_match()


def test_the_same_names_with_shuffled_shapes_are_no_match() -> None:
    found = identify(listing(shuffled(RESNET50)))

    assert not any(candidate.is_match for candidate in found.candidates)
    assert all(candidate.coverage < 0.7 for candidate in found.candidates)


@pytest.mark.parametrize(
    "shapes",
    [{}, {"a.weight": (3, 3)}, {"embed.weight": (32000, 4096), "layers.0.w": (4096, 4096)}],
    ids=["nothing", "something else", "a language model"],
)
def test_what_is_like_nothing_is_said_so(shapes: Shapes) -> None:
    found = identify(listing(shapes))

    assert found.candidates == ()
    with pytest.raises(NotIdentified, match="nothing that the catalog knows is like it"):
        found.the_match()


def test_whole_numbers_in_place_of_weights_are_refused() -> None:
    found = identify(listing(RESNET18, dtype="I8"))

    assert not found.candidates[0].is_match
    assert "numbers of another kind: conv1.weight: I8, not F32" in found.candidates[0].problems[0]


def test_a_tensor_under_two_spellings_is_refused() -> None:
    found = identify(listing(RESNET18, behind("module.", RESNET18)))

    assert not found.is_unambiguous
    assert "two tensors for each of" in found.candidates[0].problems[0]


def test_a_file_of_very_many_trees_is_read_in_part() -> None:
    many = [behind(f"expert{number}.", without(RESNET18, "tracked")) for number in range(100)]
    odd = {f"{number}.conv1.weight": (64, 3, 7, 7) for number in range(5000)}

    found = identify(listing(*many, odd))

    assert not found.is_unambiguous
    assert [candidate.is_match for candidate in found.candidates] == [True] * 5


def test_a_name_of_very_many_parts_is_passed_over() -> None:
    found = identify(listing(behind("a." * 5000, RESNET18)))

    assert found.candidates == ()
