"""Schedule, early stopping, SimCLR, preprocessing, feature cache and export of a TrainJobSpec."""

import re

from catalog_service.models.lineage import MAX_NOTE_CHARS
from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import (
    CACHE_POLICIES,
    EXPORTED_STATES,
    FITS,
    SCHEDULES,
    number_of,
)
from trainer_service.jobs import (
    EarlyStopping,
    ExportSpec,
    FeatureCacheSpec,
    PreprocessingSpec,
    ScheduleSpec,
    SimClrSpec,
)
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as pb

CHECKPOINT_ID = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
INTERPOLATIONS = ("bilinear", "bicubic")
MAX_VIEWS = 100
MAX_UNITS = 65_536
MAX_PROJECTION_LAYERS = 8
MAX_NEIGHBOURS = 1000
MAX_SIDE_PX = 8192


def read_schedule(message: learning.ScheduleSpec, reader: Reader) -> ScheduleSpec:
    """Return how the learning rate changes."""
    spec = ScheduleSpec(
        kind=reader.word(SCHEDULES, message.kind, "schedule.kind"),
        warmup_steps=message.warmup_steps,
        warmup_epochs=message.warmup_epochs,
        final_lr_ratio=message.final_lr_ratio,
    )
    reader.at_least(0, spec.warmup_steps, "schedule.warmup_steps")
    reader.at_least(0, spec.warmup_epochs, "schedule.warmup_epochs")
    reader.between(0, 1, spec.final_lr_ratio, "schedule.final_lr_ratio")
    if spec.warmup_steps and spec.warmup_epochs:
        reader.wrong("schedule.warmup_epochs", "contradicts warmup_steps; leave one of them out")
    if spec.kind == "constant" and spec.final_lr_ratio:
        reader.wrong("schedule.final_lr_ratio", "means nothing for a constant learning rate")
    return spec


def schedule_message(spec: ScheduleSpec) -> learning.ScheduleSpec:
    """Return a schedule with its defaults spelled out."""
    return learning.ScheduleSpec(
        kind=number_of(SCHEDULES, spec.kind),
        warmup_steps=spec.warmup_steps,
        warmup_epochs=spec.warmup_epochs,
        final_lr_ratio=spec.final_lr_ratio,
    )


def read_stopping(message: learning.EarlyStopping, reader: Reader) -> EarlyStopping:
    """Return when a job ends early."""
    reader.at_least(1, message.patience_epochs, "early_stopping.patience_epochs")
    reader.at_least(0, message.min_delta, "early_stopping.min_delta")
    return EarlyStopping(
        metric=message.metric,
        patience_epochs=message.patience_epochs,
        min_delta=message.min_delta,
    )


def stopping_message(spec: EarlyStopping) -> learning.EarlyStopping:
    """Return the same as a message."""
    return learning.EarlyStopping(
        metric=spec.metric, patience_epochs=spec.patience_epochs, min_delta=spec.min_delta
    )


def read_simclr(message: learning.SimClrSpec, reader: Reader) -> SimClrSpec:
    """Return how SimCLR learns."""
    unset = SimClrSpec()
    spec = SimClrSpec(
        temperature=message.temperature or unset.temperature,
        projection_units=tuple(message.projection_units),
        num_neighbours=message.num_neighbours or unset.num_neighbours,
        ignore_collapse=message.ignore_collapse,
    )
    reader.positive(spec.temperature, "simclr.temperature")
    reader.between(1, MAX_NEIGHBOURS, spec.num_neighbours, "simclr.num_neighbours")
    if len(spec.projection_units) > MAX_PROJECTION_LAYERS:
        why = f"{len(spec.projection_units)} layers; at most {MAX_PROJECTION_LAYERS}"
        reader.wrong("simclr.projection_units", why)
    for width in spec.projection_units:
        reader.between(1, MAX_UNITS, width, "simclr.projection_units")
    return spec


