"""All benchmarks: a new one is one file and one line here."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tests.benchmarks.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A file of this folder, and how much of it is measured."""

    name: str
    """Of the file; it has `Size` and `measure(size) -> rows`."""
    size: dict[str, Any]
    tiny: dict[str, Any]
    """The same code in a second or two; says nothing about speed."""

    def measure(self, *, is_tiny: bool = False) -> list[Row]:
        """Run it. Imported only here: some import torch, and some measure what that costs."""
        module = import_module(f"tests.benchmarks.{self.name}")
        size = module.Size(**(self.tiny if is_tiny else self.size))
        rows: list[Row] = module.measure(size)
        return rows


BENCHMARKS = (
    Benchmark(
        name="start", size={"num_rounds": 5}, tiny={"num_rounds": 1, "imported": "import json"}
    ),
    Benchmark(
        name="read",
        size={"num_bytes": 346_000_000, "num_rounds": 5},
        tiny={"num_bytes": 3_000_000, "num_rounds": 1},
    ),
    Benchmark(
        name="fetch",
        size={"num_bytes": (102_000_000, 346_000_000), "num_rounds": 5},
        tiny={"num_bytes": (3_000_000,), "num_rounds": 1},
    ),
    Benchmark(
        name="ensure",
        size={
            "architecture_id": "resnet50",
            "bytes_per_s": 30e6,
            "num_callers": 64,
            "num_rounds": 3,
        },
        tiny={
            "architecture_id": "squeezenet1_1",
            "bytes_per_s": 30e6,
            "num_callers": 4,
            "num_rounds": 1,
        },
    ),
    Benchmark(
        name="convert",
        size={"num_layers": 17, "has_largest": True, "num_rounds": 3},
        tiny={"num_layers": 1, "has_largest": False, "num_rounds": 1},
    ),
    Benchmark(
        name="stream",
        size={"num_bytes": 1_217_000_000, "num_small_bytes": 102_000_000, "num_rounds": 3},
        tiny={"num_bytes": 6_000_000, "num_small_bytes": 3_000_000, "num_rounds": 1},
    ),
    Benchmark(
        name="build",
        size={
            "architectures": {"resnet50": 64, "vit_b_16": 224, "swin_b": 64, "convnext_base": 64},
            "num_rounds": 5,
        },
        tiny={"architectures": {"shufflenet_v2_x0_5": 32}, "num_rounds": 1},
    ),
    Benchmark(
        name="build_rpc",
        size={"architecture_id": "resnet50", "head": "fc", "num_rounds": 5},
        tiny={"architecture_id": "shufflenet_v2_x0_5", "head": "fc", "num_rounds": 1},
    ),
    Benchmark(
        name="train_full",
        size={"num_images": 160, "num_epochs": 2, "num_rounds": 3},
        tiny={
            "num_images": 8,
            "side_px": 32,
            "batch_size": 4,
            "num_epochs": 1,
            "num_rounds": 1,
            "num_validation_images": 4,
        },
    ),
    Benchmark(
        name="train_frozen",
        size={
            "num_images": 192,
            "num_epochs": 30,
            "num_textbook_epochs": 6,
            "num_rounds": 1,
        },
        tiny={
            "num_images": 8,
            "side_px": 32,
            "batch_size": 4,
            "num_epochs": 3,
            "num_textbook_epochs": 1,
            "num_rounds": 1,
            "num_validation_images": 4,
        },
    ),
    Benchmark(
        name="train_last_blocks",
        size={"num_images": 96, "num_epochs": 5, "num_rounds": 3},
        tiny={
            "num_images": 8,
            "side_px": 32,
            "batch_size": 4,
            "num_epochs": 3,
            "num_rounds": 1,
            "num_validation_images": 4,
        },
    ),
    Benchmark(
        name="events",
        size={"num_steps": 1500, "num_watchers": 50, "num_events": 1000, "num_rounds": 5},
        tiny={"num_steps": 20, "num_watchers": 3, "num_events": 20, "num_rounds": 1},
    ),
    Benchmark(
        name="watching",
        size={
            "num_watchers": 1000,
            "events_per_s": 10,
            "seconds": 60,
            "num_burst_jobs": 8,
            "burst_events_per_s": 10_000,
            "burst_s": 5,
            "num_stopped": 20,
            "num_stopped_events": 20_000,
            "num_rounds": 1,
        },
        tiny={
            "num_watchers": 4,
            "events_per_s": 20,
            "seconds": 0.5,
            "num_burst_jobs": 2,
            "burst_events_per_s": 200,
            "burst_s": 0.5,
            "num_stopped": 2,
            "num_stopped_events": 100,
            "num_rounds": 1,
        },
    ),
    Benchmark(
        name="long_queue",
        size={"num_jobs": 10_000, "num_few": 100, "num_calls": 50, "num_rounds": 3},
        tiny={"num_jobs": 20, "num_few": 2, "num_calls": 2, "num_rounds": 1},
    ),
    Benchmark(
        name="wait_policy",
        size={"num_steps": 2, "num_rounds": 5},
        tiny={
            "architecture_id": "shufflenet_v2_x0_5",
            "side_px": 32,
            "num_steps": 1,
            "num_rounds": 1,
        },
    ),
)
