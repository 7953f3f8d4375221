"""BackboneStructure: message <-> value."""

from catalog_service.model_wire.plain_struct import plain_of, struct_of
from catalog_service.models.backbone_structure import BackboneStructure
from vertebra.model.v1 import model_spec_pb2


def structure_from_message(message: model_spec_pb2.BackboneStructure) -> BackboneStructure:
    """Return the structure that a message tells; absent is the published one."""
    return BackboneStructure(
        in_channels=message.in_channels,
        remove_modules=tuple(message.remove_modules),
        arguments=plain_of(message.arguments),
        image_height_px=message.image_height_px,
        image_width_px=message.image_width_px,
    )


def structure_to_message(structure: BackboneStructure) -> model_spec_pb2.BackboneStructure | None:
    """Return the message of a structure; None for the published one."""
    if structure.is_published:
        return None
    message = model_spec_pb2.BackboneStructure(
        in_channels=structure.in_channels,
        remove_modules=structure.remove_modules,
        image_height_px=structure.image_height_px,
        image_width_px=structure.image_width_px,
    )
    if structure.arguments:
        message.arguments.CopyFrom(struct_of(structure.arguments))
    return message
