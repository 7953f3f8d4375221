"""The catalog for Python programs: architectures, weights, builds and registered backbones."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from vertebra.blob_client import BlobClient
from vertebra.build_cursor import BuildCursor
from vertebra.built_state import BuiltState
from vertebra.bundle_calls import BundleCalls
from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.catalog.v1.architecture_service_pb2_grpc import ArchitectureServiceStub
from vertebra.catalog.v1.model_service_pb2_grpc import ModelServiceStub
from vertebra.checkpoint_calls import CheckpointCalls
from vertebra.connection import Connection, Pace, resumed
from vertebra.credentials import Credentials
from vertebra.model.v1 import model_spec_pb2
from vertebra.model_questions import ModelQuestions, Spec
from vertebra.paging import items_of_pages
from vertebra.storage_client import StorageClient
from vertebra.weights_calls import WeightsCalls
from vertebra.wire_json import to_message

DEFAULT_ADDRESS = "localhost:50551"


class CatalogClient:
    """A connection to one catalog. Use it in a `with`, or call `close`; threads may share it.

    Args:
        address: `host:port`.
        timeout_s: deadline of every call that is not a stream.
        pace: how streams wait and when they give up.
        credentials: certificates and tokens; None is plain text and nobody in particular.

    Raises:
        CredentialsUnusable: files that cannot be read, or a token that would go out in plain text.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = 60.0,
        pace: Pace | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self._connection = Connection(
            address, timeout_s=timeout_s, pace=pace, credentials=credentials
        )
        channel = self._connection.channel
        self._architectures = ArchitectureServiceStub(channel)  # type: ignore[no-untyped-call]
        self._models = ModelServiceStub(channel)  # type: ignore[no-untyped-call]
        questions = ModelQuestions(self._connection)
        self.describe_model = questions.describe_model
        self.render_model = questions.render_model
        self.check_input = questions.check_input
        self.list_compositions = questions.list_compositions
        self.advise_transfer = questions.advise_transfer
        weights = WeightsCalls(self._connection)
        self.list_weights = weights.list_weights
        self.get_weights = weights.get_weights
        self.explain_weights = weights.explain_weights
        self.ensure_weights = weights.ensure_weights
        checkpoints = CheckpointCalls(self._connection)
        self.register_checkpoint = checkpoints.register_checkpoint
        self.identify_checkpoint = checkpoints.identify_checkpoint
        self.get_checkpoint = checkpoints.get_checkpoint
        self.list_checkpoints = checkpoints.list_checkpoints
        self.delete_checkpoint = checkpoints.delete_checkpoint
        bundles = BundleCalls(self._connection)
        self.plan_bundle = bundles.plan_bundle
        self.export_bundle = bundles.export_bundle
        self.import_bundle = bundles.import_bundle
        self.blobs = BlobClient(self._connection)
        self.storage = StorageClient(self._connection)

    def __repr__(self) -> str:
        return f"CatalogClient({self._connection.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def list_architectures(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[architectures.Architecture]:
        """Yield all matching architectures; pages are fetched as they are needed.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = architectures.ListArchitecturesRequest(filter=filter, order_by=order_by)
        method = self._architectures.ListArchitectures
        return items_of_pages(self._connection, method, request, "architectures")

    def get_architecture(self, name: str) -> architectures.Architecture:
        """Return one architecture. Raises RpcFailed ARCHITECTURE_NOT_FOUND."""
        request = architectures.GetArchitectureRequest(name=name)
        answer = self._connection.call(self._architectures.GetArchitecture, request)
        architecture: architectures.Architecture = answer.architecture
        return architecture

    def build(
        self,
        spec: Spec,
        *,
        on_progress: Callable[[models.BuildProgress], None] | None = None,
    ) -> BuiltState:
        """Return the model that `spec` asks for: `.torch()` is the module, `.save(path)` the file.

        Args:
            spec, on_progress: as in `build_model`.

        Raises:
            RpcFailed: as ModelService.BuildModel in the contract says.
            FieldInvalid: a mapping with an unknown field.
        """
        return BuiltState(self.build_model(spec, on_progress=on_progress), self.blobs)

    def build_model(
        self,
        spec: Spec,
        *,
        definition_only: bool = False,
        on_progress: Callable[[models.BuildProgress], None] | None = None,
    ) -> models.BuiltModel:
        """Return the model that `spec` asks for, once its state is in the catalog's store.

        Args:
            spec: a message, or the JSON form such as `{"backbone": "resnet50"}`.
            definition_only: layout, recipe and contracts only: no numbers, no network.
            on_progress: called with every step.

        Raises:
            RpcFailed: as ModelService.BuildModel in the contract says.
            FieldInvalid: a mapping with an unknown field.
        """
        cursor = BuildCursor(
            models.BuildModelRequest(
                spec=to_message(spec, model_spec_pb2.ModelSpec), definition_only=definition_only
            )
        )
        for progress in resumed(self._connection, self._models.BuildModel, cursor):
            if on_progress is not None:
                on_progress(progress)
        assert cursor.model is not None
        return cursor.model

    def save_state(
        self, model: models.BuiltModel, path: str | Path, *, role: str = "", dtype: str = ""
    ) -> Path:
        """Return `path`, holding the state of a built model; as `BuiltState.save`."""
        return BuiltState(model, self.blobs).save(path, role=role, dtype=dtype)
