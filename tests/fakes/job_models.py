"""Models of random numbers, written to disk as the catalog hands them over. Imports torch."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.describe import layout_of
from catalog_service.models.layout import LoadReport
from catalog_service.models.lineage import Lineage
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import build
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import ClassificationTask
from catalog_service.models.write_state import write_state
from trainer_service.jobs import JobModel

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def recipe_of(architecture_id: str, num_outputs: int) -> Recipe:
    """Return the recipe of an architecture with a new head."""
    head = classification_head(num_outputs)
    return CatalogIndex.load().recipe_for(architecture_id, head=head)


def random_module(recipe: Recipe, *, seed: int = 0) -> nn.Module:
    """Return a module whose batch norms have seen something: means are not 0, variances not 1."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = build(recipe)
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand_like(buffer) * 0.1)
    return module.eval()


def input_contract(side_px: int) -> InputContract:
    """Return square images of this size, resized directly."""
    return InputContract(height_px=side_px, width_px=side_px, mean=IMAGENET_MEAN, std=IMAGENET_STD)


def write_job_model(
    folder: Path,
    architecture_id: str,
    class_names: tuple[str, ...],
    *,
    side_px: int = 32,
    head: Mapping[str, Any] | None = None,
) -> JobModel:
    """Write the parts of a random model to `folder` and return what the worker is told of it."""
    recipe = recipe_of(architecture_id, len(class_names))
    recipe = replace(recipe, head={**(recipe.head or {}), **(head or {})})
    module = random_module(recipe)
    layout = layout_of(module, recipe)
    state = module.state_dict()
    backbone_path, head_path = folder / "backbone.safetensors", folder / "head.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    inside = [tensor.name for tensor in layout.of_role("backbone")]
    outside = [tensor.name for tensor in layout.tensors if tensor.role != "backbone"]
    write_state(backbone_path, {layout.blob_name(name): state[name] for name in inside})
    write_state(head_path, {name: state[name] for name in outside})
    for path in (backbone_path, head_path):
        path.chmod(0o444)
    backbone, other = tensor_digests(backbone_path), tensor_digests(head_path)
    named = [replace(each, name=layout.model_name(each.name)) for each in backbone]
    return JobModel(
        spec=ModelSpec(
            backbone=architecture_id,
            pretrained=False,
            task=ClassificationTask(class_names=class_names),
        ),
        spec_digest="sha256:spec",
        state_digest=state_digest([*named, *other]),
        backbone_digest=state_digest(backbone),
        layout=layout,
        recipe=recipe,
        load_report=LoadReport(),
        input=input_contract(side_px),
        output=OutputContract(shape=(len(class_names),), class_names=class_names),
        lineage=Lineage(parent="random", licence="unknown"),
        backbone_path=str(backbone_path),
        head_path=str(head_path),
    )
