"""What a phase trains on: the model and images, or its living part and kept features."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from catalog_service.blobs.disk import DiskFull
from catalog_service.errors import listed
from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.datasets.batch import Batch, Batches
from trainer_service.datasets.batches import ImageBatches
from trainer_service.errors import FeatureCacheImpossible
from trainer_service.features.boundary import AllLives, NothingToKeep
from trainer_service.features.cached_batches import CachedBatches
from trainer_service.features.caching import Caching
from trainer_service.features.cut import NUM_MORE, Cut, find_cut
from trainer_service.features.feature_folder import FeatureFolder, TableSpec
from trainer_service.features.feature_key import feature_key
from trainer_service.features.filling import Filled, fill, nothing_moved, rounds_by_place
from trainer_service.features.table import Table, form_of
from trainer_service.features.taps import frozen_part

SHARE_OF_MEMORY = 0.5
"""Of the memory that is free now: the rest is for training and for other jobs."""

SHARE_OF_DEVICE = 0.25
"""Of the device's memory that is free now: activations and optimizer state come after."""

ROUNDS_BY_PLACE = (
    "this processor rounds an image of this model differently at another place of a batch, so what"
    " is kept differs by that rounding from what each epoch would compute anew"
)

Rows = Mapping[str, Tensor]
"""Table -> its rows."""

PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def phase_source(
    model: nn.Module, batches: ImageBatches, freeze: FreezePlan, caching: Caching
) -> tuple[nn.Module, Batches]:
    """Return the network that a phase trains, and its batches.

    Either the model and its images, or the part of it that lives and what the frozen part gives for
    them, computed here or by an earlier job. It has the model's paths, and its own modules and
    parameters where they live. The model is left as it was.

    Args:
        model: frozen as the plan says, on its device.

    Raises:
        FeatureCacheImpossible: it is required, and there is nothing to keep.
    """
    if not caching.plan.is_used:
        return model, batches
    try:
        return _Source(model, batches, freeze, caching).made()
    except AllLives:
        return model, batches
    except NothingToKeep as reason:
        if caching.is_required:
            raise FeatureCacheImpossible(
                f"feature_cache.policy is REQUIRED, but nothing can be kept under {freeze.mode}:"
                f" {reason}"
            ) from reason
        caching.say(f"nothing is kept of what is frozen under {freeze.mode}: {reason}")
        return model, batches


