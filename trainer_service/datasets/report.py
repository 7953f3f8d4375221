"""What the look at every image says about the data: who is unusable, who is twice there, how many
of each class."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from catalog_service.errors import listed
from trainer_service.datasets.data_check import CheckedSplit
from trainer_service.datasets.leaks import Prints, Twin, twins
from trainer_service.datasets.listing import SplitSamples
from trainer_service.datasets.samples import Samples
from trainer_service.datasets.truths import Labels, Masks
from trainer_service.jobs.evaluation import (
    MAX_NAMED_FILES,
    ClassCount,
    DataReport,
    Leak,
    UnusableImage,
)


def data_report(samples: SplitSamples, train: CheckedSplit, validation: CheckedSplit) -> DataReport:
    """Return what is known of the data."""
    faults = [*unusable(samples.train, train), *unusable(samples.validation, validation)]
    found = twins(_prints(train), _prints(validation))
    classes = _class_counts(samples, train, validation)
    mean, std = _channel_statistics(train)
    return DataReport(
        num_train_images=len(samples.train) - len(train.faults),
        num_validation_images=len(samples.validation) - len(validation.faults),
        classes=classes,
        unusable=tuple(faults[:MAX_NAMED_FILES]),
        num_unusable=len(faults),
        leaks=tuple(_leak(samples, twin) for twin in found[:MAX_NAMED_FILES]),
        num_leaks=len(found),
        mean=mean,
        std=std,
        fingerprint=fingerprint(samples, train, validation),
        warnings=tuple(_warnings(samples, train, found, classes)),
    )


def unusable(samples: Samples, checked: CheckedSplit) -> list[UnusableImage]:
    """Return the unusable images of a split by name."""
    return [
        UnusableImage(path=samples.pictures.name(position), reason=reason)
        for position, reason in sorted(checked.faults.items())
    ]


def fingerprint(samples: SplitSamples, train: CheckedSplit, validation: CheckedSplit) -> str:
    """Return a digest over what is trained on and what is judged by, whatever the files are called.

    `sha256:...` over the sorted lines `split, what is true, sha256 of the mask, of the image`.
    """
    lines = sorted(
        f"{split} {each.truth.word(position)} {checked.mask_digests[position]} {digest}\n"
        for split, each, checked in (
            ("train", samples.train, train),
            ("validation", samples.validation, validation),
        )
        for position, digest in enumerate(checked.digests)
        if digest
    )
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def _prints(checked: CheckedSplit) -> Prints:
    return Prints(digests=checked.digests, thumbnails=checked.thumbnails)


def _leak(samples: SplitSamples, twin: Twin) -> Leak:
    return Leak(
        train_path=samples.train.pictures.name(twin.train),
        validation_path=samples.validation.pictures.name(twin.validation),
        is_identical=twin.is_identical,
    )


def _class_counts(
    samples: SplitSamples, train: CheckedSplit, validation: CheckedSplit
) -> tuple[ClassCount, ...]:
    in_train, in_validation = (
        _counts(split, checked)
        for split, checked in ((samples.train, train), (samples.validation, validation))
    )
    if not in_train:  # numbers, or no labels
        return ()
    names = samples.class_names or tuple(map(str, range(len(in_train))))
    return tuple(
        ClassCount(name=name, num_train_images=first, num_validation_images=second)
        for name, first, second in zip(names, in_train, in_validation, strict=True)
    )


def _counts(samples: Samples, checked: CheckedSplit) -> tuple[int, ...]:
    """Return usable images with each class; what pixels say wins over what was announced."""
    if isinstance(samples.truth, Masks):
        return tuple(checked.class_counts.tolist())
    usable = np.array([bool(digest) for digest in checked.digests], dtype=bool)
    return samples.truth.at(np.flatnonzero(usable)).counts()


def _channel_statistics(train: CheckedSplit) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, from 0 to 1."""
    if not train.num_pixels:
        return (), ()
    mean, squares = train.channel_sums / train.num_pixels
    std = np.sqrt(np.maximum(squares - mean**2, 0))
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def _warnings(
    samples: SplitSamples,
    train: CheckedSplit,
    found: list[Twin],
    classes: tuple[ClassCount, ...],
) -> Iterator[str]:
    if found:
        yield "pictures that are in both splits make metrics look better than they are"
    if absent := [repr(each.name) for each in classes if not each.num_train_images]:
        yield f"no training image has {listed(absent)}"
    if unseen := [repr(each.name) for each in classes if not each.num_validation_images]:
        yield f"no validation image has {listed(unseen)}: nothing is measured of them"
    if contradictions := _contradictions(samples.train, train):
        yield f"equal training files with different classes: {listed(contradictions)}"


def _contradictions(samples: Samples, checked: CheckedSplit) -> list[str]:
    """Return pairs of names."""
    if not isinstance(samples.truth, Labels):
        return []
    by_digest: dict[str, list[int]] = defaultdict(list)
    for position, digest in enumerate(checked.digests):
        if digest:
            by_digest[digest].append(position)
    return [
        " and ".join(repr(samples.pictures.name(position)) for position in positions[:2])
        for positions in by_digest.values()
        if len({samples.truth.word(position) for position in positions}) > 1
    ]
