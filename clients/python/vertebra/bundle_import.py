"""Takes a bundle into a catalog: the blobs that it lacks are sent, then the manifest."""

from collections.abc import Callable
from dataclasses import dataclass

from vertebra.bundle_check import Defect, blob_defect
from vertebra.bundle_files import BundleFiles
from vertebra.bundle_layout import BundleBlob, BundleManifest, BundleUnusable
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBundle:
    """What became of a bundle.

    Attributes:
        defects: blobs that were not sent, because the bundle has them not or has other bytes.
        lacking: digests of the blobs that the catalog lacked; they were sent, but for a dry run.
    """

    report: wire.ImportBundleResponse
    defects: tuple[Defect, ...]
    lacking: tuple[str, ...]
    is_dry_run: bool

    def would_be_sent(self, entry: wire.ImportedEntry) -> bool:
        """Whether an entry has no bytes in the catalog because this was a dry run."""
        is_missing = entry.outcome == wire.ImportedEntry.OUTCOME_BLOB_MISSING
        return self.is_dry_run and is_missing and entry.blob.digest in self.lacking

    @property
    def num_failed(self) -> int:
        """How many entries are not to be had from the catalog afterwards."""
        return self.report.num_failed - sum(map(self.would_be_sent, self.report.entries))


class ImportWatcher:
    """Is told how far an import is; does nothing with it."""

    def reads(self, blob: BundleBlob, num_bytes: int) -> None:
        """Hear how many more bytes of a blob were hashed."""

    def sends(self, blob: BundleBlob, num_bytes: int) -> None:
        """Hear how many bytes of a blob the catalog has."""

    def done(self, blob: BundleBlob) -> None:
        """Hear that a blob is dealt with."""


def check_announced(manifest: BundleManifest, announced: str) -> None:
    """Compare a manifest with the digest that the exporting side printed; empty: not compared.

    Raises:
        BundleUnusable: it is another one.
    """
    wanted = f"sha256:{announced.lower().removeprefix('sha256:')}"
    if announced and wanted != manifest.digest:
        raise BundleUnusable(
            f"this manifest is {manifest.digest}, announced was {wanted}: it is another bundle, or "
            "somebody has changed it"
        )


def import_bundle(
    catalog: CatalogClient,
    files: BundleFiles,
    manifest: BundleManifest,
    watcher: ImportWatcher,
    *,
    dry_run: bool = False,
) -> ImportedBundle:
    """Return what became of each entry. Damaged blobs are named and not sent; the rest goes in.

    Args:
        dry_run: read and compare everything, send and list nothing.

    Raises:
        RpcFailed: DISK_FULL, CACHE_READ_ONLY, MANIFEST_INVALID.
    """
    defects, lacking, sizes = [], [], files.sizes()
    for blob in manifest.blobs:
        if not _is_there(catalog, blob):
            defect = blob_defect(files, blob, sizes, lambda n, blob=blob: watcher.reads(blob, n))  # type: ignore[misc]
            if defect is not None:
                defects.append(defect)
            else:
                lacking.append(blob.digest)
            if defect is None and not dry_run:
                _send(catalog, files, blob, lambda n, blob=blob: watcher.sends(blob, n))  # type: ignore[misc]
        watcher.done(blob)
    report = catalog.import_bundle(manifest.data, expected_digest=manifest.digest, dry_run=dry_run)
    return ImportedBundle(
        report=report, defects=tuple(defects), lacking=tuple(lacking), is_dry_run=dry_run
    )


def _is_there(catalog: CatalogClient, blob: BundleBlob) -> bool:
    try:
        catalog.blobs.stat(blob.digest)
    except RpcFailed as failure:
        if failure.reason != "BLOB_NOT_FOUND":
            raise
        return False
    return True


def _send(
    catalog: CatalogClient, files: BundleFiles, blob: BundleBlob, on_bytes: Callable[[int], None]
) -> None:
    with files.path(blob.place) as path:
        catalog.blobs.upload(path, digest=blob.digest, on_bytes=on_bytes)
