"""The catalog behind an address."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from catalog_service.blobs.disk import naming_disk_errors
from catalog_service.blobs.store import BlobStore
from catalog_service.errors import InvalidRequest, NotFound
from catalog_service.model_wire import (
    input_from_message,
    layout_from_message,
    lineage_from_message,
    lineage_to_message,
    output_from_message,
    recipe_from_message,
    report_from_message,
    spec_from_message,
    spec_to_message,
    structure_to_message,
)
from catalog_service.models.spec import ModelSpec
from trainer_service.catalog_gateway.catalog import ModelDescription, NewCheckpoint
from trainer_service.catalog_gateway.failures import error_of
from trainer_service.errors import CheckpointExists
from trainer_service.jobs import JobModel
from vertebra.catalog.v1 import weights_service_pb2
from vertebra.catalog.v1.model_service_pb2 import BuiltModel
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.model.v1 import layout_pb2

Answer = TypeVar("Answer")

NUM_THREADS = 8
"""Calls to the catalog at once."""

AVAILABILITY_WAIT_S = 2.0
"""How long a creation waits for the catalog to say that there are no bytes. A download that has
begun by then goes on, and the job finds its result."""


class CatalogGateway:
    """The catalog behind an address. Implements `Catalog`.

    Args:
        client: shared by all calls; the caller closes it.
        blobs: our own store; it may share its folder with the catalog's.
    """

    def __init__(self, client: CatalogClient, blobs: BlobStore) -> None:
        self._client = client
        self._blobs = blobs
        self._threads = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="catalog-gateway")

    def close(self) -> None:
        """Forget calls that did not begin; those under way end with the client's channel."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def describe(self, spec: ModelSpec) -> ModelDescription:
        """See `Catalog`."""
        built = await self._ask(
            lambda: self._client.build_model(spec_to_message(spec), definition_only=True)
        )
        return ModelDescription(
            spec=spec_from_message(built.spec),
            layout=layout_from_message(built.layout),
            input=input_from_message(built.input),
            output=output_from_message(built.output),
        )

    async def require_bytes(self, spec: ModelSpec) -> None:
        """See `Catalog`."""
        if not spec.is_pretrained or not await self._is_absent(spec.weights):
            return
        build = asyncio.ensure_future(
            self._ask(lambda: self._client.build_model(spec_to_message(spec)))
        )
        await asyncio.wait({build}, timeout=AVAILABILITY_WAIT_S)
        if build.done():
            build.result()
        else:
            build.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def require_free_name(self, checkpoint_id: str) -> None:
        """See `Catalog`."""
        with contextlib.suppress(NotFound):
            await self._ask(lambda: self._client.get_checkpoint(checkpoint_id))
            raise CheckpointExists(
                f"checkpoints/{checkpoint_id} exists and is never replaced; choose another name",
                metadata={"checkpoint": checkpoint_id},
            )

    async def prepare(self, spec: ModelSpec) -> JobModel:
        """See `Catalog`."""
        return await self._ask(lambda: self._build_and_fetch(spec))

    async def register(self, checkpoint: NewCheckpoint) -> str:
        """See `Catalog`."""
        return await self._ask(lambda: self._upload_and_register(checkpoint))

    async def _ask(self, call: Callable[[], Answer]) -> Answer:
        try:
            in_this_trace = contextvars.copy_context().run
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, in_this_trace, call
            )
        except RpcFailed as failure:
            raise error_of(failure) from failure

    async def _is_absent(self, weights: str) -> bool:
        """Return whether no local place has the bytes; only published weights can be absent."""
        try:
            found = await self._ask(lambda: self._client.get_weights(weights))
        except (NotFound, InvalidRequest):
            return False  # a registered checkpoint: its bytes are in the catalog's own store
        return found.cached_state == weights_service_pb2.CACHED_STATE_ABSENT

    def _build_and_fetch(self, spec: ModelSpec) -> JobModel:
        built = self._client.build_model(spec_to_message(spec))
        if not self._are_intact(built):  # what was here was damaged, and is in quarantine now
            built = self._client.build_model(spec_to_message(spec))
        paths = {part.role: str(self._fetch(part.blob.digest)) for part in built.parts}
        return JobModel(
            spec=spec_from_message(built.spec),
            spec_digest=built.spec_digest,
            state_digest=built.state_digest,
            backbone_digest=built.backbone_digest,
            layout=layout_from_message(built.layout),
            recipe=recipe_from_message(built.recipe),
            load_report=report_from_message(built.load_report),
            input=input_from_message(built.input),
            output=output_from_message(built.output),
            lineage=lineage_from_message(built.lineage),
            backbone_path=paths[layout_pb2.ROLE_BACKBONE],
            head_path=paths[layout_pb2.ROLE_HEAD],
        )

    def _are_intact(self, built: BuiltModel) -> bool:
        """Hash the parts that our store has already; move those that changed out of sight."""
        here = [part.blob.digest for part in built.parts if self._blobs.find(part.blob.digest)]
        damaged = [digest for digest in here if not self._blobs.verify(digest)]
        for digest in damaged:
            self._blobs.quarantine(digest, "the bytes changed after they were stored")
        return not damaged

    def _fetch(self, digest: str) -> Path:
        """Return the path of a blob in our own store; its bytes are compared with the digest."""
        if self._blobs.find(digest) is None:
            staged = self._blobs.new_staging_path()
            try:
                with naming_disk_errors(f"fetch {digest}"):
                    self._client.blobs.download(digest, staged)
            finally:
                for partial in staged.parent.glob(f".{staged.name}.*"):
                    partial.unlink(missing_ok=True)  # under this name nobody comes back for it
            self._blobs.commit_staged(staged, expected_digest=digest)
        return self._blobs.path(digest)

    def _upload_and_register(self, checkpoint: NewCheckpoint) -> str:
        answer = self._client.register_checkpoint(
            checkpoint_id=checkpoint.checkpoint_id,
            architecture_id=checkpoint.architecture_id,
            blob_name=self._upload(checkpoint),
            lineage=lineage_to_message(checkpoint.lineage),
            metrics=checkpoint.metrics,
            mean=checkpoint.mean,
            std=checkpoint.std,
            structure=structure_to_message(checkpoint.structure),
            request_id=checkpoint.request_id,
        )
        return answer.name

    def _upload(self, checkpoint: NewCheckpoint) -> str:
        with contextlib.suppress(RpcFailed):  # a shared folder: nothing to copy
            return self._client.blobs.stat(checkpoint.digest).name
        return self._client.blobs.upload(checkpoint.path).name
