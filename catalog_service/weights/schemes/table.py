"""Family -> the schemes beside our own names. A new code base is one table and one line here."""

from collections.abc import Mapping

from catalog_service.weights.dinov3_schemes import SCHEMES as DINOV3_SCHEMES
from catalog_service.weights.naming_scheme import Scheme
from catalog_service.weights.schemes.convnext import CONVNEXT_SCHEMES
from catalog_service.weights.schemes.resnet import RESNET_SCHEMES
from catalog_service.weights.schemes.sequential import SEQUENTIAL_SCHEMES
from catalog_service.weights.schemes.swin import SWIN_SCHEMES
from catalog_service.weights.schemes.vit import VIT_SCHEMES

SCHEMES: Mapping[str, tuple[Scheme, ...]] = {
    **DINOV3_SCHEMES,
    **SEQUENTIAL_SCHEMES,
    "convnext": (*SEQUENTIAL_SCHEMES["convnext"], *CONVNEXT_SCHEMES),
    "resnet": RESNET_SCHEMES,
    "resnext": RESNET_SCHEMES,
    "swin": (*SEQUENTIAL_SCHEMES["swin"], *SWIN_SCHEMES),
    "vit": VIT_SCHEMES,
    "wide_resnet": RESNET_SCHEMES,
}
