"""Data behind URLs: a folder here that mirrors what is there.

Looking at a data set needs names and tables alone, so planning makes an outline: image files of the
right names with nothing in them. The worker fetches what they hold. A file's time of change says
which version of the remote file it is; what has not changed is not fetched again.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from catalog_service.errors import listed
from trainer_service.datasets.image_folder import IMAGE_EXTENSIONS
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec

SCHEME = "://"

FOLDERS_ALONE = frozenset({"image_folder", "unlabelled_images", "image_mask_pairs"})
"""Sources in which nothing but images means anything."""

MARKS = ("ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "created")
"""What file systems call the version of a file; the first one that is there counts."""

STAGED = ".part-"
"""How names of files start that are being fetched: hidden, so that no listing has them."""

NEVER_FETCHED = 1
"""Time of change, in seconds, of a file that holds nothing yet."""

Progress = Callable[[int, int], None]
"""Called with the number of files fetched and of all files; may raise to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file of a remote folder."""

    remote: str
    local: Path
    version: int
    """Seconds; a digest of size and mark, larger than NEVER_FETCHED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A remote folder or file, and where it is here."""

    url: str
    place: Path
    """What stands for the URL."""
    file_system: Any
    files: tuple[RemoteFile, ...]


def is_url(path: str) -> bool:
    """Whether a path of a spec is behind a URL."""
    return SCHEME in path


def is_remote(spec: DatasetSpec) -> bool:
    """Whether any of the data is behind a URL."""
    return any(is_url(path) for path in _paths(spec))


def outlined(
    spec: DatasetSpec, allowed: Sequence[str], staging_folder: str
) -> tuple[DatasetSpec, tuple[str, ...]]:
    """Return the spec with local paths, where all names are and all tables can be read; and the
    roots below which they may be read.

    Raises:
        PathOutsideRoots: a URL does not start with an allowed prefix.
        DataInvalid: it cannot be listed, or fsspec or what it needs for the scheme is missing.
    """
    return _staged(spec, allowed, staging_folder, _outline)


def fetched(
    spec: DatasetSpec,
    allowed: Sequence[str],
    staging_folder: str,
    *,
    pool: Executor,
    progress: Progress,
) -> tuple[DatasetSpec, tuple[str, ...]]:
    """Return the same with every file in full; raises as `outlined`."""

    def fetch(mirror: Mirror, is_alone: bool) -> None:
        _outline(mirror, is_alone)
        wanted = [file for file in mirror.files if file.local.exists()]
        fetches = pool.map(lambda file: _fetch(mirror, file), wanted)
        for number, _ in enumerate(fetches, start=1):
            progress(number, len(wanted))

    return _staged(spec, allowed, staging_folder, fetch)


def _staged(
    spec: DatasetSpec,
    allowed: Sequence[str],
    staging_folder: str,
    fill: Callable[[Mirror, bool], None],
) -> tuple[DatasetSpec, tuple[str, ...]]:
    roots = tuple(root for root in allowed if not is_url(root))
    if not any(map(is_url, _paths(spec))):
        return spec, roots
    _require_apart(spec)

    def here(path: str, *, with_folder: bool = False) -> str:
        if not is_url(path):
            return path
        folder, _, name = path.rpartition("/")
        mirror = _mirror(folder if with_folder else path, allowed, Path(staging_folder))
        fill(mirror, spec.kind in FOLDERS_ALONE)
        return str(mirror.place / name if with_folder else mirror.place)

    has_neighbours = spec.kind == "csv" and not spec.csv.images_path
    return replace(
        spec,
        path=here(spec.path, with_folder=has_neighbours),
        validation_path=here(spec.validation_path, with_folder=has_neighbours),
        targets_path=here(spec.targets_path),
        validation_targets_path=here(spec.validation_targets_path),
        csv=replace(spec.csv, images_path=here(spec.csv.images_path)),
    ), (*roots, staging_folder)


def _require_apart(spec: DatasetSpec) -> None:
    """Raise DataInvalid where one of two remote folders lies in the other: here each would have a
    place of its own, and nothing would show it.
    """
    if spec.kind not in FOLDERS_ALONE or not spec.validation_path:
        return
    one, other = (f"{path.rstrip('/')}/" for path in (spec.path, spec.validation_path))
    if one.startswith(other) or other.startswith(one):
        raise DataInvalid(
            f"{spec.validation_path!r} and {spec.path!r} are the same, or one lies in the other, so"
            " that images would be in both: keep them side by side"
        )


def _paths(spec: DatasetSpec) -> tuple[str, ...]:
    return (
        spec.path,
        spec.validation_path,
        spec.targets_path,
        spec.validation_targets_path,
        spec.csv.images_path,
    )


def require_allowed(url: str, allowed: Sequence[str]) -> None:
    """Raise PathOutsideRoots unless a URL is an allowed prefix or lies below one."""
    parts = url.split(SCHEME, 1)[1].lower().replace("%2e", ".").replace("%2f", "/").split("/")
    is_plain = "::" not in url and "\\" not in url and ".." not in parts
    prefixes = [prefix.rstrip("/") for prefix in allowed if is_url(prefix)]
    if is_plain and any(url == prefix or url.startswith(f"{prefix}/") for prefix in prefixes):
        return
    raise PathOutsideRoots(
        f"{url!r} does not start with what the trainer may fetch: {listed(prefixes) or 'none'};"
        " see VERTEBRA_TRAINER_DATA_URLS",
        metadata={"path": url},
    )


def _mirror(url: str, allowed: Sequence[str], staging_folder: Path) -> Mirror:
    require_allowed(url, allowed)
    if not str(staging_folder) or str(staging_folder) == ".":
        raise DataInvalid(f"{url!r} cannot be fetched: this trainer has no folder for it")
    name = url.rstrip("/").rpartition("/")[2]
    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    place = staging_folder / digest / name
    try:
        import fsspec  # an extra, and half a second

        file_system, root = fsspec.core.url_to_fs(url)
        found = {
            path: info if info.get("size") is not None else file_system.info(path)
            for path, info in file_system.find(root, detail=True).items()
        }
    except ImportError as error:
        raise DataInvalid(
            f"{url!r} needs {error.name or 'fsspec'}: install vertebra[remote], and what fsspec"
            " needs for the scheme"
        ) from error
    except Exception as error:  # every file system has errors of its own
        raise DataInvalid(f"cannot list {url!r}: {type(error).__name__}: {error}") from error
    files = tuple(_remote_files(found, str(root).rstrip("/"), place))
    if not files:
        raise DataInvalid(f"there is nothing at {url!r}")
    return Mirror(url=url, place=place, file_system=file_system, files=files)


def _remote_files(
    found: Mapping[str, Mapping[str, Any]], root: str, place: Path
) -> Iterator[RemoteFile]:
    for remote, info in sorted(found.items()):
        inside = remote.removeprefix(root).strip("/")
        parts = PurePosixPath(inside).parts
        is_below = remote == root or remote.startswith(f"{root}/")
        if not is_below or ".." in parts or "\0" in inside:
            raise DataInvalid(f"{remote!r} cannot be mirrored: it is not below {root!r}")
        mark = next((str(info[key]) for key in MARKS if info.get(key) is not None), "")
        digest = hashlib.sha256(f"{info.get('size')} {mark}".encode()).digest()
        version = int.from_bytes(digest[:3], "big") + NEVER_FETCHED + 1
        yield RemoteFile(remote=remote, local=place.joinpath(*parts), version=version)


def _outline(mirror: Mirror, is_alone: bool) -> None:
    """Put every file in its place, images empty; leave nothing that is there no longer."""
    kept = set()
    for file in mirror.files:
        is_image = file.local.suffix.lower() in IMAGE_EXTENSIONS
        if is_alone and not is_image:
            continue
        kept.add(file.local)
        file.local.parent.mkdir(parents=True, exist_ok=True)
        if not is_image:
            _fetch(mirror, file)
        elif not file.local.exists():
            file.local.touch()
            os.utime(file.local, (NEVER_FETCHED, NEVER_FETCHED))
    for path in mirror.place.rglob("*") if mirror.place.is_dir() else ():
        if path.is_file() and path not in kept and not path.name.startswith(STAGED):
            path.unlink(missing_ok=True)


def _fetch(mirror: Mirror, file: RemoteFile) -> None:
    """Fetch one file unless it is here; it is never seen half-written."""
    if file.local.exists() and int(file.local.stat().st_mtime) == file.version:
        return
    staged = file.local.with_name(f"{STAGED}{os.getpid()}-{file.local.name}")
    try:
        mirror.file_system.get_file(file.remote, str(staged))
        os.utime(staged, (file.version, file.version))
        staged.replace(file.local)
    except Exception as error:  # every file system has errors of its own
        raise DataInvalid(
            f"cannot fetch {file.remote!r} of {mirror.url!r}: {type(error).__name__}: {error}"
        ) from error
    finally:
        staged.unlink(missing_ok=True)
