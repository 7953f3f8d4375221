"""Snapshots in words."""

from collections.abc import Sequence

from rich.table import Table

from vertebra.cli import words
from vertebra.cli.screen import table
from vertebra.trainer.v1 import train_run_pb2 as runs


def snapshot_name(job_name: str, snapshot: str) -> str:
    """Return the full name of a snapshot that may be given as `2-1500`."""
    return snapshot if "/" in snapshot else f"{job_name}/snapshots/{snapshot}"


def snapshot_id(snapshot: runs.Snapshot) -> str:
    """Return `2-1500`: the attempt and the step."""
    return snapshot.name.rpartition("/")[2]


def snapshot_text(snapshot: runs.Snapshot) -> str:
    """Return `2-1500: step 1,500, epoch 33, 134.0 MB, 2025-03-01 14:05`."""
    return (
        f"{snapshot_id(snapshot)}: step {snapshot.step:,}, {_epochs(snapshot)}, "
        f"{words.size(snapshot.size_bytes)}, {words.when(snapshot.create_time)}"
    )


def snapshots_view(snapshots: Sequence[runs.Snapshot]) -> Table:
    """Return a line a snapshot, and why it is kept."""
    numbers = ("STEP", "EPOCHS", "SIZE", "SAVED IN")
    lines = table("SNAPSHOT", *numbers, "TAKEN", "STAYS BECAUSE", right=numbers)
    for place, one in enumerate(snapshots):
        lines.add_row(
            snapshot_id(one),
            f"{one.step:,}",
            str(one.epoch),
            words.size(one.size_bytes),
            f"{one.save_time.ToTimedelta().total_seconds():.1f} s",
            words.when(one.create_time),
            _why(one, place),
        )
    return lines


NUM_KEPT = 2
"""The newest ones stay. Source: ListSnapshots in the contract."""


def _why(snapshot: runs.Snapshot, place: int) -> str:
    reasons = (
        ("newest" if place == 0 else "second newest") if place < NUM_KEPT else "",
        "best epoch" if snapshot.is_best else "",
        "pinned" if snapshot.is_pinned else "",
    )
    return ", ".join(reason for reason in reasons if reason)


def _epochs(snapshot: runs.Snapshot) -> str:
    return f"{words.plural(snapshot.epoch, 'epoch')} done"
