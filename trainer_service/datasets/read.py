"""From a dataset spec to images that are ready to train on: list, split, check, keep."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import psutil
import torch
from torch import Tensor

from catalog_service.errors import listed
from catalog_service.models.contracts import InputContract
from trainer_service.datasets.data_check import CheckedSplit, check_split
from trainer_service.datasets.images import Images, ImagesOnDisk, KeptImages
from trainer_service.datasets.listing import SplitSamples, split_samples
from trainer_service.datasets.object_targets import ObjectRows, object_rows
from trainer_service.datasets.quarantine import Quarantine, max_unusable, too_many_unusable
from trainer_service.datasets.report import data_report, unusable
from trainer_service.datasets.sample_reader import SampleReader
from trainer_service.datasets.samples import Pictures, Samples
from trainer_service.datasets.split import shuffled
from trainer_service.datasets.truths import Flags, Labels, Masks, Numbers, Objects
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.evaluation import DataReport
from trainer_service.jobs.learning_spec import DEFAULT_IGNORE_INDEX, MAX_IGNORE_INDEX

MAX_KEPT_BYTES = 16 * 2**30
"""Most memory for decoded images: 114,000 of 224 x 224 pixels. More is decoded in each epoch."""

KEPT_SHARE_OF_MEMORY = 0.5
"""Of the memory that is free now: the rest is for the model, its gradients and other jobs."""

NUM_EXAMPLES = 64
"""Enough for some that a good model gets wrong."""

BYTES_PER_PIXEL, BYTES_PER_MASK_PIXEL = 3, 2

Progress = Callable[[int, int], None]
"""Called with the number of images checked and of all images; may raise to stop."""


def _empty_report() -> DataReport:
    return DataReport(num_train_images=0, num_validation_images=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Checked images, split."""

    class_names: tuple[str, ...]
    train: Images
    validation: Images
    fingerprint: str
    """`sha256:...`, see `report.fingerprint`."""
    report: DataReport = field(default_factory=_empty_report)
    quarantine: Quarantine = field(default_factory=lambda: Quarantine(0, 0.0))
    """What is left out; it grows while images are read."""
    digests: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    """Of the training and of the validation images: sha256 in hex, empty for lost ones."""
    keypoint_names: tuple[str, ...] = ()
    examples: Mapping[int, str] = field(default_factory=dict)
    """Validation images, drawn by lot, that people may be shown: position -> what it is called."""


def read_dataset(
    spec: DatasetSpec,
    wants: DataWants,
    *,
    allowed_roots: Sequence[str],
    pool: Executor,
    progress: Progress,
    num_sharing: int = 1,
) -> Dataset:
    """Return checked images, decoded and kept where so many processes have room for them.

    Raises:
        DataInvalid: more unusable images than the spec allows, or classes other than the model's.
        PathOutsideRoots: a path leaves the allowed roots.
    """
    # 1. What there is
    samples = split_samples(spec, wants, allowed_roots)
    readers = [_reader(each, samples, wants) for each in (samples.train, samples.validation)]
    num_images = len(samples.train) + len(samples.validation)
    # 2. Every image, once
    train, validation = _checked(readers, pool, progress, num_sharing)
    faults = [*unusable(samples.train, train), *unusable(samples.validation, validation)]
    if len(faults) > max_unusable(num_images, spec.max_unusable_ratio):
        raise too_many_unusable(faults, num_images)
    # 3. What comes out of it
    report = data_report(samples, train, validation)
    _require_no_class_unseen(report, wants)
    _require_two_classes(report, samples, wants)
    quarantine = Quarantine(num_images, spec.max_unusable_ratio, faults)
    return Dataset(
        class_names=samples.class_names,
        train=_images(readers[0], train, wants, pool, quarantine),
        validation=_images(readers[1], validation, wants, pool, quarantine),
        fingerprint=report.fingerprint,
        report=report,
        quarantine=quarantine,
        digests=(tuple(train.digests), tuple(validation.digests)),
        keypoint_names=samples.keypoint_names,
        examples=examples_of(samples.validation.pictures, seed=spec.split_seed),
    )


def examples_of(pictures: Pictures, *, seed: int) -> dict[int, str]:
    """Return NUM_EXAMPLES images or all, by lot: the same for every job on the same data."""
    chosen = shuffled(len(pictures), seed=seed, epoch=0)[:NUM_EXAMPLES]
    return {int(position): pictures.name(int(position)) for position in chosen}


