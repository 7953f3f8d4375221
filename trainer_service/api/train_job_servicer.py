"""TrainJobService: which method of ours answers which rpc of the contract."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from catalog_service.serving.server import Registration
from trainer_service.api.event_bytes import encoded
from trainer_service.api.form_wire import get_train_form
from trainer_service.api.job_calls import JobCalls
from trainer_service.api.log_calls import LogCalls
from trainer_service.api.result_calls import ResultCalls
from trainer_service.api.rooms import TrainerRooms
from vertebra.trainer.v1 import train_job_service_pb2

Method = Callable[..., Any]
"""From a request and its context to an answer, or to a stream of them."""

SERVICE = train_job_service_pb2.DESCRIPTOR.services_by_name["TrainJobService"]


def train_job_registration(rooms: TrainerRooms) -> Registration:
    """Return the service as a server takes it.

    Not with the generated function: it knows no answers that are bytes already, and a method that
    is missing would only be found when it is called.
    """
    return Registration(add=_add, servicer=train_job_methods(rooms), full_name=SERVICE.full_name)


def train_job_methods(rooms: TrainerRooms) -> Mapping[str, Method]:
    """Return a method for each rpc, by the contract's spelling."""
    jobs, logs, results = JobCalls(rooms), LogCalls(rooms), ResultCalls(rooms)
    return {
        "PlanTrainJob": jobs.plan,
        "CreateTrainJob": jobs.create,
        "GetTrainJob": jobs.get,
        "ListTrainJobs": jobs.list,
        "CancelTrainJob": jobs.cancel,
        "PauseTrainJob": jobs.pause,
        "ResumeTrainJob": jobs.resume,
        "DeleteTrainJob": jobs.delete,
        "WatchTrainJob": logs.watch,
        "ListTrainJobEvents": logs.list_events,
        "ListExports": results.list_exports,
        "ListSnapshots": results.list_snapshots,
        "PinSnapshot": results.pin_snapshot,
        "QueryMetrics": results.query_metrics,
        "GetCapacity": results.get_capacity,
        "GetTrainForm": get_train_form,
    }


def _add(methods: object, server: grpc.aio.Server) -> None:
    known = cast(Mapping[str, Method], methods)
    handlers = {method.name: _handler(method, known[method.name]) for method in SERVICE.methods}
    service = grpc.method_handlers_generic_handler(SERVICE.full_name, handlers)
    server.add_generic_rpc_handlers((service,))


def _handler(method: MethodDescriptor, behaviour: Method) -> "grpc.RpcMethodHandler[Any, Any]":
    make = (
        grpc.unary_stream_rpc_method_handler
        if method.server_streaming
        else grpc.unary_unary_rpc_method_handler
    )
    return make(
        behaviour,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=encoded,
    )
