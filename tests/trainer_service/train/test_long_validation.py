"""A validation that takes long is not begun with much to lose."""

from pathlib import Path

import pytest
from torch import nn

from tests.fakes.running import ready
from tests.fakes.trainings import job_spec
from trainer_service.jobs import SnapshotTaken
from trainer_service.snapshots.snapshot_writer import SnapshotWriter
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.keeping import Keeping
from trainer_service.train.loop import train
from trainer_service.train.saver import TimedSaver

STEP_S = 10.0


class SlowModel:
    """Lets time pass for whoever asks a model: a step, or a look at all validation images."""

    def __init__(self, validation_s: float) -> None:
        self.now = 0.0
        self._validation_s = validation_s

    def __call__(self, module: nn.Module, _inputs: object) -> None:
        """Let a forward pass take its time."""
        self.now += STEP_S if module.training else self._validation_s


@pytest.mark.parametrize(("validation_s", "steps"), [(110.0, [2, 3, 5, 6]), (90.0, [3, 6])])
def test_a_training_is_saved_before_the_last_step_where_its_validation_takes_long(
    tmp_path: Path, validation_s: float, steps: list[int]
) -> None:
    """Three steps an epoch. Afterwards it is saved anyway: a minute has passed."""
    training, seal = ready(job_spec("shufflenet_v2_x0_5", num_epochs=2), num_images=10)
    slow, stop = SlowModel(validation_s), StopSwitch()
    training.model.register_forward_pre_hook(slow)
    saver = TimedSaver(stop, clock=lambda: slow.now)
    write = SnapshotWriter(tmp_path, job_id="job1", attempt=1).write
    keeping = Keeping(saver=saver, write=write)

    events = list(train(training, seal, stop, clock=lambda: slow.now, keeping=keeping))

    assert [e.snapshot.step for e in events if isinstance(e, SnapshotTaken)] == steps
