"""Training the last stage and a new head: an epoch after the first, with kept maps and without."""

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks.frozen_trainings import Size, job, order_of, textbook
from tests.benchmarks.rows import Metric, Row, Way, compare, take_turns

__all__ = ["Size", "measure"]

EPOCH = (
    Metric(name="epoch_wall_s", title="epoch after the first, wall s"),
    Metric(name="epoch_cpu_s", title="epoch after the first, CPU s"),
)


def measure(size: Size) -> list[Row]:
    """Return rows of an epoch and its validation."""
    with order_of(size, FreezeMode(kind="last_blocks", num_blocks=1)) as order:
        kept = Way(
            name="kept maps",
            command=f"run_loop(last_blocks(1), feature_cache REQUIRED; {size})",
            run=lambda: job(order).sample,
        )
        uncached = Way(
            name="no_grad, every epoch",
            command="run_loop(last_blocks(1), feature_cache NEVER)",
            run=lambda: job(order, is_kept=False).sample,
        )
        half = Way(
            name="kept maps, bf16",
            command="run_loop(last_blocks(1), feature_cache REQUIRED, precision BF16)",
            run=lambda: job(order, precision="bf16").sample,
        )
        plain = Way(
            name="textbook",
            command="requires_grad = False but for layer4 and fc; model.train();"
            " DataLoader(ImageFolder(transform)); 2 epochs",
            run=lambda: textbook(order, size, num_epochs=2, trained=("layer4.", "fc.")),
        )
        samples = take_turns([kept, uncached, half, plain], size.num_rounds)
    return [
        *compare("train_last_blocks", kept, uncached, EPOCH, samples),
        *compare("train_last_blocks", half, uncached, EPOCH, samples),
        *compare("train_last_blocks", kept, plain, EPOCH, samples),
    ]
