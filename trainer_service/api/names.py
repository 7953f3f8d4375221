"""Resource names: `trainJobs/<id>` and what is below it."""

import re

from trainer_service.errors import SnapshotNotFound

_SNAPSHOT_NAME = re.compile(r"(?P<job>(?:trainJobs/)?[0-9a-f]{1,32})/snapshots/(?P<id>\d+-\d+)")


def job_name(job_id: str) -> str:
    """Return `trainJobs/<id>`."""
    return f"trainJobs/{job_id}"


def snapshot_name(job_id: str, snapshot_id: str) -> str:
    """Return `trainJobs/<id>/snapshots/2-1500`."""
    return f"{job_name(job_id)}/snapshots/{snapshot_id}"


def job_and_snapshot(name: str) -> tuple[str, str]:
    """Return the job's name and the snapshot's id out of `trainJobs/<id>/snapshots/2-1500`.

    Raises:
        SnapshotNotFound: no snapshot has such a name.
    """
    found = _SNAPSHOT_NAME.fullmatch(name)
    if found is None:
        raise SnapshotNotFound(
            f"no snapshot {name[:200]!r}; names are like 'trainJobs/9f3c.../snapshots/2-1500', and"
            " ListSnapshots returns those of a job"
        )
    return found["job"], found["id"]
