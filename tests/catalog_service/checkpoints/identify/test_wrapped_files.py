"""One ResNet-50 backbone as forty trainings write it is found in each, and in the right tree."""

from dataclasses import dataclass

import pytest

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.identify import identify
from catalog_service.checkpoints.remap import matched_elements, remap
from tests.fakes.file_listings import (
    Shapes,
    behind,
    listing,
    numbered,
    published,
    renamed,
    shapes_of,
    without,
)

WHOLE = shapes_of("resnet50")
BACKBONE = shapes_of("resnet50", with_head=False)
PROJECTOR: Shapes = {
    "projector.0.weight": (2048, 2048),
    "projector.1.running_mean": (2048,),
    "projector.2.weight": (128, 2048),
}
QUEUE: Shapes = {"module.queue": (128, 65536), "module.queue_ptr": (1,)}
PROJECTION_INSTEAD_OF_CLASSES: Shapes = {
    "fc.0.weight": (2048, 2048),
    "fc.0.bias": (2048,),
    "fc.2.weight": (128, 2048),
    "fc.2.bias": (128,),
}
SMALLER = shapes_of("resnet18", with_head=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A file, and where its backbone is."""

    file: list[TensorSpec]
    prefix: str
    layout: str = "torchvision"
    branch: str = ""
    num_classes: int = 0
    is_unambiguous: bool = True


def of(prefix: str, **facts: object) -> Variant:
    """Return a backbone without a head behind a prefix."""
    return Variant(file=listing(behind(prefix, BACKBONE)), prefix=prefix, **facts)  # type: ignore[arg-type]


def inside_every_block(shapes: Shapes, part: str) -> Shapes:
    return renamed(shapes, lambda name: name.replace(".conv", f".{part}.conv"))


def moco(branch: str) -> Shapes:
    return behind(f"module.{branch}.", {**BACKBONE, **PROJECTION_INSTEAD_OF_CLASSES})


VARIANTS = {
    "torchvision": Variant(file=listing(WHOLE), prefix="", num_classes=1000),
    "without a head": of(""),
    "half precision": Variant(file=listing(BACKBONE, dtype="F16"), prefix=""),
    "bfloat16": Variant(file=listing(BACKBONE, dtype="BF16"), prefix=""),
    "without counters": Variant(file=listing(without(BACKBONE, "num_batches_tracked")), prefix=""),
    "other classes": Variant(
        file=listing({**BACKBONE, "fc.weight": (7, 2048), "fc.bias": (7,)}),
        prefix="",
        num_classes=7,
    ),
    "DDP": of("module."),
    "DDP twice": of("module.module."),
    "compiled": of("_orig_mod."),
    "DDP, then compiled": of("_orig_mod.module."),
    "compiled, then DDP": of("module._orig_mod."),
    "three deep": of("module._orig_mod.module."),
    "FSDP": of("_fsdp_wrapped_module."),
    "activation checkpoints": Variant(
        file=listing(inside_every_block(BACKBONE, "_checkpoint_wrapped_module")), prefix=""
    ),
    "FSDP inside": Variant(
        file=listing(behind("module.", inside_every_block(BACKBONE, "_fsdp_wrapped_module"))),
        prefix="module.",
    ),
    "backbone.": of("backbone."),
    "encoder.": of("encoder."),
    "model.": of("model."),
    "compiled blocks": Variant(file=listing(inside_every_block(BACKBONE, "_orig_mod")), prefix=""),
    "model.backbone.": of("model.backbone."),
    "Lightning and DDP": of("model.module.backbone."),
    "compiled inside Lightning": of("model._orig_mod.encoder."),
    "a name of one's own": of("my_very.own.tower_3."),
    "a name that begins like the tree": of("backbone.backbone."),
    "lightly, numbers": Variant(
        file=listing(behind("backbone.", numbered(BACKBONE))),
        prefix="backbone.",
        layout="sequential",
    ),
    "numbers alone": Variant(file=listing(numbered(BACKBONE)), prefix="", layout="sequential"),
    "numbers, DDP": Variant(
        file=listing(behind("module.0.", numbered(BACKBONE))),
        prefix="module.0.",
        layout="sequential",
    ),
    "SimCLR with a projector": Variant(
        file=listing(behind("backbone.", BACKBONE), PROJECTOR), prefix="backbone."
    ),
    "SimCLR, the projector instead of the classes": Variant(
        file=listing(behind("backbone.", {**BACKBONE, **PROJECTION_INSTEAD_OF_CLASSES})),
        prefix="backbone.",
    ),
    "SwAV": Variant(
        file=listing(behind("module.", BACKBONE), {"module.prototypes.weight": (3000, 128)}),
        prefix="module.",
    ),
    "SimSiam": Variant(
        file=listing(
            behind("module.encoder.", {**BACKBONE, **PROJECTION_INSTEAD_OF_CLASSES}),
            {"module.predictor.0.weight": (512, 2048)},
        ),
        prefix="module.encoder.",
    ),
    "MoCo v2": Variant(
        file=listing(moco("encoder_k"), moco("encoder_q"), QUEUE),
        prefix="module.encoder_q.",
        branch="online",
    ),
    "MoCo v3": Variant(
        file=listing(moco("momentum_encoder"), moco("base_encoder")),
        prefix="module.base_encoder.",
        branch="online",
    ),
    "BYOL": Variant(
        file=listing(
            behind("target_network.encoder.", BACKBONE),
            behind("online_network.encoder.", BACKBONE),
            PROJECTOR,
        ),
        prefix="online_network.encoder.",
        branch="online",
    ),
    "solo-learn": Variant(
        file=listing(behind("momentum_backbone.", BACKBONE), behind("backbone.", BACKBONE)),
        prefix="backbone.",
    ),
    "DINO's teacher alone": of("teacher.backbone.", branch="teacher"),
    "DINO, student and teacher": Variant(
        file=listing(
            behind("student.module.backbone.", BACKBONE), behind("teacher.backbone.", BACKBONE)
        ),
        prefix="teacher.backbone.",
        branch="teacher",
        is_unambiguous=False,
    ),
    "a moving average beside": Variant(
        file=listing(behind("model_ema.", WHOLE), behind("model.", WHOLE)),
        prefix="model.",
        num_classes=1000,
        is_unambiguous=False,
    ),
    "a smaller network beside": Variant(
        file=listing(behind("student.", SMALLER), behind("teacher.", BACKBONE)),
        prefix="teacher.",
        branch="teacher",
        is_unambiguous=False,
    ),
    "inside a detector": Variant(
        file=listing(
            behind("backbone.body.", without(BACKBONE, "num_batches_tracked")),
            {"rpn.head.conv.0.0.weight": (256, 256, 3, 3)},
        ),
        prefix="backbone.body.",
    ),
}


def test_there_are_forty() -> None:
    assert len(VARIANTS) == 40


@pytest.mark.parametrize("name", VARIANTS)
def test_the_backbone_is_found_in_the_right_tree(name: str) -> None:
    variant = VARIANTS[name]

    found = identify(variant.file)

    best = found.candidates[0]
    assert (best.architecture_id, best.prefix) == ("resnet50", variant.prefix)
    assert (best.source_layout, best.branch) == (variant.layout, variant.branch)
    assert (best.coverage, best.num_classes, best.in_channels) == (1.0, variant.num_classes, 3)
    assert best.is_match
    assert not best.problems
    assert found.is_unambiguous == variant.is_unambiguous


@pytest.mark.parametrize("name", VARIANTS)
def test_a_registration_takes_the_same_tree_whole(name: str) -> None:
    """As it is where nothing is in doubt; otherwise the part of the file under the prefix."""
    variant, layout = VARIANTS[name], published("resnet50").layout
    chosen = "" if variant.is_unambiguous else variant.prefix
    tensors = [each for each in variant.file if each.name.startswith(chosen)]

    mapped = remap(tensors, layout, "resnet")

    kept = [new for old, new in mapped.names.items() if old.startswith(variant.prefix)]
    counters = sum(t.num_elements for t in layout.tensors if t.dtype == "I64")
    whole = sum(t.num_elements for t in layout.of_role("backbone"))
    assert len(kept) == len(mapped.names), "nothing from beside"
    assert matched_elements(mapped, tensors, layout) >= whole - counters
