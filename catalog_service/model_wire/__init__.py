"""Message <-> value for the types of `vertebra.model.v1`, for both services.

One pair of functions per type and nothing else: no check but that the message can be read at all.
"""

from catalog_service.model_wire.contracts import (
    input_from_message,
    input_to_message,
    output_from_message,
    output_to_message,
    sizes_to_message,
)
from catalog_service.model_wire.layout import (
    layout_from_message,
    layout_to_message,
    recipe_from_message,
    recipe_to_message,
    report_from_message,
    report_to_message,
    tensor_from_message,
    tensor_to_message,
)
from catalog_service.model_wire.lineage import lineage_from_message, lineage_to_message
from catalog_service.model_wire.plain_struct import known, plain_of, struct_of
from catalog_service.model_wire.spec import spec_from_message, spec_to_message
from catalog_service.model_wire.structure import structure_from_message, structure_to_message

__all__ = [
    "input_from_message",
    "input_to_message",
    "known",
    "layout_from_message",
    "layout_to_message",
    "lineage_from_message",
    "lineage_to_message",
    "output_from_message",
    "output_to_message",
    "plain_of",
    "recipe_from_message",
    "recipe_to_message",
    "report_from_message",
    "report_to_message",
    "sizes_to_message",
    "spec_from_message",
    "spec_to_message",
    "struct_of",
    "structure_from_message",
    "structure_to_message",
    "tensor_from_message",
    "tensor_to_message",
]
