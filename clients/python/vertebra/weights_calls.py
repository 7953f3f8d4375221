"""Asks about published weights and has them brought in; also in `CatalogClient`."""

from collections.abc import Callable, Iterable, Iterator

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.catalog.v1.weights_service_pb2_grpc import WeightsServiceStub
from vertebra.client_errors import AnswerRefused
from vertebra.connection import Connection, resumed
from vertebra.model.v1 import stream_pb2
from vertebra.paging import items_of_pages

PROBE_TIMEOUT_S = 300.0
"""A probe waits for every remote location in turn."""


class WeightsCalls:
    """Lists, describes, finds and fetches weights."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = WeightsServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def list_weights(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[wire.Weights]:
        """Yield all matching weights, without their categories.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = wire.ListWeightsRequest(filter=filter, order_by=order_by)
        return items_of_pages(self._connection, self._stub.ListWeights, request, "weights")

    def get_weights(self, name: str) -> wire.Weights:
        """Return one weight with its categories. Raises RpcFailed WEIGHTS_NOT_FOUND."""
        answer = self._connection.call(self._stub.GetWeights, wire.GetWeightsRequest(name=name))
        weight: wire.Weights = answer.weights
        return weight

    def explain_weights(self, name: str, *, probe: bool = False) -> wire.ExplainWeightsResponse:
        """Return where the bytes of a weight or a checkpoint would come from; nothing is fetched.

        Args:
            name: as in `ensure_weights`.
            probe: ask every remote location for headers; without it none is contacted.

        Raises:
            RpcFailed: WEIGHTS_NOT_FOUND, CHECKPOINT_NOT_FOUND, HUB_ID_UNKNOWN, FIELD_INVALID.
        """
        request = wire.ExplainWeightsRequest(name=name, probe=probe)
        timeout_s = max(self._connection.timeout_s, PROBE_TIMEOUT_S) if probe else None
        answer: wire.ExplainWeightsResponse = self._connection.call(
            self._stub.ExplainWeights, request, timeout_s=timeout_s
        )
        return answer

    def ensure_weights(
        self, name: str, *, on_progress: Callable[[wire.EnsureProgress], None] | None = None
    ) -> wire.EnsuredWeights:
        """Return a weight once it is in the catalog's store: downloaded, proven, converted.

        A stream that breaks is opened again; the catalog's transfer goes on meanwhile.

        Args:
            name: a reference, an architecture for its default, `huggingface/owner/repository`, or
                `checkpoints/letters`.
            on_progress: called with every report.

        Raises:
            RpcFailed: WEIGHTS_UNAVAILABLE, WEIGHTS_GATED, WEIGHTS_UNREACHABLE, DIGEST_MISMATCH,
                DISK_FULL and what else the contract lists; `metadata` has the trail as `step.1`,
                `step.2`, ..., `links` a page to visit.
        """
        cursor = EnsureCursor(wire.EnsureWeightsRequest(name=name))
        for progress in resumed(self._connection, self._stub.EnsureWeights, cursor):
            if on_progress is not None:
                on_progress(progress)
        assert cursor.weights is not None
        return cursor.weights


class EnsureCursor:
    """A weight being brought in: calling again with the same name joins the same work."""

    def __init__(self, request: wire.EnsureWeightsRequest) -> None:
        self._request = request
        self.weights: wire.EnsuredWeights | None = None

    def request(self) -> wire.EnsureWeightsRequest:
        """Return the same request every time."""
        return self._request

    def take(self, message: wire.EnsureWeightsResponse) -> Iterable[wire.EnsureProgress]:
        """Keep the result; return progress."""
        if message.HasField("weights"):
            self.weights = message.weights
        return (message.progress,) if message.HasField("progress") else ()

    def finish(self, end: stream_pb2.StreamEnd) -> None:
        """Check that a result came."""
        if self.weights is None:
            raise AnswerRefused("the weights were called complete, but did not come")
