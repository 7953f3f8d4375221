"""A training that is ready to run, and a run of it. Imports torch."""

from collections.abc import Generator
from typing import TypeVar

import torch
from torch import Tensor, nn

from tests.fakes.trainings import make_training
from trainer_service.freezing import Seal, freeze, moving_tensors
from trainer_service.jobs import JobSpec
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.loop import Trained, TrainEvent, Training, train

Event = TypeVar("Event")


def ready(spec: JobSpec, *, num_images: int = 8, side_px: int = 32) -> tuple[Training, Seal]:
    """Return a training that is frozen for its first phase, and sealed."""
    training, layout = make_training(spec, num_images=num_images, side_px=side_px)
    freeze(training.model, layout, training.plan.freeze)
    return training, Seal(training.model, moving_tensors(layout, training.plan.freeze))


def run(training: Training, seal: Seal) -> tuple[list[TrainEvent], Trained]:
    """Train to the end; return what was said, and what came out."""
    return told(train(training, seal, StopSwitch()))


def told(events: Generator[Event, None, Trained]) -> tuple[list[Event], Trained]:
    """Return everything that a generator yields, and what it returns."""
    said: list[Event] = []
    while True:
        try:
            said.append(next(events))
        except StopIteration as end:
            return said, end.value


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every parameter and buffer."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """Return the names of what is not the same."""
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