def simclr_message(spec: SimClrSpec) -> learning.SimClrSpec:
    """Return the same as a message."""
    return learning.SimClrSpec(
        temperature=spec.temperature,
        projection_units=spec.projection_units,
        num_neighbours=spec.num_neighbours,
        ignore_collapse=spec.ignore_collapse,
    )


def read_preprocessing(message: learning.PreprocessingSpec, reader: Reader) -> PreprocessingSpec:
    """Return what is done to every image; what is not set is the weight's own."""
    spec = PreprocessingSpec(
        fit=reader.word(FITS, message.fit, "preprocessing.fit"),
        resize_shorter_side_px=message.resize_shorter_side_px,
        interpolation=message.interpolation,
        mean=tuple(message.mean),
        std=tuple(message.std),
    )
    _check_preprocessing(spec, reader)
    return spec


def _check_preprocessing(spec: PreprocessingSpec, reader: Reader) -> None:
    field = "preprocessing.resize_shorter_side_px"
    reader.between(0, MAX_SIDE_PX, spec.resize_shorter_side_px, field)
    if spec.resize_shorter_side_px and spec.fit != "crop":
        reader.wrong(field, "is for fit CROP; set fit too")
    if spec.interpolation and spec.interpolation not in INTERPOLATIONS:
        why = f"{spec.interpolation[:100]!r} is none of {', '.join(INTERPOLATIONS)}"
        reader.wrong("preprocessing.interpolation", why)
    for name, values in (("mean", spec.mean), ("std", spec.std)):
        if len(values) not in (0, 3):
            reader.wrong(f"preprocessing.{name}", f"{len(values)} numbers; 3 or none")
    for value in spec.mean[:3]:
        reader.at_least(-1000, value, "preprocessing.mean")
    for value in spec.std[:3]:
        reader.positive(value, "preprocessing.std")


def preprocessing_message(spec: PreprocessingSpec) -> learning.PreprocessingSpec:
    """Return the same as a message."""
    return learning.PreprocessingSpec(
        fit=number_of(FITS, spec.fit),
        resize_shorter_side_px=spec.resize_shorter_side_px,
        interpolation=spec.interpolation,
        mean=spec.mean,
        std=spec.std,
    )


def read_cache(message: learning.FeatureCacheSpec, reader: Reader) -> FeatureCacheSpec:
    """Return whether the frozen part's output is kept."""
    reader.between(0, MAX_VIEWS, message.num_views, "feature_cache.num_views")
    return FeatureCacheSpec(
        policy=reader.word(CACHE_POLICIES, message.policy, "feature_cache.policy"),
        num_views=message.num_views,
    )


def cache_message(spec: FeatureCacheSpec) -> learning.FeatureCacheSpec:
    """Return the same as a message."""
    return learning.FeatureCacheSpec(
        policy=number_of(CACHE_POLICIES, spec.policy), num_views=spec.num_views
    )


def read_export(message: pb.ExportSpec, reader: Reader, *, stops_early: bool) -> ExportSpec:
    """Return what a finished job leaves besides its files."""
    if message.register_as and not CHECKPOINT_ID.fullmatch(message.register_as):
        why = f"{message.register_as[:100]!r} does not fit {CHECKPOINT_ID.pattern}"
        reader.wrong("export.register_as", why)
    if len(message.note) > MAX_NOTE_CHARS:
        why = f"{len(message.note)} characters; the catalog takes {MAX_NOTE_CHARS}"
        reader.wrong("export.note", why)
    state = reader.word(EXPORTED_STATES, message.state, "export.state")
    return ExportSpec(
        register_as=message.register_as,
        note=message.note,
        state=state or ("best" if stops_early else "last"),
    )


def export_spec_message(spec: ExportSpec) -> pb.ExportSpec:
    """Return the same as a message."""
    return pb.ExportSpec(
        register_as=spec.register_as,
        note=spec.note,
        state=number_of(EXPORTED_STATES, spec.state),
    )
