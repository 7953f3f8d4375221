"""TrainJobSpec: message -> value with its defaults filled in, and every problem found at once."""

import math
import re
from dataclasses import replace
from typing import Any, cast

from catalog_service.errors import Violation, invalid
from catalog_service.model_wire import spec_from_message, spec_to_message
from catalog_service.models.freeze_plan import FreezeMode
from catalog_service.models.layout import MAX_NOTE_CHARS
from catalog_service.models.spec import ModelSpec
from catalog_service.models.spec_check import MAX_SEED, check
from catalog_service.models.tasks import ClassificationTask
from trainer_service.api.words import ALGORITHMS, AUGMENTATIONS, NORMS, number_of, word_of
from trainer_service.jobs import DatasetSpec, ExportSpec, JobSpec, OptimizerSpec
from trainer_service.jobs.dataset_spec import DEFAULT_VALIDATION_RATIO
from trainer_service.jobs.learning_spec import (
    DEFAULT_ADAMW_WEIGHT_DECAY,
    DEFAULT_LR,
    DEFAULT_MOMENTUM,
    SHIFT,
    SHIFT_AND_FLIP,
)
from trainer_service.jobs.spec import DEFAULT_BATCH_SIZE
from vertebra.trainer.v1 import train_job_pb2 as pb

TRAINED_TASKS = ("classification",)
"""Kinds of ModelSpec's tasks that `trainer_service/tasks` has a loss for."""

IMAGE_CHANNELS = 3
"""What `trainer_service/datasets` reads every image as: red, green and blue."""

STEPS = {"none": (), "shift": SHIFT, "shift_and_flip": SHIFT_AND_FLIP}
_WORDS_OF_STEPS = {steps: word for word, steps in STEPS.items()}

CHECKPOINT_ID = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


