"""TrainJobSpec: message -> value with its defaults filled in, all problems found at once; and back.

A file a part of the spec, both directions in it. What only the data or the catalog can tell is not
found here: `planning` does.
"""

from trainer_service.api.spec_wire.dataset import place_of_data
from trainer_service.api.spec_wire.loss import loss_message
from trainer_service.api.spec_wire.model import with_some_names
from trainer_service.api.spec_wire.optimizer import optimizer_message
from trainer_service.api.spec_wire.whole_spec import read_spec, spec_message, spec_of

__all__ = [
    "loss_message",
    "optimizer_message",
    "place_of_data",
    "read_spec",
    "spec_message",
    "spec_of",
    "with_some_names",
]
