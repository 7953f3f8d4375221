"""StateLayout, TensorInfo, Recipe and LoadReport: message <-> value."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from catalog_service.model_wire.plain_struct import known, plain_of, struct_of
from catalog_service.models.layout import (
    LoadReport,
    PrefixRename,
    ShapeMismatch,
    Stage,
    StateLayout,
    TensorInfo,
)
from catalog_service.models.recipe import Recipe
from vertebra.model.v1 import layout_pb2

ROLES: Mapping[str, layout_pb2.Role] = {
    "backbone": layout_pb2.ROLE_BACKBONE,
    "neck": layout_pb2.ROLE_NECK,
    "head": layout_pb2.ROLE_HEAD,
    "aux": layout_pb2.ROLE_AUX,
}
"""The four roles on the wire."""

_ROLE_NAMES = {number: name for name, number in ROLES.items()}


def tensor_to_message(tensor: TensorInfo) -> layout_pb2.TensorInfo:
    """Return the message of one tensor's name, dtype, shape and role."""
    return layout_pb2.TensorInfo(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        role=ROLES[tensor.role],
        is_buffer=tensor.is_buffer,
    )


def tensor_from_message(message: layout_pb2.TensorInfo) -> TensorInfo:
    """Return one tensor's name, dtype, shape and role.

    Raises:
        InvalidRequest: no role, or one that this release does not know.
    """
    return TensorInfo(
        name=message.name,
        dtype=message.dtype,
        shape=tuple(message.shape),
        role=known(_ROLE_NAMES, message.role, "role"),
        is_buffer=message.is_buffer,
    )


def layout_to_message(layout: StateLayout) -> layout_pb2.StateLayout:
    """Return the message of a layout."""
    return layout_pb2.StateLayout(
        tensors=[tensor_to_message(tensor) for tensor in layout.tensors],
        stages=[
            layout_pb2.Stage(
                name=stage.name, modules=stage.modules, num_parameters=stage.num_parameters
            )
            for stage in layout.stages
        ],
        head_modules=layout.head_modules,
        replaced_modules=layout.replaced_modules,
        layout_digest=layout.layout_digest,
        neck_modules=layout.neck_modules,
        aux_modules=layout.aux_modules,
        backbone_architecture=layout.backbone_architecture,
        backbone_names=[
            layout_pb2.PrefixRename(blob_prefix=rule.blob_prefix, model_prefix=rule.model_prefix)
            for rule in layout.backbone_names
        ],
    )


def layout_from_message(message: layout_pb2.StateLayout) -> StateLayout:
    """Return the layout of a message.

    Raises:
        InvalidRequest: a tensor without a known role.
    """
    return StateLayout(
        tensors=tuple(tensor_from_message(tensor) for tensor in message.tensors),
        stages=tuple(
            Stage(
                name=stage.name,
                modules=tuple(stage.modules),
                num_parameters=stage.num_parameters,
            )
            for stage in message.stages
        ),
        head_modules=tuple(message.head_modules),
        replaced_modules=tuple(message.replaced_modules),
        layout_digest=message.layout_digest,
        neck_modules=tuple(message.neck_modules),
        aux_modules=tuple(message.aux_modules),
        backbone_architecture=message.backbone_architecture,
        backbone_names=tuple(
            PrefixRename(blob_prefix=rule.blob_prefix, model_prefix=rule.model_prefix)
            for rule in message.backbone_names
        ),
    )


def recipe_to_message(recipe: Recipe) -> layout_pb2.Recipe:
    """Return the message of a recipe."""
    return layout_pb2.Recipe(
        builder=recipe.builder,
        arguments=struct_of(recipe.arguments),
        library=recipe.library,
        head=_optional_struct(recipe.head),
        neck=_optional_struct(recipe.neck),
        stem=_optional_struct(recipe.stem),
        removed_modules=recipe.removed_modules,
    )


def recipe_from_message(message: layout_pb2.Recipe) -> Recipe:
    """Return the recipe of a message; whole numbers are ints again (a Struct has only doubles)."""
    return Recipe(
        builder=message.builder,
        arguments=plain_of(message.arguments),
        library=message.library,
        head=plain_of(message.head) if message.HasField("head") else None,
        neck=plain_of(message.neck) if message.HasField("neck") else None,
        stem=plain_of(message.stem) if message.HasField("stem") else None,
        removed_modules=tuple(message.removed_modules),
    )


def _optional_struct(plain: Mapping[str, Any] | None) -> Struct | None:
    return None if plain is None else struct_of(plain)


def report_to_message(report: LoadReport) -> layout_pb2.LoadReport:
    """Return the message of a load report."""
    return layout_pb2.LoadReport(
        num_loaded=report.num_loaded,
        num_expected=report.num_expected,
        num_elements_loaded=report.num_elements_loaded,
        num_elements_expected=report.num_elements_expected,
        backbone_coverage=report.backbone_coverage,
        missing=report.missing,
        unexpected=report.unexpected,
        misshapen=[
            layout_pb2.ShapeMismatch(
                name=found.name, source_shape=found.source_shape, layout_shape=found.layout_shape
            )
            for found in report.misshapen
        ],
        dropped=report.dropped,
        initialised=report.initialised,
        rules=report.rules,
    )


def report_from_message(message: layout_pb2.LoadReport) -> LoadReport:
    """Return the load report of a message."""
    return LoadReport(
        num_loaded=message.num_loaded,
        num_expected=message.num_expected,
        num_elements_loaded=message.num_elements_loaded,
        num_elements_expected=message.num_elements_expected,
        backbone_coverage=message.backbone_coverage,
        missing=tuple(message.missing),
        unexpected=tuple(message.unexpected),
        misshapen=tuple(
            ShapeMismatch(
                name=found.name,
                source_shape=tuple(found.source_shape),
                layout_shape=tuple(found.layout_shape),
            )
            for found in message.misshapen
        ),
        dropped=tuple(message.dropped),
        initialised=tuple(message.initialised),
        rules=tuple(message.rules),
    )
