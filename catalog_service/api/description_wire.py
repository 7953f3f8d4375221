"""Description and drawing -> message."""

from collections.abc import Iterable, Mapping

from catalog_service.model_wire import (
    input_to_message,
    layout_to_message,
    output_to_message,
    recipe_to_message,
    spec_to_message,
)
from catalog_service.models.model_description import (
    FeatureMapInfo,
    MemoryEstimate,
    ModuleInfo,
    PartSummary,
    Shape,
)
from catalog_service.resolve.description import DescribedModel
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.catalog.v1.architecture_service_pb2 import FeatureMap
from vertebra.model.v1 import layout_pb2

ROLES: Mapping[str, layout_pb2.Role] = {
    "": layout_pb2.ROLE_UNSPECIFIED,
    "backbone": layout_pb2.ROLE_BACKBONE,
    "neck": layout_pb2.ROLE_NECK,
    "head": layout_pb2.ROLE_HEAD,
    "aux": layout_pb2.ROLE_AUX,
}
"""Of a module; empty for one that has several."""


DRAWING_FORMATS: Mapping[int, str] = {
    pb.RenderModelRequest.FORMAT_SVG: "svg",
    pb.RenderModelRequest.FORMAT_DOT: "dot",
}
"""On the wire -> a key of the rendering's `FORMATS`."""


def description_message(described: DescribedModel) -> pb.ModelDescription:
    """Return the message of a description."""
    plan, model = described.plan, described.model
    return pb.ModelDescription(
        spec=spec_to_message(plan.spec),
        layout=layout_to_message(model.layout),
        recipe=recipe_to_message(plan.recipe),
        input=input_to_message(plan.input),
        output=output_to_message(plan.output),
        modules=map(module_message, model.modules),
        feature_maps=map(feature_map_message, model.feature_maps),
        parts=map(part_message, model.parts),
        freeze_mode=model.freeze_mode,
        num_parameters=model.num_parameters,
        num_trainable_parameters=model.num_trainable_parameters,
        num_frozen_parameters=model.num_frozen_parameters,
        num_multiply_adds=model.num_multiply_adds,
        training_memory=memory_message(model.training_memory),
        assumptions=model.assumptions,
    )


def module_message(module: ModuleInfo) -> pb.ModuleInfo:
    """Return the message of one module."""
    return pb.ModuleInfo(
        path=module.path,
        class_name=module.class_name,
        role=ROLES[module.role],
        stage=module.stage,
        inputs=_shapes(module.inputs),
        outputs=_shapes(module.outputs),
        num_parameters=module.num_parameters,
        num_trainable_parameters=module.num_trainable_parameters,
        num_multiply_adds=module.num_multiply_adds,
        summary=module.summary,
    )


def feature_map_message(feature_map: FeatureMapInfo) -> FeatureMap:
    """Return the message of one feature map."""
    return FeatureMap(
        name=feature_map.name,
        stride_px=feature_map.stride_px,
        num_channels=feature_map.num_channels,
        height_px=feature_map.height_px,
        width_px=feature_map.width_px,
    )


def part_message(part: PartSummary) -> pb.PartSummary:
    """Return the message of one part."""
    return pb.PartSummary(
        name=part.name,
        role=ROLES[part.role],
        num_trainable_parameters=part.num_trainable_parameters,
        num_frozen_parameters=part.num_frozen_parameters,
        num_multiply_adds=part.num_multiply_adds,
        output=pb.TensorShape(sizes=part.output) if part.output else None,
        num_blocks_from_end=part.num_blocks_from_end,
    )


def memory_message(memory: MemoryEstimate) -> pb.MemoryEstimate:
    """Return the message of a memory estimate."""
    return pb.MemoryEstimate(
        parameter_bytes=memory.parameter_bytes,
        gradient_bytes=memory.gradient_bytes,
        optimizer_bytes=memory.optimizer_bytes,
        activation_bytes_per_image=memory.activation_bytes_per_image,
        transient_bytes_per_image=memory.transient_bytes_per_image,
        batch_size=memory.batch_size,
        total_bytes=memory.total_bytes,
        basis=memory.basis,
    )


def _shapes(shapes: Iterable[Shape]) -> list[pb.TensorShape]:
    return [pb.TensorShape(sizes=shape) for shape in shapes]
