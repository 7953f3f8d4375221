"""What ResNet's tensors are called elsewhere.

Many write torchvision's own names behind a prefix, and need no table: MoCo (`module.encoder_q.`),
SimSiam (`module.encoder.`), SwAV and DeepCluster (`module.`), BYOL (`online_network.encoder.`),
solo-learn (`backbone.`, `momentum_backbone.`), timm's plain ResNets, VICReg, MMPretrain.

Sources: torchvision/models/resnet.py, the order of the children; transformers,
models/resnet/modeling_resnet.py, whose bottleneck has its stride in the 3x3 convolution, as here.
"""

from catalog_service.weights.naming_scheme import Place, Scheme
from catalog_service.weights.schemes.sequential import sequential

NUM_STAGES, MAX_CONVOLUTIONS = 4, 3


def _hub_places() -> tuple[Place, ...]:
    embedder = "embedder.embedder"
    found = {"conv1.**": f"{embedder}.convolution.**", "bn1.**": f"{embedder}.normalization.**"}
    for stage in range(NUM_STAGES):
        ours, theirs = f"layer{stage + 1}.N", f"encoder.stages.{stage}.layers.N"
        found[f"{ours}.downsample.0.**"] = f"{theirs}.shortcut.convolution.**"
        found[f"{ours}.downsample.1.**"] = f"{theirs}.shortcut.normalization.**"
        for number in range(MAX_CONVOLUTIONS):
            layer = f"{theirs}.layer.{number}"
            found[f"{ours}.conv{number + 1}.**"] = f"{layer}.convolution.**"
            found[f"{ours}.bn{number + 1}.**"] = f"{layer}.normalization.**"
    return tuple(Place(ours=ours, theirs=theirs) for ours, theirs in found.items())


RESNET_SCHEMES = (
    sequential(
        {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
    ),
    Scheme(
        name="huggingface",
        source="transformers, models/resnet/modeling_resnet.py",
        places=_hub_places(),
    ),
)
"""2 and 3 are the ReLU and the pooling of the stem."""
