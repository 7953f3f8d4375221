"""Lays a bundle down in a folder or a tar: blobs first, `manifest.json` last.

An export that stops leaves what it has; the same export again asks the catalog for the rest only.
"""

import os
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vertebra.bundle_calls import ExportedBundle, Selection
from vertebra.bundle_files import FolderFiles, manifest_of
from vertebra.bundle_layout import (
    BLOBS,
    LICENCES,
    MANIFEST,
    README,
    BundleManifest,
    BundleUnusable,
    blob_place,
    licence_place,
    parsed_manifest,
)
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog.v1 import weights_service_pb2 as weights_wire
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

README_TEXT = """A bundle of vertebra: model weights and checkpoints for a site without a network.

  {manifest}   what is in it; the sha256 below is of this file
  {blobs}   the numbers, under the sha256 of their bytes
  {licences}   licences' texts that must go along

Check it, with no service and no network:

  vertebra mirror verify THIS_FOLDER --sha256 {digest}

Take it in, where a catalog runs:

  vertebra mirror import THIS_FOLDER --sha256 {digest}

Compare that digest with the one that the exporting side printed, and not only with this file: who
can change the bundle can change this text.
"""


class NoRoom(Exception):
    """The disk has no room for a bundle. `str()` says how much there must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleOrder:
    """What to export.

    Attributes:
        target: a folder, or a file that ends with `.tar`.
        licence_texts: licence -> text.
    """

    selection: Selection
    target: Path
    base_manifest: bytes = b""
    licence_texts: Mapping[str, str]
    skip_unavailable: bool = False

    @property
    def is_tar(self) -> bool:
        """Whether it becomes one file."""
        return self.target.suffix == ".tar"

    @property
    def folder(self) -> Path:
        """Where the files are laid down; for a tar, a hidden folder beside it."""
        return self.target.with_name(f".{self.target.name}.parts") if self.is_tar else self.target


class Watcher:
    """Is told how far an export is; does nothing with it."""

    def prepares(self, progress: weights_wire.EnsureProgress) -> None:
        """Hear what the catalog is doing."""

    def copies(self, reference: str, num_bytes: int) -> None:
        """Hear how many bytes of an entry's blob are here."""

    def copied(self, size_bytes: int) -> None:
        """Hear that a blob is here."""


def export_bundle(
    catalog: CatalogClient, order: BundleOrder, plan: wire.PlanBundleResponse, watcher: Watcher
) -> tuple[BundleManifest, ExportedBundle]:
    """Return what is in the bundle that is at `order.target` now.

    Raises:
        BundleUnusable: something else is there.
        NoRoom: nothing was written.
        RpcFailed: as ExportBundle in the contract says; what has come stays for the next time.
    """
    folder = order.folder
    _check_place(order)
    _check_room(order, plan)
    before = _before(folder)
    copying = _Copying(catalog, folder, watcher)
    exported = catalog.export_bundle(
        order.selection,
        base_manifest=order.base_manifest,
        licence_texts=order.licence_texts,
        skip_unavailable=order.skip_unavailable,
        on_event=copying.take,
    )
    manifest = parsed_manifest(exported.manifest.json, str(folder))
    for blob in manifest.blobs:  # what a catalog that stopped in between did not announce
        copying.bring(blob.references[0], blob.digest, blob.size_bytes)
    _finish(folder, manifest, exported)
    _forget(folder, before, manifest)
    if order.is_tar:
        _pack(folder, order.target)
    return manifest, exported


