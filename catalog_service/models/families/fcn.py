"""FCN: a class for every pixel, from the last map of a dilated classification backbone."""

from catalog_service.models.families import resnet
from catalog_service.models.families.family import Family, SizeRule, Trunk, stages_inside
from catalog_service.models.layout import PrefixRename


def dilated_resnet(architecture_id: str) -> Trunk:
    """Return a ResNet inside a segmentation model: the same tensors, other strides."""
    names = (PrefixRename(blob_prefix="", model_prefix="backbone."),)
    return Trunk(architecture_id=architecture_id, names=names)


RESNET_STAGES = stages_inside(dilated_resnet("resnet50"), resnet.STAGES)

ARCHITECTURES = ("fcn_resnet50", "fcn_resnet101")

FAMILY = Family(
    name="fcn",
    task="segmentation",
    stages=dict.fromkeys(ARCHITECTURES, RESNET_STAGES),
    trunks={name: dilated_resnet(name.removeprefix("fcn_")) for name in ARCHITECTURES},
    stem_layer="backbone.conv1",
    head_modules=("classifier",),
    aux_modules=("aux_classifier",),
    aux_argument="aux_loss",
    final_layer="classifier.4",
    replaced=("classifier.4", "aux_classifier.4"),
    head_init="uniform_fan_in",
    size=SizeRule(minimum_px=1, single_px=8),
    source="Long et al. 2014, arXiv:1411.4038",
)
