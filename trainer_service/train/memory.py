"""What is done when memory runs out: fewer images at a time, once; then numbers."""

import psutil
import torch

from trainer_service.errors import OutOfMemory
from trainer_service.jobs import JobSpec, JobWarning
from trainer_service.snapshots.saved_state import SavedSize

GIB = 2**30


class ImagesAtATime:
    """How many images go through the model together. May be halved once.

    The batch that an optimizer step is for stays what it was, and so does its gradient; batch norms
    that train see fewer images at a time, and the statistics that they keep may have seen a part of
    the batch twice, as may that epoch's training metrics: the attempt that failed had begun.
    """

    def __init__(self, spec: JobSpec, device: torch.device, *, size: int, most: int) -> None:
        """Start with `size`, where 0 means all; `most` is how many that are."""
        self.size = size
        self._most = most
        self._spec = spec
        self._device = device
        self._was_halved = False

    def halved(self, error: Exception) -> JobWarning:
        """Halve them and say so, or raise.

        Raises:
            OutOfMemory: they were halved before, or there is nothing to halve.
        """
        before = self.size or self._most
        if self._was_halved or before < 2:
            raise self.failure() from error
        self.size, self._was_halved = (before + 1) // 2, True
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return JobWarning(
            code="FEWER_IMAGES_AT_A_TIME",
            text=f"memory ran out with {before} images at a time ({self._in_use()}): from here on"
            f" {self.size}; an optimizer step still is for {self._spec.batch_size} images. Batch"
            f" norms that train see {self.size} images at a time. Set micro_batch_size to"
            f" {self.size} to start so",
        )

    def state(self) -> SavedSize:
        """Return how many they are."""
        return SavedSize(size=self.size, was_halved=self._was_halved)

    def go_on(self, saved: SavedSize) -> None:
        """Go on with so many, where memory had run out; otherwise with as many as are planned now:
        other devices may share a batch.
        """
        if saved.was_halved:
            self.size, self._was_halved = saved.size, True

    def failure(self) -> OutOfMemory:
        """Return the error that says that nothing helps."""
        halved = f", halved from {self._most} after a first attempt," if self._was_halved else ""
        return OutOfMemory(
            f"{self._spec.model.backbone} with {self.size or self._most} images at a time{halved}"
            f" does not fit the memory of the {self._device.type} ({self._in_use()}): use a smaller"
            " micro_batch_size or smaller images, precision bf16, or freeze more"
        )

    def _in_use(self) -> str:
        if self._device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(self._device)
            total = torch.cuda.get_device_properties(self._device).total_memory
        else:
            memory = psutil.virtual_memory()
            peak, total = psutil.Process().memory_info().rss, memory.total
        return f"{peak / GIB:.1f} of {total / GIB:.1f} GiB held"
