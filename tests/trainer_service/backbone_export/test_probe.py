"""What an export is compared on: few images, as the model takes them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from trainer_service.backbone_export import probe_of
from trainer_service.backbone_export.probe import LARGE_NUM_PARAMETERS, few
from trainer_service.datasets.batch import Batch, Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBatch:
    """Validation images that fit into one batch."""

    images: Inputs

    def training(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        raise AssertionError("training images vary")

    def validation(self) -> Iterator[Batch]:
        positions = np.arange(len(self.images))
        yield Batch(images=self.images, targets=None, positions=positions)


def test_a_few_validation_images_lie_row_by_row() -> None:
    images = torch.rand(6, 3, 4, 4).to(memory_format=torch.channels_last)

    probe = probe_of(OneBatch(images=images))

    assert isinstance(probe, torch.Tensor)
    assert probe.is_contiguous()
    assert torch.equal(probe, images[:4])


def test_a_detector_gets_its_list() -> None:
    images = [torch.rand(3, 4, 6), torch.rand(3, 8, 4)]

    probe = probe_of(OneBatch(images=images))

    assert isinstance(probe, list)
    assert [tuple(image.shape) for image in probe] == [(3, 4, 6)]


@pytest.mark.parametrize(("num_parameters", "count"), [(10**6, 4), (LARGE_NUM_PARAMETERS, 1)])
def test_a_large_model_is_compared_on_one_image(num_parameters: int, count: int) -> None:
    assert len(few(torch.rand(4, 3, 2, 2), num_parameters)) == count