def _require_no_class_unseen(report: DataReport, wants: DataWants) -> None:
    """Raise DataInvalid where a class would count for nothing without anybody having said so."""
    is_usual = wants.ignore_index == DEFAULT_IGNORE_INDEX
    if wants.task == "segmentation" and is_usual and len(report.classes) > DEFAULT_IGNORE_INDEX:
        name = report.classes[DEFAULT_IGNORE_INDEX].name
        raise DataInvalid(
            f"class {name!r} is number {DEFAULT_IGNORE_INDEX}, the mask value that usually counts"
            f" for nothing: set loss.ignore_index to a value of no class, such as"
            f" {MAX_IGNORE_INDEX}"
        )


def _require_two_classes(report: DataReport, samples: SplitSamples, wants: DataWants) -> None:
    """Raise DataInvalid where all pixels of all training masks are of one class: every model would
    be right. Black and white masks whose white is `ignore_index` look like that.
    """
    if wants.task != "segmentation":
        return
    taught = [
        each.name
        for index, each in enumerate(report.classes)
        if each.num_train_images and index != wants.ignore_index
    ]
    if len(taught) < 2:
        raise DataInvalid(
            f"the training masks, such as that of {samples.train.pictures.name(0)!r}, have no"
            f" class but {listed([repr(name) for name in taught]) or 'none'}: there is nothing to"
            f" tell apart. The value {wants.ignore_index} counts for nothing (ignore_index);"
            " classes_of_values says what values mean, such as {255: 1}"
        )


def _checked(
    readers: Sequence[SampleReader], pool: Executor, progress: Progress, num_sharing: int
) -> list[CheckedSplit]:
    """Return what every image of both splits is like."""
    num_images = sum(map(len, readers))
    keep = _is_kept(num_images, readers[0], num_sharing)
    checked: list[CheckedSplit] = []
    for reader in readers:
        before = sum(len(each.digests) for each in checked)
        tick = partial(_tick, progress, before, num_images)
        checked.append(check_split(reader, pool, keep=keep, tick=tick))
    return checked


def _tick(progress: Progress, before: int, num_images: int, num_checked: int) -> None:
    progress(before + num_checked, num_images)


def fits_memory(
    num_images: int, contract: InputContract, *, has_masks: bool = False, num_sharing: int = 1
) -> bool:
    """Whether so many decoded images may be kept, by each of several processes."""
    num_pixels = num_images * contract.height_px * contract.width_px
    num_bytes = num_pixels * (BYTES_PER_PIXEL + has_masks * BYTES_PER_MASK_PIXEL)
    free_bytes = psutil.virtual_memory().available / num_sharing
    return num_bytes <= min(MAX_KEPT_BYTES, KEPT_SHARE_OF_MEMORY * free_bytes)


def _reader(samples: Samples, whole: SplitSamples, wants: DataWants) -> SampleReader:
    assert wants.contract is not None, "images cannot be read without the model's input contract"
    return SampleReader(
        samples=samples,
        contract=wants.contract,
        num_classes=len(whole.class_names) or wants.num_outputs,
        ignore_index=wants.ignore_index,
    )


def _is_kept(num_images: int, reader: SampleReader, num_sharing: int) -> bool:
    """Whether decoded images are kept: never those of a detector, whose sizes are their own."""
    has_masks = isinstance(reader.samples.truth, Masks)
    return not reader.contract.is_image_list and fits_memory(
        num_images, reader.contract, has_masks=has_masks, num_sharing=num_sharing
    )


def _images(
    reader: SampleReader,
    checked: CheckedSplit,
    wants: DataWants,
    pool: Executor,
    quarantine: Quarantine,
) -> Images:
    lost = np.zeros(len(reader), dtype=bool)
    lost[list(checked.faults)] = True
    if checked.kept is not None:
        labels = checked.kept_masks if checked.kept_masks is not None else _labels(reader, wants)
        return KeptImages(labels=labels, kept=checked.kept, lost=lost)
    return ImagesOnDisk(
        labels=_labels(reader, wants),
        reader=reader,
        pool=pool,
        quarantine=quarantine,
        lost=lost,
        digests=checked.digests,
    )


def _labels(reader: SampleReader, wants: DataWants) -> Tensor | ObjectRows | None:
    truth = reader.samples.truth
    if isinstance(truth, Labels | Flags | Numbers):
        return torch.from_numpy(np.ascontiguousarray(truth.values))
    return object_rows(truth, wants.task) if isinstance(truth, Objects) else None
