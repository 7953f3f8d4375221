"""Reading data sets with few words."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from catalog_service.models.contracts import InputContract
from trainer_service.datasets.read import Dataset, read_dataset
from trainer_service.datasets.wants import DataWants
from trainer_service.jobs import DatasetSpec

SIDE_PX = 16

CONTRACT = InputContract(
    height_px=SIDE_PX, width_px=SIDE_PX, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
)
LISTED = InputContract(
    height_px=SIDE_PX, width_px=SIDE_PX, mean=(0, 0, 0), std=(1, 1, 1), is_image_list=True
)
"""Of a detector."""

ReadData = Callable[..., Dataset]


@pytest.fixture
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@pytest.fixture
def read_data(pool: Executor, tmp_path: Path) -> ReadData:
    """Read a data set below tmp_path as the worker does."""

    def read(spec: DatasetSpec, **wants: object) -> Dataset:
        task = wants.get("task", "classification")
        is_list = task in ("detection", "instance_segmentation", "keypoints")
        wanted = DataWants(contract=LISTED if is_list else CONTRACT, **wants)  # type: ignore[arg-type]
        return read_dataset(
            spec, wanted, allowed_roots=(str(tmp_path),), pool=pool, progress=lambda *_: None
        )

    return read
