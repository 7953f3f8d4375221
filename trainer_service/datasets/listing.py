"""From a dataset spec to the samples of both splits: which source, which split, which share of it.

Pure but for folder listings and tables: the serving process and the worker come to the same lists.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainer_service.datasets.cluttered_digits import cluttered_digits
from trainer_service.datasets.coco_listing import coco_listing
from trainer_service.datasets.csv_listing import csv_listing
from trainer_service.datasets.digits_listing import digits_listing
from trainer_service.datasets.drawn_scenes import drawn_scenes
from trainer_service.datasets.folder_listing import image_folder, unlabelled_images
from trainer_service.datasets.mask_pairs import image_mask_pairs
from trainer_service.datasets.quarantine import max_unusable, too_many_unusable
from trainer_service.datasets.samples import Listing, Samples
from trainer_service.datasets.split import nested_choice, stratified_split
from trainer_service.datasets.torchvision_listing import torchvision_listing
from trainer_service.datasets.truths import Objects
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.evaluation import UnusableImage

Source = Callable[[DatasetSpec, DataWants, Sequence[str]], Listing]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A kind of source, and what can be learned from it."""

    tasks: tuple[str, ...]
    read: Source


SOURCES: Mapping[str, SourceRow] = {
    "image_folder": SourceRow(tasks=("classification", "simclr"), read=image_folder),
    "bundled_digits": SourceRow(
        tasks=("classification", "simclr"), read=lambda spec, wants, _: digits_listing(spec, wants)
    ),
    "unlabelled_images": SourceRow(tasks=("simclr",), read=unlabelled_images),
    "drawn_scenes": SourceRow(
        tasks=(
            *("classification", "multilabel", "regression", "segmentation"),
            *("detection", "instance_segmentation", "keypoints", "simclr"),
        ),
        read=lambda spec, wants, _: drawn_scenes(spec, wants),
    ),
    "csv": SourceRow(
        tasks=("classification", "multilabel", "regression", "segmentation", "simclr"),
        read=csv_listing,
    ),
    "image_mask_pairs": SourceRow(tasks=("segmentation", "simclr"), read=image_mask_pairs),
    "coco": SourceRow(
        tasks=(
            *("detection", "instance_segmentation", "keypoints"),
            *("segmentation", "multilabel", "simclr"),
        ),
        read=coco_listing,
    ),
    "torchvision": SourceRow(
        tasks=("classification", "segmentation", "simclr"), read=torchvision_listing
    ),
    "cluttered_digits": SourceRow(
        tasks=("segmentation", "multilabel", "simclr"),
        read=lambda spec, wants, _: cluttered_digits(spec, wants),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSamples:
    """The samples of both splits."""

    class_names: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    train: Samples
    validation: Samples


def split_samples(
    spec: DatasetSpec, wants: DataWants, allowed_roots: Sequence[str]
) -> SplitSamples:
    """Return the samples that a job trains on and those it is judged by.

    Raises:
        DataInvalid: the source has nothing for the task, is empty, or does not fit the model.
        PathOutsideRoots: a path leaves the allowed roots.
    """
    row = SOURCES[spec.kind]
    if wants.task not in row.tasks:
        others = [kind for kind, each in SOURCES.items() if wants.task in each.tasks]
        raise DataInvalid(
            f"{spec.kind} cannot teach {wants.task}; it is for {', '.join(row.tasks)}."
            f" {wants.task} is taught by {', '.join(others)}"
        )
    listing = row.read(spec, wants, allowed_roots)
    train, validation = _split(listing, spec)
    if spec.data_ratio < 1:
        strata = train.truth.strata().tolist()
        train = train.at(nested_choice(strata, ratio=spec.data_ratio, seed=spec.split_seed))
    _require_some(train, validation)
    _require_few_faults(train, validation, spec)
    _require_objects(train)
    return SplitSamples(
        class_names=listing.class_names,
        keypoint_names=listing.keypoint_names,
        train=train,
        validation=validation,
    )


def _split(listing: Listing, spec: DatasetSpec) -> tuple[Samples, Samples]:
    if listing.validation is not None:
        return listing.train, listing.validation
    train, validation = stratified_split(
        listing.train.truth.strata().tolist(), ratio=spec.validation_ratio, seed=spec.split_seed
    )
    return listing.train.at(train), listing.train.at(validation)


def _require_some(train: Samples, validation: Samples) -> None:
    if not len(train):
        raise DataInvalid("there are no training images")
    if not len(validation):
        raise DataInvalid(
            "every class has a single image, so none is left for validation: add images or name a"
            " validation folder"
            if len(train) > 1
            else "there is a single image, so none is left for validation: add images"
        )


def _require_objects(train: Samples) -> None:
    if isinstance(train.truth, Objects) and not any(train.truth.counts()):
        raise DataInvalid(
            f"none of the {len(train):,} training images has an object: there is nothing to find."
            " Annotate some, or use more of them (data_ratio, validation_ratio)"
        )


def _require_few_faults(train: Samples, validation: Samples, spec: DatasetSpec) -> None:
    unusable = [
        UnusableImage(path=samples.pictures.name(position), reason=reason)
        for samples in (train, validation)
        for position, reason in samples.faults.items()
    ]
    num_images = len(train) + len(validation)
    if len(unusable) > max_unusable(num_images, spec.max_unusable_ratio):
        raise too_many_unusable(unusable, num_images)
