"""The data of an order, read by one process or by several that share a host."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.work_orders import write_tiny_order
from trainer_service.datasets.images import ImagesOnDisk, KeptImages
from trainer_service.jobs import RunSpec
from trainer_service.run_job.ordered_data import make_plan, read_data
from trainer_service.stop_switch import StopSwitch


@pytest.mark.parametrize(("num_ranks", "kind"), [(2, KeptImages), (10**9, ImagesOnDisk)])
def test_ranks_share_the_memory_for_decoded_images(
    tmp_path: Path, num_ranks: int, kind: type[object]
) -> None:
    """Each decodes all images, and what is free is free once."""
    order = write_tiny_order(tmp_path)
    plan = make_plan(order)
    shared = replace(order, spec=replace(order.spec, run=RunSpec(num_devices=num_ranks)))

    with ThreadPoolExecutor(1) as pool:
        dataset = read_data(shared, plan, pool, lambda event: None, StopSwitch())

    assert isinstance(dataset.train, kind)
