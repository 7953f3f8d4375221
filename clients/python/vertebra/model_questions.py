"""What can be asked about a model before it is built; all of it also in `CatalogClient`."""

from collections.abc import Iterator, Mapping
from typing import Any

from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.catalog.v1.model_service_pb2_grpc import ModelServiceStub
from vertebra.connection import Connection
from vertebra.model.v1 import model_spec_pb2
from vertebra.paging import items_of_pages
from vertebra.wire_json import to_message

Spec = model_spec_pb2.ModelSpec | Mapping[str, Any]
"""A message, or the JSON form such as `{"backbone": "resnet50"}`."""


class ModelQuestions:
    """Describes, draws and checks models. Nothing is built, no numbers are made."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = ModelServiceStub(connection.channel)  # type: ignore[no-untyped-call]

    def describe_model(
        self,
        spec: Spec,
        *,
        freeze_mode: str = "",
        batch_size: int = 0,
        optimizer: str = "",
        activation_dtype: str = "",
    ) -> models.ModelDescription:
        """Return modules, shapes, parameters and training memory of a model, without numbers.

        Args:
            freeze_mode: `full`, `frozen_backbone`, `last_blocks(2)`, ...; empty is the spec's.
            batch_size, optimizer, activation_dtype: for the memory estimate; 0 and empty are the
                service's.

        Raises:
            RpcFailed: as ModelService.DescribeModel in the contract says.
        """
        request = models.DescribeModelRequest(
            spec=to_message(spec, model_spec_pb2.ModelSpec),
            freeze_mode=freeze_mode,
            batch_size=batch_size,
            optimizer=optimizer,
            activation_dtype=activation_dtype,
        )
        answer = self._connection.call(self._stub.DescribeModel, request)
        description: models.ModelDescription = answer.description
        return description

    def render_model(
        self,
        spec: Spec,
        *,
        format: str = "svg",  # noqa: A002 - the contract's word
        freeze_mode: str = "",
    ) -> models.RenderModelResponse:
        """Return a drawing of a model as text.

        Args:
            format: `svg`, or `dot` for Graphviz.
            freeze_mode: as in `describe_model`: frozen parts are drawn as such.

        Raises:
            FieldInvalid: another format.
            RpcFailed: as ModelService.RenderModel in the contract says.
        """
        request = {"format": f"FORMAT_{format.upper()}", "freeze_mode": freeze_mode}
        message = to_message(request, models.RenderModelRequest)
        message.spec.CopyFrom(to_message(spec, model_spec_pb2.ModelSpec))
        answer: models.RenderModelResponse = self._connection.call(self._stub.RenderModel, message)
        return answer

    def check_input(
        self,
        spec: Spec,
        *,
        height_px: int,
        width_px: int,
        num_channels: int = 0,
        batch_size: int = 0,
    ) -> models.CheckInputResponse:
        """Return what becomes of images of a size, and the legal sizes near it.

        Args:
            num_channels: 0 is the spec's.
            batch_size: 0 is 1 in evaluation and 2 in training.

        Raises:
            RpcFailed: as ModelService.CheckInput in the contract says.
        """
        request = models.CheckInputRequest(
            spec=to_message(spec, model_spec_pb2.ModelSpec),
            height_px=height_px,
            width_px=width_px,
            num_channels=num_channels,
            batch_size=batch_size,
        )
        answer: models.CheckInputResponse = self._connection.call(self._stub.CheckInput, request)
        return answer

    def list_compositions(
        self,
        filter: str = "",  # noqa: A002 - the contract's word
        order_by: str = "",
    ) -> Iterator[models.Composition]:
        """Yield which backbone goes under which head through which neck.

        Raises:
            RpcFailed: FILTER_INVALID, ORDER_INVALID.
        """
        request = models.ListCompositionsRequest(filter=filter, order_by=order_by)
        method = self._stub.ListCompositions
        return items_of_pages(self._connection, method, request, "compositions")

    def advise_transfer(
        self, request: models.AdviseTransferRequest | Mapping[str, Any]
    ) -> models.AdviseTransferResponse:
        """Return how to fine-tune for a data set, and the weights that fit.

        Raises:
            RpcFailed: as ModelService.AdviseTransfer in the contract says.
        """
        message = to_message(request, models.AdviseTransferRequest)
        answer: models.AdviseTransferResponse = self._connection.call(
            self._stub.AdviseTransfer, message
        )
        return answer
