"""Rows of a published last layer that a new one keeps."""

from typing import Any

import pytest
import torch

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.heads.known_rows import known_rows
from catalog_service.models.recipe import Recipe
from catalog_service.models.same_classes import same_classes
from catalog_service.models.skeleton import skeleton


def kept(name: str, layer: str, num_outputs: int, num_published: int) -> dict[int, int] | None:
    head = {
        "kind": "any",
        "num_outputs": num_outputs,
        "num_published": num_published,
        "known_rows": [[0, 0], [2, 5]],
    }
    rows = known_rows(Recipe(builder=f"torchvision/{name}", head=head), layer)
    return None if rows is None else dict(rows)


def test_a_class_is_a_row_of_weight_and_bias() -> None:
    assert kept("resnet18", "fc.weight", 3, 1000) == {0: 0, 2: 5}
    assert kept("resnet18", "fc.bias", 3, 1000) == {0: 0, 2: 5}


def test_a_class_has_four_rows_of_boxes_side_by_side() -> None:
    rows = kept("fasterrcnn_resnet50_fpn", "roi_heads.box_predictor.bbox_pred.weight", 3, 91)

    assert rows == {0: 0, 1: 1, 2: 2, 3: 3, 8: 20, 9: 21, 10: 22, 11: 23}


def test_a_class_has_a_row_for_each_anchor() -> None:
    rows = kept("retinanet_resnet50_fpn", "head.classification_head.cls_logits.bias", 3, 91)

    assert rows is not None and len(rows) == 2 * 9
    assert rows[1 * 3 + 2] == 1 * 91 + 5
    assert rows[8 * 3] == 8 * 91


@pytest.mark.parametrize(("layer", "anchors"), [(0, 4), (1, 6), (5, 4)])
def test_each_of_ssds_layers_has_its_own_anchors(layer: int, anchors: int) -> None:
    rows = kept("ssd300_vgg16", f"head.classification_head.module_list.{layer}.weight", 3, 91)

    assert rows is not None and len(rows) == 2 * anchors


def test_masks_keep_a_channel_of_the_last_layer_and_all_that_it_looks_at() -> None:
    """A published row on features that were drawn anew would be noise."""
    name, predictor = "maskrcnn_resnet50_fpn", "roi_heads.mask_predictor"
    layer: Any = skeleton(Recipe(builder=f"torchvision/{name}")).get_submodule(predictor)

    assert kept(name, f"{predictor}.mask_fcn_logits.weight", 3, 91) == {0: 0, 2: 5}
    for tensor in ("weight", "bias"):
        rows = kept(name, f"{predictor}.conv5_mask.{tensor}", 3, 91)
        assert rows == {row: row for row in range(len(getattr(layer.conv5_mask, tensor)))}


def test_nothing_is_kept_outside_the_last_layer_or_without_a_wish() -> None:
    assert kept("resnet18", "layer4.1.conv2.weight", 3, 1000) is None
    assert known_rows(Recipe(builder="torchvision/resnet18"), "fc.weight") is None


def test_kept_rows_give_the_published_logits_and_boxes() -> None:
    """Against torchvision's own reading of the rows: [N, C, 4] and [N, A, C, H, W]."""
    rows = kept("retinanet_resnet50_fpn", "head.classification_head.cls_logits.bias", 3, 91)
    published = torch.arange(9 * 91.0)
    new = torch.full((9 * 3,), -1.0)
    assert rows is not None
    new[list(rows)] = published[list(rows.values())]

    assert torch.equal(new.view(9, 3)[:, [0, 2]], published.view(9, 91)[:, [0, 5]])
    assert (new.view(9, 3)[:, 1] == -1).all()


def test_names_are_compared_without_case_blanks_and_underscores() -> None:
    assert same_classes((" Tiger_Shark", "hen", "HEN  house"), ("hen", "tiger shark")) == (
        (0, 1),
        (1, 0),
    )


def test_a_name_of_two_published_classes_is_nobodys(index: CatalogIndex) -> None:
    categories = index.weight("fasterrcnn_resnet50_fpn").categories

    assert categories.count("N/A") > 1
    assert same_classes(("n/a", "person"), categories) == ((1, 1),)
