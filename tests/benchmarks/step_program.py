"""A child program: training steps of resnet18 on request. `python -m
tests.benchmarks.step_program <architecture> <side px>` says `ready`, then for each line with a
number does so many steps and prints the wall and the CPU seconds that they took.
"""

import sys

import torch
import torchvision
from torch.nn.functional import cross_entropy

from tests.benchmarks.rows import stopwatch

BATCH_SIZE = 32
NUM_CLASSES = 7
NUM_WARM_UP_STEPS = 2


def main(architecture_id: str, side_px: int) -> None:
    """Answer until the input ends."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(architecture_id, num_classes=NUM_CLASSES)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images = torch.rand(BATCH_SIZE, 3, side_px, side_px).to(memory_format=torch.channels_last)
    labels = torch.arange(BATCH_SIZE) % NUM_CLASSES

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    steps(NUM_WARM_UP_STEPS)
    print("ready", flush=True)
    for line in sys.stdin:
        with stopwatch() as watch:
            steps(int(line))
        print(watch.wall_s, watch.cpu_s, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
