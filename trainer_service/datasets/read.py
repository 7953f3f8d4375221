"""From a dataset spec to images that are ready to train on: list, split, check, keep."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from PIL import Image

from catalog_service.models.contracts import InputContract
from trainer_service.datasets import bundled_digits
from trainer_service.datasets.data_check import CheckedImages, check_images
from trainer_service.datasets.images import Images, ImagesOnDisk, KeptImages
from trainer_service.datasets.inspect import FolderSamples, Samples, folder_samples, ordered_classes
from trainer_service.datasets.pixels import fit
from trainer_service.datasets.split import stratified_split
from trainer_service.datasets.wants import DataWants
from trainer_service.jobs import DatasetSpec

MAX_KEPT_BYTES = 16 * 2**30
"""Most memory for decoded images: 114,000 of 224 x 224 pixels. More is decoded in each epoch."""

KEPT_SHARE_OF_MEMORY = 0.5
"""Of the memory that is free now: the rest is for the model, its gradients and other jobs."""

Progress = Callable[[int, int], None]
"""Called with the number of images checked and of all images; may raise to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Checked images, split."""

    class_names: tuple[str, ...]
    train: Images
    validation: Images
    fingerprint: str
    """`sha256:...` over the sorted lines `split, class, sha256 of the file`."""


def read_dataset(
    spec: DatasetSpec,
    wants: DataWants,
    *,
    allowed_roots: tuple[str, ...],
    pool: Executor,
    progress: Progress,
) -> Dataset:
    """Return checked images, decoded and kept where they fit into memory.

    Raises:
        DataInvalid: broken images, or classes other than the model's.
        PathOutsideRoots: a path leaves the allowed roots.
    """
    contract = wants.contract
    assert contract is not None
    if spec.kind == "bundled_digits":
        return _read_digits(spec, wants.class_names, contract)
    files = folder_samples(spec, wants, allowed_roots)
    every = Samples(
        paths=files.train.paths + files.validation.paths,
        labels=files.train.labels + files.validation.labels,
    )
    num_images = len(every.paths)
    checked = check_images(
        every,
        contract,
        pool,
        keep=fits_memory(num_images, contract),
        tick=lambda num_checked: progress(num_checked, num_images),
    )
    images = _images(every, checked, contract, pool)
    num_train = len(files.train.paths)
    return Dataset(
        class_names=files.class_names,
        train=images.part(0, num_train),
        validation=images.part(num_train, num_images),
        fingerprint=_fingerprint(files, checked),
    )


def fits_memory(num_images: int, contract: InputContract) -> bool:
    """Whether so many decoded images may be kept."""
    num_bytes = num_images * contract.height_px * contract.width_px * 3
    free_bytes = psutil.virtual_memory().available
    return num_bytes <= min(MAX_KEPT_BYTES, KEPT_SHARE_OF_MEMORY * free_bytes)


def _images(
    samples: Samples, checked: CheckedImages, contract: InputContract, pool: Executor
) -> KeptImages | ImagesOnDisk:
    labels = torch.tensor(samples.labels, dtype=torch.int64)
    if checked.kept is not None:
        return KeptImages(labels=labels, kept=checked.kept)
    return ImagesOnDisk(labels=labels, paths=samples.paths, contract=contract, pool=pool)


def _fingerprint(files: FolderSamples, checked: CheckedImages) -> str:
    splits = [
        (split, files.class_names[label])
        for split, samples in (("train", files.train), ("validation", files.validation))
        for label in samples.labels
    ]
    lines = sorted(
        f"{split} {name} {digest}\n"
        for (split, name), digest in zip(splits, checked.digests, strict=True)
    )
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def _read_digits(
    spec: DatasetSpec, class_names: tuple[str, ...], contract: InputContract
) -> Dataset:
    names = ordered_classes(bundled_digits.CLASS_NAMES, class_names, 0)
    output_of = [names.index(name) for name in bundled_digits.CLASS_NAMES]
    labels = torch.tensor([output_of[digit] for digit in bundled_digits.digit_labels()])
    drawn = bundled_digits.digit_images()
    kept = torch.from_numpy(
        np.stack([fit(Image.fromarray(digit).convert("RGB"), contract) for digit in drawn])
    )
    train, validation = (
        KeptImages(labels=labels[positions], kept=kept[positions])
        for positions in map(
            torch.from_numpy,
            stratified_split(labels.tolist(), ratio=spec.validation_ratio, seed=spec.split_seed),
        )
    )
    return Dataset(
        class_names=names,
        train=train,
        validation=validation,
        fingerprint=f"sha256:{hashlib.sha256(drawn.tobytes()).hexdigest()}",
    )
