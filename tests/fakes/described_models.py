"""Described models of hand-made numbers: no torch, no worker."""

from typing import cast

from catalog_service.index.entries import WeightEntry
from catalog_service.index.size_limits import ANY_SIZE
from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.layout import StateLayout
from catalog_service.models.model_description import (
    MemoryEstimate,
    ModelDescription,
    ModuleInfo,
    PartSummary,
    Shape,
)
from catalog_service.models.recipe import Recipe
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve.build_plan import BuildPlan
from catalog_service.resolve.description import DescribedModel


def stage(name: str, output: Shape, trainable: int = 0, frozen: int = 1000) -> PartSummary:
    return part(name, "backbone", output, trainable, frozen)


def part(
    name: str, role: str, output: Shape = (), trainable: int = 10, frozen: int = 0
) -> PartSummary:
    return PartSummary(
        name=name,
        role=role,
        num_trainable_parameters=trainable,
        num_frozen_parameters=frozen,
        num_multiply_adds=500,
        output=output,
        num_blocks_from_end=0,
    )


def module(
    path: str, role: str, inputs: tuple[Shape, ...] = (), outputs: tuple[Shape, ...] = ()
) -> ModuleInfo:
    return ModuleInfo(
        path=path,
        class_name="Block",
        role=role,
        stage="",
        inputs=inputs,
        outputs=outputs,
        num_parameters=10,
        num_trainable_parameters=10,
        num_multiply_adds=5,
        summary="",
    )


def described_model(
    parts: tuple[PartSummary, ...],
    modules: tuple[ModuleInfo, ...] = (),
    *,
    backbone: str = "tiny",
    head: dict[str, object] | None = None,
) -> DescribedModel:
    trainable = sum(each.num_trainable_parameters for each in parts)
    frozen = sum(each.num_frozen_parameters for each in parts)
    model = ModelDescription(
        layout=StateLayout(
            tensors=(), stages=(), head_modules=(), replaced_modules=(), layout_digest=""
        ),
        modules=modules,
        feature_maps=(),
        parts=parts,
        freeze_mode="frozen_backbone",
        num_parameters=trainable + frozen,
        num_trainable_parameters=trainable,
        num_frozen_parameters=frozen,
        num_multiply_adds=4_089_000_000,
        training_memory=MemoryEstimate(
            parameter_bytes=1 << 20,
            gradient_bytes=0,
            optimizer_bytes=0,
            activation_bytes_per_image=0,
            transient_bytes_per_image=0,
            batch_size=32,
            basis="",
        ),
        assumptions=(),
    )
    recipe = Recipe(builder=f"torchvision/{backbone}", head=head)
    plan = BuildPlan(
        spec=ModelSpec(backbone=backbone),
        structure=cast(WeightEntry, None),
        weight=None,
        checkpoint=None,
        recipe=recipe,
        input=InputContract(height_px=224, width_px=224, mean=(0.0,) * 3, std=(1.0,) * 3),
        output=OutputContract(shape=(37,)),
        sizes=ANY_SIZE,
    )
    return DescribedModel(plan=plan, model=model, height_px=224, width_px=224)


CNN = (
    stage("stem", (1, 64, 56, 56)),
    stage("layer1", (1, 256, 56, 56)),
    stage("layer2", (1, 512, 28, 28)),
    part("head", "head", (1, 37)),
)
