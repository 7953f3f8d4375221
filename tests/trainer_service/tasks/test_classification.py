"""Loss and accuracy of a pass do not depend on how it was cut into batches."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from catalog_service.models.contracts import OutputContract
from trainer_service.datasets.batch import Batch
from trainer_service.tasks.table import task_for

CPU = torch.device("cpu")


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10])
def test_metrics_are_those_of_all_images_at_once(batch_size: int) -> None:
    """A mean over batches would give a last, smaller batch too much weight."""
    task = task_for(OutputContract(shape=(3,)), CPU)
    outputs = torch.randn(10, 3, generator=torch.Generator().manual_seed(0)) * 5
    labels, positions = torch.arange(10) % 3, np.arange(10)
    metrics = task.pass_metrics()

    for start in range(0, 10, batch_size):
        part = slice(start, start + batch_size)
        batch = Batch(images=outputs[part], targets=labels[part], positions=positions[part])
        metrics.update(task.judge(nn.Identity(), batch), batch)

    values = metrics.values()
    assert values["loss"] == pytest.approx(float(cross_entropy(outputs, labels)), rel=1e-6)
    expected = float((outputs.argmax(1) == labels).float().mean())
    assert values["accuracy"] == pytest.approx(expected, rel=1e-6)


def test_a_steps_accuracy_is_the_share_of_right_answers() -> None:
    task = task_for(OutputContract(shape=(2,)), CPU)
    outputs = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [0.0, 9.0]])

    batch = Batch(images=outputs, targets=torch.tensor([0, 1, 1, 1]), positions=np.arange(4))

    assert task.batch_metrics(task.judge(nn.Identity(), batch), batch) == {"accuracy": 0.75}
