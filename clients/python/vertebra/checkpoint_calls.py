"""Registers, describes, lists and deletes checkpoints; also in `CatalogClient`."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.catalog.v1.checkpoint_service_pb2_grpc import CheckpointServiceStub
from vertebra.connection import Connection
from vertebra.model.v1 import lineage_pb2, model_spec_pb2
from vertebra.paging import items_of_pages
from vertebra.wire_json import to_message

REGISTER_TIMEOUT_S = 900.0
"""Registering reads and converts the whole file before it answers."""

IDENTIFY_TIMEOUT_S = 150.0
"""Longer than the catalog's own limit for reading names and shapes."""


class CheckpointCalls:
    """Calls of CheckpointService."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = CheckpointServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def register_checkpoint(  # noqa: PLR0913 - the fields of one request, all by name
        self,
        *,
        checkpoint_id: str,
        architecture_id: str = "",
        blob_name: str = "",
        path: str = "",
        prefix: str = "",
        lineage: lineage_pb2.Lineage | Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        mean: Sequence[float] = (),
        std: Sequence[float] = (),
        structure: model_spec_pb2.BackboneStructure | Mapping[str, Any] | None = None,
        remedies: wire.CheckpointRemedies | Mapping[str, Any] | None = None,
        source_digest: str = "",
        request_id: str = "",
    ) -> wire.Checkpoint:
        """Return the checkpoint that a file is now, or the entry that says how to get one.

        The fields are RegisterCheckpointRequest's. An empty request_id makes a new one.

        Raises:
            RpcFailed: CHECKPOINT_EXISTS, STATE_MISMATCH and what else the contract lists.
        """
        request = wire.RegisterCheckpointRequest(
            request_id=request_id or str(uuid.uuid4()),
            checkpoint_id=checkpoint_id,
            architecture_id=architecture_id,
            blob_name=blob_name,
            path=path,
            prefix=prefix,
            lineage=to_message(lineage or {}, lineage_pb2.Lineage),
            metrics=metrics or {},
            mean=mean,
            std=std,
            structure=to_message(structure or {}, model_spec_pb2.BackboneStructure),
            remedies=to_message(remedies, wire.CheckpointRemedies) if remedies else None,
            source_digest=source_digest,
        )
        return self._register(request)

    def identify_checkpoint(
        self, *, blob_name: str = "", path: str = "", max_candidates: int = 0
    ) -> wire.IdentifyCheckpointResponse:
        """Return what a file holds, from the names and shapes of its tensors alone.

        Args:
            blob_name, path: as in `register_checkpoint`.
            max_candidates: 0 means 5.

        Raises:
            RpcFailed: FILE_UNREADABLE, PATH_NOT_ALLOWED and what else the contract lists.
        """
        file = {"path": path} if path else {"blob_name": blob_name}
        request = wire.IdentifyCheckpointRequest(**file, max_candidates=max_candidates)
        answer: wire.IdentifyCheckpointResponse = self._connection.call(
            self._stub.IdentifyCheckpoint, request, timeout_s=IDENTIFY_TIMEOUT_S
        )
        return answer

    def _register(self, request: wire.RegisterCheckpointRequest) -> wire.Checkpoint:
        answer = self._connection.call(
            self._stub.RegisterCheckpoint, request, timeout_s=REGISTER_TIMEOUT_S
        )
        checkpoint: wire.Checkpoint = answer.checkpoint
        return checkpoint

    def get_checkpoint(self, name: str) -> wire.Checkpoint:
        """Return one checkpoint. Raises RpcFailed CHECKPOINT_NOT_FOUND."""
        request = wire.GetCheckpointRequest(name=name)
        checkpoint: wire.Checkpoint = self._connection.call(
            self._stub.GetCheckpoint, request
        ).checkpoint
        return checkpoint

    def list_checkpoints(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[wire.Checkpoint]:
        """Yield all matching checkpoints, newest first unless `order_by` says otherwise.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = wire.ListCheckpointsRequest(filter=filter, order_by=order_by)
        return items_of_pages(self._connection, self._stub.ListCheckpoints, request, "checkpoints")

    def delete_checkpoint(
        self, name: str, *, force: bool = False, request_id: str | None = None
    ) -> wire.Checkpoint:
        """Return a checkpoint as it was before it was taken off the list.

        Args:
            force: also where other checkpoints name it as their parent.
            request_id: as in `register_checkpoint`.

        Raises:
            RpcFailed: CHECKPOINT_NOT_FOUND, CHECKPOINT_REFERENCED.
        """
        request = wire.DeleteCheckpointRequest(
            name=name, force=force, request_id=request_id or str(uuid.uuid4())
        )
        checkpoint: wire.Checkpoint = self._connection.call(
            self._stub.DeleteCheckpoint, request
        ).checkpoint
        return checkpoint
