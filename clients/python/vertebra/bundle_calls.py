"""Asks a catalog for bundles and hands them to another one; also in `CatalogClient`.

These are the calls alone: `bundle_export` lays the files down, `bundle_import` takes them in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog.v1.storage_service_pb2_grpc import StorageServiceStub
from vertebra.client_errors import AnswerRefused
from vertebra.connection import Connection, resumed
from vertebra.model.v1 import stream_pb2
from vertebra.wire_json import to_message

LONG_TIMEOUT_S = 1800.0
"""A plan may look for many files, an import reads every checkpoint."""

Selection = wire.BundleSelection | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedBundle:
    """A manifest, and what was left out of it."""

    manifest: wire.BundleManifest
    skipped: tuple[wire.BundleEntry, ...]


class BundleCalls:
    """Plans, exports and imports bundles."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = StorageServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def plan_bundle(
        self, selection: Selection, *, base_manifest: bytes = b""
    ) -> wire.PlanBundleResponse:
        """Return what a bundle would hold; nothing is fetched.

        Args:
            selection: BundleSelection, or its JSON form such as `{"names": ["resnet50"]}`.
            base_manifest: `manifest.json` of an earlier bundle: what it has is left out.

        Raises:
            RpcFailed: FIELD_INVALID, WEIGHTS_NOT_FOUND, CHECKPOINT_NOT_FOUND, MANIFEST_INVALID.
        """
        request = wire.PlanBundleRequest(
            selection=to_message(selection, wire.BundleSelection), base_manifest=base_manifest
        )
        answer: wire.PlanBundleResponse = self._connection.call(
            self._stub.PlanBundle, request, timeout_s=LONG_TIMEOUT_S
        )
        return answer

    def export_bundle(
        self,
        selection: Selection,
        *,
        base_manifest: bytes = b"",
        licence_texts: Mapping[str, str] | None = None,
        skip_unavailable: bool = False,
        on_event: Callable[[wire.ExportBundleResponse], None] | None = None,
    ) -> ExportedBundle:
        """Return the manifest of a selection, all of which is in the catalog's store then.

        A stream that breaks is opened again; what the catalog has brought in stays.

        Args:
            selection, base_manifest: as in `plan_bundle`.
            licence_texts: licence -> text, for licences whose text must go along.
            skip_unavailable: leave out what cannot be had.
            on_event: called with progress, and with every entry once its blob can be read.

        Raises:
            RpcFailed: LICENCE_TEXT_MISSING; as `plan_bundle` and `ensure_weights`.
        """
        request = wire.ExportBundleRequest(
            selection=to_message(selection, wire.BundleSelection),
            base_manifest=base_manifest,
            licence_texts=licence_texts or {},
            skip_unavailable=skip_unavailable,
        )
        cursor = ExportCursor(request)
        for event in resumed(self._connection, self._stub.ExportBundle, cursor):
            if on_event is not None:
                on_event(event)
        assert cursor.manifest is not None
        return ExportedBundle(manifest=cursor.manifest, skipped=tuple(cursor.skipped.values()))

    def import_bundle(
        self, manifest_json: bytes, *, expected_digest: str = "", dry_run: bool = False
    ) -> wire.ImportBundleResponse:
        """Return what became of each entry of a manifest, whose blobs were uploaded before.

        Args:
            expected_digest: `sha256:<hex>` of the manifest; empty: not compared.
            dry_run: check and report, list nothing.

        Raises:
            RpcFailed: MANIFEST_INVALID, MANIFEST_DIGEST, CACHE_READ_ONLY.
        """
        request = wire.ImportBundleRequest(
            manifest_json=manifest_json, expected_digest=expected_digest, dry_run=dry_run
        )
        answer: wire.ImportBundleResponse = self._connection.call(
            self._stub.ImportBundle, request, timeout_s=LONG_TIMEOUT_S
        )
        return answer


class ExportCursor:
    """A bundle being put together: calling again goes through the same selection again."""

    def __init__(self, request: wire.ExportBundleRequest) -> None:
        self._request = request
        self._seen: set[str] = set()
        self.skipped: dict[str, wire.BundleEntry] = {}
        self.manifest: wire.BundleManifest | None = None

    def request(self) -> wire.ExportBundleRequest:
        """Return the same request every time; what was skipped may be there now."""
        self.skipped.clear()
        return self._request

    def take(self, message: wire.ExportBundleResponse) -> Iterable[wire.ExportBundleResponse]:
        """Keep the manifest and what was left out; return the rest, each entry once."""
        event = message.WhichOneof("event")
        if event == "manifest":
            self.manifest = message.manifest
        if event == "skipped":
            self.skipped[message.skipped.reference] = message.skipped
        if event == "entry":
            is_new = message.entry.reference not in self._seen
            self._seen.add(message.entry.reference)
            return (message,) if is_new else ()
        return (message,) if event in ("progress", "skipped") else ()

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that a manifest came."""
        if self.manifest is None:
            raise AnswerRefused("the bundle was called complete, but its manifest did not come")
