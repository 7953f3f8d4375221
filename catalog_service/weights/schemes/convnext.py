"""What ConvNeXt's tensors are called elsewhere: in its first code, in timm and in transformers.

The last norm is a part of the head here (`classifier.0`), so none of these has it. DINOv3's
ConvNeXt has the same names in timm and in Meta's code, and one tensor more.

Sources: github.com/facebookresearch/ConvNeXt, models/convnext.py; timm/models/convnext.py;
transformers, models/convnext/modeling_convnext.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog_service.weights.naming_scheme import Place, Scheme

NUM_STAGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """One code base's names; `S` stands for the number of the stage, from 0.

    Attributes:
        stem: convolution and norm.
        layers: of a block: ours -> theirs.
        scale: of a block, too: [D], and [D, 1, 1] here.
    """

    name: str
    source: str
    stem: tuple[str, str]
    downsample: str
    block: str
    layers: Mapping[str, str]
    scale: str
    head: str
    refused: tuple[str, ...] = ()


def _scheme(names: _Names) -> Scheme:
    places = [
        Place(ours=f"features.0.{index}.*", theirs=f"{path}.*")
        for index, path in enumerate(names.stem)
    ]
    for stage in range(NUM_STAGES):
        places += _stage(names, stage)
    return Scheme(
        name=names.name,
        source=names.source,
        places=tuple(places),
        head=names.head,
        refused=names.refused,
    )


def _stage(names: _Names, stage: int) -> Iterator[Place]:
    ours, theirs = f"features.{2 * stage + 1}.N", names.block.replace("S", str(stage))
    for layer, path in names.layers.items():
        yield Place(ours=f"{ours}.{layer}.*", theirs=f"{theirs}.{path}.*")
    yield Place(ours=f"{ours}.layer_scale", theirs=f"{theirs}.{names.scale}", is_reshaped=True)
    if stage:
        before = names.downsample.replace("S", str(stage))
        yield Place(ours=f"features.{2 * stage}.N.*", theirs=f"{before}.N.*")


_META = _Names(
    name="Meta",
    source="github.com/facebookresearch/ConvNeXt, models/convnext.py",
    stem=("downsample_layers.0.0", "downsample_layers.0.1"),
    downsample="downsample_layers.S",
    block="stages.S.N",
    layers={"block.0": "dwconv", "block.2": "norm", "block.3": "pwconv1", "block.5": "pwconv2"},
    scale="gamma",
    head="head",
    refused=("norms",),
)
"""Only DINOv3's has `norms`."""

_TIMM = _Names(
    name="timm",
    source="timm/models/convnext.py",
    stem=("stem.0", "stem.1"),
    downsample="stages.S.downsample",
    block="stages.S.blocks.N",
    layers={"block.0": "conv_dw", "block.2": "norm", "block.3": "mlp.fc1", "block.5": "mlp.fc2"},
    scale="gamma",
    head="head.fc",
    refused=("norm_pre",),
)

_HUB = _Names(
    name="huggingface",
    source="transformers, models/convnext/modeling_convnext.py",
    stem=("embeddings.patch_embeddings", "embeddings.layernorm"),
    downsample="encoder.stages.S.downsampling_layer",
    block="encoder.stages.S.layers.N",
    layers={
        "block.0": "dwconv",
        "block.2": "layernorm",
        "block.3": "pwconv1",
        "block.5": "pwconv2",
    },
    scale="layer_scale_parameter",
    head="classifier",
)

CONVNEXT_SCHEMES = tuple(_scheme(names) for names in (_META, _TIMM, _HUB))