class _Source:
    """The steps to a network and its kept features."""

    def __init__(
        self, model: nn.Module, batches: ImageBatches, freeze: FreezePlan, caching: Caching
    ) -> None:
        self._model, self._batches = model, batches
        self._freeze, self._caching = freeze, caching

    def made(self) -> tuple[nn.Module, Batches]:
        """Return both.

        Raises:
            NothingToKeep: says why.
        """
        # 1. Where the frozen part ends, shown on a few images.
        cut = find_cut(self._model, self._freeze, self._few_images(), self._precision)
        tables = self._tables(cut)
        self._require_memory(tables)
        # 2. What an earlier job kept.
        folder, key = self._folder(cut)
        if folder is not None and (rows := folder.find(key, tables)) is not None:
            self._say("found, kept by an earlier job", cut, tables)
            return cut.network, self._kept(cut, rows, nothing_moved(self._batches, self._num_views))
        # 3. The one pass over all images.
        return cut.network, self._computed(cut, tables, folder, key)

    @property
    def _num_views(self) -> int:
        return self._caching.plan.num_views

    @cached_property
    def _few(self) -> Batch:
        positions = np.resize(np.arange(len(self._batches.dataset.train)), NUM_MORE)
        return self._batches.training_at(positions, epoch=1)

    def _few_images(self) -> Tensor:
        assert isinstance(self._few.images, Tensor)
        return self._few.images

    def _precision(self) -> AbstractContextManager[object]:
        dtype = PRECISIONS.get(self._caching.precision)
        if dtype is None:
            return nullcontext()
        return torch.autocast(self._batches.device.type, dtype=dtype)

    def _tables(self, cut: Cut) -> list[TableSpec]:
        counts = {
            "train": len(self._batches.dataset.train) * self._num_views,
            "validation": len(self._batches.dataset.validation),
        }
        return [
            TableSpec(name=f"{split}.{number}", form=form_of(example), num_rows=count)
            for split, count in counts.items()
            for number, example in enumerate(cut.examples)
        ]

    def _folder(self, cut: Cut) -> tuple[FeatureFolder | None, str]:
        """Return where kept features are for later jobs, and under which key; None for nowhere."""
        caching = self._caching
        if not caching.folder or self._has_moving_targets():
            return None, ""
        key = feature_key(self._model, cut, self._batches, caching)
        if not key:
            return None, ""
        return FeatureFolder(Path(caching.folder), caching.budget_bytes, caching.say), key

    def _has_moving_targets(self) -> bool:
        """Whether targets vary with their images: they are not kept on disk."""
        targets = self._few.targets
        is_map = isinstance(targets, Tensor) and targets.ndim > 2
        return is_map and bool(self._batches.order.augmentation)

    def _require_memory(self, tables: list[TableSpec]) -> None:
        needed = sum(table.num_bytes for table in tables)
        free = self._caching.free_bytes
        if needed * self._caching.num_sharing > SHARE_OF_MEMORY * free:
            raise NothingToKeep(
                f"it would take {needed / 1e9:,.1f} GB for {tables[0].num_rows:,} images, more than"
                f" half of the {free / 1e9:,.1f} GB of memory that are free"
            )

    def _computed(
        self, cut: Cut, tables: list[TableSpec], folder: FeatureFolder | None, key: str
    ) -> CachedBatches:
        num_bytes = sum(table.num_bytes for table in tables)
        if folder is not None and folder.has_room_for(num_bytes):
            try:
                with folder.draft(key, tables) as draft:
                    filled = self._filled(cut, draft.rows)
                    if filled.is_complete:
                        draft.commit()
                    self._say("computed once and kept for later jobs", cut, tables)
                    return self._kept(cut, draft.rows, filled)
            except DiskFull as error:
                self._caching.say(f"features are kept in memory only: {error}")
        rows = {
            table.name: torch.empty(
                (table.num_rows, table.form.num_elements), dtype=table.form.dtype
            )
            for table in tables
        }
        filled = self._filled(cut, rows)
        self._say("computed once and kept for this phase", cut, tables)
        return self._kept(cut, rows, filled)

    def _filled(self, cut: Cut, rows: Rows) -> Filled:
        train, validation = (self._split(cut, rows, split) for split in ("train", "validation"))
        with frozen_part(self._model, self._freeze, cut, self._precision) as prefix:
            num_images = len(self._batches.dataset.train)
            if rounds_by_place(
                prefix, self._few_images()[:1], num_images, self._caching.batch_size
            ):
                self._caching.say(ROUNDS_BY_PLACE)
            return fill(prefix, self._batches.whole, self._caching, train, validation)

    def _split(self, cut: Cut, rows: Rows, split: str) -> tuple[Table, ...]:
        return tuple(
            Table(form=form_of(example), rows=rows[f"{split}.{number}"])
            for number, example in enumerate(cut.examples)
        )

    def _kept(self, cut: Cut, rows: Rows, filled: Filled) -> CachedBatches:
        train, validation = (self._split(cut, rows, split) for split in ("train", "validation"))
        return CachedBatches(
            batches=self._batches,
            num_views=self._num_views,
            train_tables=self._near(train),
            validation_tables=self._near(validation),
            filled=filled,
        )

    def _near(self, tables: tuple[Table, ...]) -> tuple[Table, ...]:
        """Return the tables on the model's device where there is room for them."""
        device = self._batches.device
        if device.type != "cuda":
            return tables
        num_bytes = sum(table.rows.nbytes for table in tables)
        if num_bytes > SHARE_OF_DEVICE * torch.cuda.mem_get_info(device)[0]:
            return tables
        return tuple(table.on(device) for table in tables)

    def _say(self, what: str, cut: Cut, tables: list[TableSpec]) -> None:
        megabytes = sum(table.num_bytes for table in tables) / 1e6
        entered = listed(sorted({slot.entries[0].path for slot in cut.slots}))
        self._caching.say(
            f"what enters {entered} is {what}: {tables[0].num_rows:,} rows to train on,"
            f" {megabytes:,.1f} MB"
        )