class _Reader:
    """Reads one spec and keeps what is wrong with it."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def wrong(self, field: str, description: str) -> None:
        self.violations.append(Violation(field=f"spec.{field}", description=description))

    def word(self, words: Any, number: int, field: str) -> Any:
        return word_of(words, number, f"spec.{field}", self.violations)


def spec_of(message: pb.TrainJobSpec) -> JobSpec:
    """Return the spec that a message asks for. Class names may still be missing: the data has them.

    Raises:
        InvalidRequest: with every contradiction and bad number that the message shows by itself.
    """
    reader = _Reader()
    freeze = _freeze(message, reader)
    spec = JobSpec(
        display_name=message.display_name,
        model=_model(message, freeze, reader),
        freeze=freeze,
        norm=reader.word(NORMS, message.freeze.norm, "freeze.norm"),
        dataset=_dataset(message, reader),
        optimizer=_optimizer(message.optimizer, reader),
        num_epochs=message.num_epochs,
        batch_size=message.batch_size or DEFAULT_BATCH_SIZE,
        seed=message.seed,
        augmentation=STEPS[reader.word(AUGMENTATIONS, message.augmentation, "augmentation")],
        export=_export(message.export, reader),
    )
    _check_numbers(spec, reader)
    _check_freeze(spec, reader)
    if reader.violations:
        raise invalid(reader.violations)
    return spec


def _freeze(message: pb.TrainJobSpec, reader: _Reader) -> FreezeMode:
    """Return the mode that is asked for, in either of its two spellings."""
    shorthand = message.model.freeze_backbone
    mode = message.freeze.WhichOneof("mode")
    if mode is None:
        return FreezeMode(kind="frozen_backbone" if shorthand else "full")
    agreeing = ("frozen_backbone",) if shorthand else ("full", "scratch")
    if message.model.HasField("freeze_backbone") and mode not in agreeing:
        reader.wrong(
            "model.freeze_backbone",
            f"{str(shorthand).lower()} contradicts freeze mode {mode!r}; leave one of them out",
        )
    return FreezeMode(kind=mode, num_blocks=message.freeze.last_blocks.num_blocks)


def _model(message: pb.TrainJobSpec, freeze: FreezeMode, reader: _Reader) -> ModelSpec:
    spec = spec_from_message(message.model)
    if spec.task == ClassificationTask():
        spec = replace(spec, task=None)
    _check_is_trained(spec, reader)
    for violation in check(_with_some_class(spec)):
        reader.wrong(f"model.{violation.field}", violation.description)
    if freeze.kind == "scratch":
        _check_scratch(spec, reader)
        return replace(spec, pretrained=False)
    return replace(spec, pretrained=spec.is_pretrained)


def _check_is_trained(spec: ModelSpec, reader: _Reader) -> None:
    """Find what can be built but not trained: `trainer_service/tasks` has no loss for it."""
    task = spec.task
    if task is not None and task.kind not in TRAINED_TASKS:
        why = f"this release trains {', '.join(TRAINED_TASKS)}; BuildModel gives the model"
        reader.wrong(f"model.{task.kind}", why)
    if isinstance(task, ClassificationTask) and task.multilabel:
        why = "this release trains one label per image; BuildModel gives the model"
        reader.wrong("model.classification.multilabel", why)
    if spec.in_channels not in (0, IMAGE_CHANNELS):
        why = f"{spec.in_channels}: the trainer reads images of {IMAGE_CHANNELS} channels"
        reader.wrong("model.in_channels", why)
    if spec.aux_heads == "keep":
        why = "'keep': this release trains without auxiliary heads; leave it empty"
        reader.wrong("model.aux_heads", why)


def _with_some_class(spec: ModelSpec) -> ModelSpec:
    """Return a spec whose task has a class, to be checked: the real ones may come from the data."""
    if not isinstance(spec.task, ClassificationTask) or spec.task.num_outputs != 0:
        return spec
    return replace(spec, task=replace(spec.task, class_names=("any",)))


def _check_scratch(spec: ModelSpec, reader: _Reader) -> None:
    why = "contradicts freeze mode 'scratch', which starts from random numbers"
    if spec.pretrained:
        reader.wrong("model.pretrained", f"true {why}")
    if spec.weights and spec.is_pretrained:
        reader.wrong("model.weights", f"{spec.weights!r} {why}")


def _check_freeze(spec: JobSpec, reader: _Reader) -> None:
    kind = spec.freeze.kind
    if kind == "last_blocks" and spec.freeze.num_blocks < 1:
        reader.wrong("freeze.last_blocks.num_blocks", f"{spec.freeze.num_blocks} is less than 1")
    if kind == "scratch" and spec.norm != "batch_statistics":
        reader.wrong("freeze.norm", f"{spec.norm!r} contradicts 'scratch': its norms must train")
    freezes = kind in ("frozen_backbone", "last_blocks")
    if freezes and not spec.model.is_pretrained and not spec.model.allow_frozen_random:
        reader.wrong(
            "model.allow_frozen_random",
            f"{str(spec.freeze)!r} with pretrained=false freezes random numbers; "
            "set this field if that is wanted",
        )


def _dataset(message: pb.TrainJobSpec, reader: _Reader) -> DatasetSpec:
    dataset = message.dataset
    source = dataset.WhichOneof("source")
    if source is None:
        reader.wrong("dataset", "required: image_folder or bundled_digits")
    ratio = dataset.validation_ratio or DEFAULT_VALIDATION_RATIO
    if not 0 < ratio < 1:
        reader.wrong("dataset.validation_ratio", f"{ratio} is not between 0 and 1")
    if dataset.split_seed > MAX_SEED:
        reader.wrong("dataset.split_seed", f"{dataset.split_seed} is larger than 2^63 - 1")
    if source == "image_folder":
        _check_paths(dataset.image_folder, reader)
    return DatasetSpec(
        kind=cast(Any, source or "image_folder"),
        path=dataset.image_folder.path,
        validation_path=dataset.image_folder.validation_path,
        validation_ratio=ratio,
        split_seed=dataset.split_seed,
    )


def _check_paths(folder: pb.ImageFolder, reader: _Reader) -> None:
    if not folder.path.startswith("/"):
        why = f"{folder.path!r} is no absolute path on the trainer's host"
        reader.wrong("dataset.image_folder.path", why if folder.path else "required")
    if folder.validation_path and not folder.validation_path.startswith("/"):
        why = f"{folder.validation_path!r} is no absolute path on the trainer's host"
        reader.wrong("dataset.image_folder.validation_path", why)


def _optimizer(message: pb.OptimizerSpec, reader: _Reader) -> OptimizerSpec:
    algorithm = reader.word(ALGORITHMS, message.algorithm, "optimizer.algorithm")
    if message.HasField("momentum") and algorithm != "sgd":
        reader.wrong("optimizer.momentum", f"means nothing for {algorithm!r}: it is SGD's")
    momentum = DEFAULT_MOMENTUM if algorithm == "sgd" else 0.0
    decay = DEFAULT_ADAMW_WEIGHT_DECAY if algorithm == "adamw" else 0.0
    spec = OptimizerSpec(
        algorithm=algorithm,
        lr=message.lr or DEFAULT_LR,
        weight_decay=message.weight_decay if message.HasField("weight_decay") else decay,
        momentum=message.momentum if message.HasField("momentum") else momentum,
    )
    if not (math.isfinite(spec.lr) and spec.lr > 0):
        reader.wrong("optimizer.lr", f"{spec.lr} is not a positive number")
    if not (math.isfinite(spec.weight_decay) and spec.weight_decay >= 0):
        reader.wrong("optimizer.weight_decay", f"{spec.weight_decay} is negative or no number")
    if not 0 <= spec.momentum < 1:
        reader.wrong("optimizer.momentum", f"{spec.momentum} is not between 0 and 1")
    return spec


def _export(message: pb.ExportSpec, reader: _Reader) -> ExportSpec:
    if message.register_as and not CHECKPOINT_ID.fullmatch(message.register_as):
        why = f"{message.register_as!r} does not fit {CHECKPOINT_ID.pattern}"
        reader.wrong("export.register_as", why)
    if len(message.note) > MAX_NOTE_CHARS:
        why = f"{len(message.note)} characters; the catalog takes {MAX_NOTE_CHARS}"
        reader.wrong("export.note", why)
    return ExportSpec(register_as=message.register_as, note=message.note)


def _check_numbers(spec: JobSpec, reader: _Reader) -> None:
    if spec.num_epochs < 1:
        reader.wrong("num_epochs", f"{spec.num_epochs} is less than 1")
    if spec.batch_size < 1:
        reader.wrong("batch_size", f"{spec.batch_size} is less than 1")
    if spec.seed > MAX_SEED:
        reader.wrong("seed", f"{spec.seed} is larger than 2^63 - 1")


def spec_message(spec: JobSpec) -> pb.TrainJobSpec:
    """Return a spec with all of its defaults spelled out."""
    message = pb.TrainJobSpec(
        display_name=spec.display_name,
        model=spec_to_message(spec.model),
        freeze=pb.FreezeSpec(norm=number_of(NORMS, spec.norm)),
        dataset=_dataset_message(spec.dataset),
        optimizer=optimizer_message(spec.optimizer),
        num_epochs=spec.num_epochs,
        batch_size=spec.batch_size,
        seed=spec.seed,
        augmentation=number_of(AUGMENTATIONS, _WORDS_OF_STEPS[spec.augmentation]),
        export=pb.ExportSpec(register_as=spec.export.register_as, note=spec.export.note),
    )
    mode = getattr(message.freeze, spec.freeze.kind)
    mode.SetInParent()
    if spec.freeze.kind == "last_blocks":
        mode.num_blocks = spec.freeze.num_blocks
    return message


def optimizer_message(spec: OptimizerSpec) -> pb.OptimizerSpec:
    """Return an optimizer with all of its defaults spelled out."""
    return pb.OptimizerSpec(
        algorithm=number_of(ALGORITHMS, spec.algorithm),
        lr=spec.lr,
        weight_decay=spec.weight_decay,
        momentum=spec.momentum if spec.algorithm == "sgd" else None,
    )


def _dataset_message(spec: DatasetSpec) -> pb.DatasetSpec:
    message = pb.DatasetSpec(validation_ratio=spec.validation_ratio, split_seed=spec.split_seed)
    if spec.kind == "bundled_digits":
        message.bundled_digits.SetInParent()
    else:
        folder = pb.ImageFolder(path=spec.path, validation_path=spec.validation_path)
        message.image_folder.CopyFrom(folder)
    return message
