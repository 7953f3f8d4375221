"""Brings what a job exported to this machine: each file whole, verified, and in nobody's way."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePath

from vertebra.backbone_fit import listed
from vertebra.blob_client import BlobClient, digest_of_file
from vertebra.client_errors import AnswerRefused
from vertebra.trainer.v1 import train_job_pb2 as jobs

PLAIN_NAME = re.compile(r"\w[\w.-]*", re.ASCII)
"""What exported files and checkpoints are called; anything else could lead out of the folder."""

OnFileBytes = Callable[[str, int], None]
"""Told the name of a file, and how many bytes of it are here."""


class DownloadRefused(Exception):
    """Nothing was downloaded: no export, no such file, or other files are in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadedFile:
    """A file of an export, and where it is on this machine."""

    file: jobs.ExportFile
    path: Path
    was_there: bool
    """It was there already, with the same bytes."""


def newest_export(job: jobs.TrainJob, exports: Sequence[jobs.Export]) -> jobs.Export:
    """Return what the job left last.

    Raises:
        DownloadRefused: it left nothing.
    """
    if exports:
        return exports[-1]
    state = jobs.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
    raise DownloadRefused(
        f"job {job.job_id!r} has exported nothing: it is {state}, and exports are of jobs that"
        " succeeded"
    )


def chosen_files(export: jobs.Export, names: Sequence[str]) -> dict[str, jobs.ExportFile]:
    """Return name -> file of those that are wanted.

    Args:
        names: of files, or patterns with `*`; none means all.

    Raises:
        DownloadRefused: a name that no file has.
        AnswerRefused: the service names files that no export can have.
    """
    files = {_name_of(file): file for file in export.files}
    if len(files) < len(export.files):
        counted = Counter(map(_name_of, export.files))
        raise AnswerRefused(f"{export.name} has two files called {counted.most_common(1)[0][0]!r}")
    missing = [name for name in names if not any(fnmatchcase(each, name) for each in files)]
    if missing:
        asked = listed([repr(name) for name in missing])
        raise DownloadRefused(f"{export.name} has no file {asked}; it has {', '.join(files)}")
    wanted = names or ["*"]
    return {
        name: file
        for name, file in files.items()
        if any(fnmatchcase(name, pattern) for pattern in wanted)
    }


def download_files(
    blobs: BlobClient,
    files: dict[str, jobs.ExportFile],
    folder: Path,
    *,
    replaces: bool = False,
    on_bytes: OnFileBytes = lambda name, num_bytes: None,
) -> list[DownloadedFile]:
    """Return where the files are in `folder` now; those that are there are not fetched again.

    Args:
        files: of `chosen_files`.
        replaces: other files of these names, which are otherwise in the way.

    Raises:
        DownloadRefused: files in the way; none of the folder is touched.
        AnswerRefused, RpcFailed: as BlobClient.download; what came so far goes on from there.
    """
    digests = {name: file.blob.digest for name, file in files.items()}
    same = present_files(folder, digests, replaces=replaces)
    for name, file in files.items():
        if name not in same:
            blobs.download(file.blob.name, folder / name, on_bytes=partial(on_bytes, name))
    return [
        DownloadedFile(file=file, path=folder / name, was_there=name in same)
        for name, file in files.items()
    ]


def present_files(folder: Path, digests: Mapping[str, str], *, replaces: bool) -> set[str]:
    """Return the names in `folder` that have the digests they should have.

    Raises:
        DownloadRefused: others have not, and may not be replaced.
    """
    present = {name for name in digests if (folder / name).exists()}
    same = {name for name in present if _has_digest(folder / name, digests[name])}
    if present > same and not replaces:
        raise DownloadRefused(
            f"{folder} has other files called {listed(sorted(present - same))}: choose another"
            " place, or say that they may be replaced (--force)"
        )
    return same


def _name_of(file: jobs.ExportFile) -> str:
    return plain_name(PurePath(file.path).name, file.path)


def plain_name(name: str, said: str) -> str:
    """Return a name that a service chose. Raises AnswerRefused where it could lead elsewhere."""
    if not PLAIN_NAME.fullmatch(name):
        raise AnswerRefused(f"{said!r} is no name for a file")
    return name


def _has_digest(path: Path, digest: str) -> bool:
    return path.is_file() and digest_of_file(path) == digest