class _Copying:
    """Copies blobs as they become ready."""

    def __init__(self, catalog: CatalogClient, folder: Path, watcher: Watcher) -> None:
        self._catalog = catalog
        self._folder = folder
        self._watcher = watcher
        self._done: set[str] = set()

    def take(self, event: wire.ExportBundleResponse) -> None:
        """Copy an entry's blob; pass progress on."""
        if event.HasField("progress"):
            self._watcher.prepares(event.progress)
        if event.HasField("entry"):
            blob = event.entry.blob
            self.bring(event.entry.reference, blob.digest, blob.size_bytes)

    def bring(self, reference: str, digest: str, size_bytes: int) -> None:
        """Have a blob in the folder, under its name."""
        if digest in self._done:
            return
        target = self._folder / blob_place(digest)
        try:
            self._download(reference, digest, target)
        except RpcFailed as failure:
            if failure.reason != "BLOB_NOT_FOUND":
                raise
            self._catalog.ensure_weights(reference)  # evicted before we came for it
            self._download(reference, digest, target)
        self._done.add(digest)
        self._watcher.copied(size_bytes)

    def _download(self, reference: str, digest: str, target: Path) -> None:
        def told(num_bytes: int) -> None:
            self._watcher.copies(reference, num_bytes)

        self._catalog.blobs.download(digest, target, on_bytes=told)


def _check_place(order: BundleOrder) -> None:
    """Refuse to write among files that are not a bundle's."""
    folder = order.folder
    if order.is_tar and order.target.is_dir():
        raise BundleUnusable(f"{order.target} is a folder; a bundle in one file is a .tar")
    if not order.is_tar and folder.exists() and not folder.is_dir():
        raise BundleUnusable(f"{folder} is a file; name a folder, or a file that ends with .tar")
    known = {MANIFEST, README, LICENCES, BLOBS.partition("/")[0]}
    if folder.is_dir() and (others := sorted({each.name for each in folder.iterdir()} - known)):
        raise BundleUnusable(
            f"{folder} holds {others[0]!r}, which is no part of a bundle; name a folder of its own"
        )


def _check_room(order: BundleOrder, plan: wire.PlanBundleResponse) -> None:
    there = sum(
        (order.folder / blob_place(one.blob.digest)).exists() * one.blob.size_bytes
        for one in plan.entries
        if one.blob.digest
    )
    need = (plan.total_bytes - there) + plan.total_bytes * order.is_tar
    existing = next(
        each for each in (order.folder, *order.folder.absolute().parents) if each.exists()
    )
    free = shutil.disk_usage(existing).free
    if need > free:
        twice = "; a tar needs the room twice, a folder once" if order.is_tar else ""
        raise NoRoom(f"{order.target} needs {need:,} bytes and {existing} has {free:,} free{twice}")


def _before(folder: Path) -> BundleManifest | None:
    try:
        return manifest_of(FolderFiles(folder))
    except BundleUnusable:
        return None


def _finish(folder: Path, manifest: BundleManifest, exported: ExportedBundle) -> None:
    for licence in exported.manifest.licences:
        if licence.text:
            _write(folder / licence_place(licence.licence), licence.text.encode())
    text = README_TEXT.format(
        manifest=MANIFEST.ljust(22),
        blobs=f"{BLOBS}/<sha256>".ljust(22),
        licences=f"{LICENCES}/*.txt".ljust(22),
        digest=manifest.digest.removeprefix("sha256:"),
    )
    _write(folder / README, text.encode())
    _write(folder / MANIFEST, manifest.data)


def _forget(folder: Path, before: BundleManifest | None, manifest: BundleManifest) -> None:
    """Remove what an earlier bundle in this folder had and this one has not."""
    for part in (folder / BLOBS).glob(".*.part"):
        part.unlink(missing_ok=True)
    if before is None:
        return
    kept = {blob.place for blob in manifest.blobs} | set(manifest.licence_texts)
    for place in {blob.place for blob in before.blobs} | set(before.licence_texts):
        if place not in kept:
            (folder / place).unlink(missing_ok=True)


def _pack(folder: Path, target: Path) -> None:
    """Make one file of a folder, always the same of the same folder; the folder goes."""
    staged = target.with_name(f".{target.name}.part")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".part")
    first = folder / MANIFEST
    with staged.open("wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in (first, *(each for each in files if each != first)):
                member = tarfile.TarInfo(path.relative_to(folder).as_posix())
                member.size = path.stat().st_size
                with path.open("rb") as file:
                    tar.addfile(member, file)
        out.flush()
        os.fsync(out.fileno())
    staged.replace(target)
    shutil.rmtree(folder)


def _write(path: Path, data: bytes) -> None:
    """Write a small file: all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.part")
    with staged.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
