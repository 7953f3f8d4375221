"""Which rows of a new last layer are rows of the published one: for classes that keep their name.

The recipe's head has them by class (`known_rows`: new class, published class); here they become
rows of each layer. Pure, no torch.
"""

from collections.abc import Mapping

from catalog_service.models.families.table import family_of
from catalog_service.models.layout import is_inside
from catalog_service.models.recipe import Recipe

NUMBERS_PER_CLASS = {"bbox_pred": 4}
"""Layers with several rows for each class, side by side. Source: torchvision's FastRCNNPredictor,
whose boxes are seen as [N, C, 4].
"""

ANCHORS: Mapping[str, tuple[int, ...]] = {
    "retinanet": (9,),
    "ssd": (4, 6, 6, 6, 4, 4),
    "ssdlite": (6, 6, 6, 6, 6, 6),
}
"""Family -> anchors per place for each of its layers of classes; every class once an anchor, anchor
by anchor. Source: torchvision's classification heads, whose logits are seen as [N, A, C, H, W].
"""

MASK_WIDTH = 256
"""Rows of the mask predictor's first layer. They belong to no class, and all are kept: a class's
row of the last layer means something behind them only. Source: torchvision's MaskRCNN.
"""


def known_rows(recipe: Recipe, model_name: str) -> Mapping[int, int] | None:
    """Return row in a head's new tensor -> row in the published one, both along dimension 0.

    None where nothing of this tensor is kept: no class was asked to keep its rows, or its rows are
    not classes (hidden layers, keypoints).
    """
    head = recipe.head or {}
    pairs: list[tuple[int, int]] = [(new, old) for new, old in head.get("known_rows", ())]
    family = family_of(recipe.architecture_id)
    module = model_name.rpartition(".")[0]
    if not pairs or not any(is_inside(module, path) for path in family.replaced_modules):
        return None
    layer = module.rpartition(".")[2]
    if layer == "kps_score_lowres":
        return None
    if layer == "conv5_mask":
        return {row: row for row in range(MASK_WIDTH)}
    each = NUMBERS_PER_CLASS.get(layer, 1)
    if each > 1:
        return {new * each + at: old * each + at for new, old in pairs for at in range(each)}
    anchors = _num_anchors(family.name, family.replaced_modules, module)
    num_new, num_old = head["num_outputs"], head["num_published"]
    return {
        anchor * num_new + new: anchor * num_old + old
        for anchor in range(anchors)
        for new, old in pairs
    }


def published_name(recipe: Recipe, model_name: str) -> str:
    """Return what the published model calls a tensor of the new last layer.

    Behind a dropout of ours the layer lies in a Sequential: `fc.1.weight` is `fc.weight`.
    """
    final = family_of(recipe.architecture_id).final_layer
    module, _, last = model_name.rpartition(".")
    is_behind = (recipe.head or {}).get("kind") == "classification" and is_inside(module, final)
    return f"{final}.{last}" if is_behind else model_name


def _num_anchors(family_name: str, layers: tuple[str, ...], module: str) -> int:
    if family_name not in ANCHORS:
        return 1
    return ANCHORS[family_name][layers.index(module)]
