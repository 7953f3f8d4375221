"""Labels and RunSpec of a TrainJobSpec: what changes nothing of what is learned."""

import re
from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration

from catalog_service.errors import listed
from trainer_service.api.durations import LONGEST_S, exact_duration, seconds_of
from trainer_service.api.spec_wire.reader import Reader
from trainer_service.api.words import ENGINES, number_of
from trainer_service.jobs.run_spec import DEFAULT_MAX_FAILURES, UNLIMITED, RunSpec
from vertebra.trainer.v1 import train_run_pb2 as pb

LABEL = re.compile(r"[A-Za-z0-9._/-]{1,63}")
MAX_LABELS = 64
MAX_PRIORITY = 1000
MAX_DEVICES = 1024
"""More ranks than this are taken for a mistake."""
MAX_ATTEMPTS = 1_000_000
"""As a budget: more is no other thing than no limit."""
MIN_INTERVAL_S = 1.0


def read_labels(labels: Mapping[str, str], reader: Reader) -> dict[str, str]:
    """Return the labels, sorted; a value may be empty, a name may not."""
    if len(labels) > MAX_LABELS:
        reader.wrong("labels", f"{len(labels)} labels; at most {MAX_LABELS}")
    odd = [
        f"{name[:70]!r}={value[:70]!r}"
        for name, value in sorted(labels.items())
        if not LABEL.fullmatch(name) or (value and not LABEL.fullmatch(value))
    ]
    if odd:
        why = "names and values have at most 63 letters, digits, `-`, `_`, `.` and `/`"
        reader.wrong("labels", f"{listed(odd)}: {why}")
    return dict(sorted(labels.items()))


def read_run(message: pb.RunSpec, reader: Reader) -> RunSpec:
    """Return where and how the job runs."""
    run = RunSpec(
        priority=message.priority,
        num_devices=message.num_devices or 1,
        engine=reader.word(ENGINES, message.engine, "run.engine"),
        max_failures=_or(message, "max_failures", DEFAULT_MAX_FAILURES),
        max_preemptions=_or(message, "max_preemptions", UNLIMITED),
        time_limit_s=_positive(message, "time_limit", 0.0, reader),
        snapshot_interval_s=_positive(message, "snapshot_interval", MIN_INTERVAL_S, reader),
    )
    reader.between(-MAX_PRIORITY, MAX_PRIORITY, run.priority, "run.priority")
    reader.between(1, MAX_DEVICES, run.num_devices, "run.num_devices")
    reader.between(0, MAX_ATTEMPTS, run.max_failures, "run.max_failures")
    reader.between(UNLIMITED, MAX_ATTEMPTS, run.max_preemptions, "run.max_preemptions")
    return run


def _or(message: pb.RunSpec, field: str, default: int) -> int:
    return int(getattr(message, field)) if message.HasField(field) else default


def _positive(message: pb.RunSpec, field: str, least_s: float, reader: Reader) -> float:
    """Return a duration in seconds, 0 where there is none."""
    if not message.HasField(field):
        return 0.0
    duration: Duration = getattr(message, field)
    seconds = seconds_of(duration)
    if seconds <= 0 or seconds < least_s or seconds > LONGEST_S:
        bound = f"at least {least_s:g} s" if least_s else "more than 0 s"
        reader.wrong(f"run.{field}", f"{seconds:g} s is not {bound} and at most 100 years")
    return seconds


def run_message(run: RunSpec) -> pb.RunSpec:
    """Return the same as a message; what has no limit stays absent."""
    message = pb.RunSpec(
        priority=run.priority,
        num_devices=run.num_devices,
        engine=number_of(ENGINES, run.engine),
        max_failures=run.max_failures,
        max_preemptions=run.max_preemptions,
    )
    if run.time_limit_s:
        message.time_limit.CopyFrom(exact_duration(run.time_limit_s))
    if run.snapshot_interval_s:
        message.snapshot_interval.CopyFrom(exact_duration(run.snapshot_interval_s))
    return message
