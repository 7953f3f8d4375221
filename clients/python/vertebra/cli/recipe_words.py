"""How a job learns, in words: what of its spec is not the usual."""

from vertebra.cli import words
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs

_PLAIN = ("unspecified", "none", "constant", "fp32")
"""What goes without saying."""


def schedule(spec: jobs.TrainJobSpec) -> str:
    """Return `cosine to 0`, `linear to 0.1 of the learning rate`; nothing where it is constant."""
    kind = words.word(learning.ScheduleSpec.Kind.Name(spec.schedule.kind), "KIND_")
    if kind in _PLAIN:
        return ""
    ratio = spec.schedule.final_lr_ratio
    return f"{kind} to {ratio:g} of the learning rate" if ratio else f"{kind} to 0"


def augmentation(spec: jobs.TrainJobSpec) -> str:
    """Return `shift and flip`, or the steps: `random resized crop, color jitter`."""
    steps = [step.WhichOneof("step") for step in spec.augmentation_steps]
    if steps:
        return ", ".join((step or "").replace("_", " ") for step in steps)
    return _unless_plain(jobs.Augmentation.Name(spec.augmentation), "AUGMENTATION_")


def precision(spec: jobs.TrainJobSpec) -> str:
    """Return `bf16`, or nothing for 32 bits."""
    return _unless_plain(learning.Precision.Name(spec.precision), "PRECISION_")


def early_stopping(spec: jobs.TrainJobSpec, main_metric: str) -> str:
    """Return `after 3 epochs without better accuracy`."""
    if not spec.early_stopping.patience_epochs:
        return ""
    epochs = words.plural(spec.early_stopping.patience_epochs, "epoch")
    return f"after {epochs} without better {spec.early_stopping.metric or main_metric}"


def _unless_plain(name: str, prefix: str) -> str:
    word = words.word(name, prefix)
    return "" if word in _PLAIN else word
