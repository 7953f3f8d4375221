"""Resource names: `trainJobs/<id>` and what is below it."""


def job_name(job_id: str) -> str:
    """Return `trainJobs/<id>`."""
    return f"trainJobs/{job_id}"


def snapshot_name(job_id: str, snapshot_id: str) -> str:
    """Return `trainJobs/<id>/snapshots/2-1500`."""
    return f"{job_name(job_id)}/snapshots/{snapshot_id}"
