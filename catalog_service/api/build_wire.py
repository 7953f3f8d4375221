"""BuiltModel -> message, and the messages of BuildModel's stream."""

from collections.abc import Mapping

from catalog_service.model_wire import (
    input_to_message,
    layout_to_message,
    lineage_to_message,
    output_to_message,
    recipe_to_message,
    report_to_message,
    spec_to_message,
)
from catalog_service.resolve import BuiltModel
from catalog_service.serving.blob_wire import blob_message
from catalog_service.weights.progress import Progress
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.model.v1.layout_pb2 import ROLE_BACKBONE, ROLE_HEAD, Role
from vertebra.model.v1.stream_pb2 import Heartbeat, StreamEnd

STEPS: Mapping[str, pb.BuildProgress.Step] = {
    "resolving": pb.BuildProgress.STEP_RESOLVING,
    "waiting": pb.BuildProgress.STEP_RESOLVING,
    "downloading": pb.BuildProgress.STEP_DOWNLOADING,
    "verifying": pb.BuildProgress.STEP_VERIFYING,
    "converting": pb.BuildProgress.STEP_CONVERTING,
    "building": pb.BuildProgress.STEP_BUILDING,
    "storing": pb.BuildProgress.STEP_STORING,
}

_PART_ROLES: Mapping[str, Role] = {"backbone": ROLE_BACKBONE, "head": ROLE_HEAD}


def progress_message(progress: Progress) -> pb.BuildModelResponse:
    """Return what the build is doing now; bytes are counted only while they are downloaded."""
    message = pb.BuildProgress(step=STEPS[progress.step], message=progress.text)
    if message.step == pb.BuildProgress.STEP_DOWNLOADING:
        message.bytes_done, message.bytes_total = progress.bytes_done, progress.bytes_total
    return pb.BuildModelResponse(progress=message)


def heartbeat_message() -> pb.BuildModelResponse:
    """Return a sign of life with the server's time."""
    heartbeat = Heartbeat()
    heartbeat.server_time.GetCurrentTime()
    return pb.BuildModelResponse(heartbeat=heartbeat)


def end_message(reason: StreamEnd.Reason) -> pb.BuildModelResponse:
    """Return the typed end of the stream."""
    return pb.BuildModelResponse(end=StreamEnd(reason=reason))


def model_message(model: BuiltModel) -> pb.BuildModelResponse:
    """Return the result of a build."""
    return pb.BuildModelResponse(
        model=pb.BuiltModel(
            name=model.name,
            spec=spec_to_message(model.spec),
            spec_digest=model.spec_digest,
            parts=[
                pb.StatePart(role=_PART_ROLES[part.role], blob=blob_message(part.blob))
                for part in model.parts
            ],
            state_digest=model.state_digest,
            backbone_digest=model.backbone_digest,
            layout=layout_to_message(model.layout),
            recipe=recipe_to_message(model.recipe),
            load_report=report_to_message(model.load_report) if model.load_report else None,
            input=input_to_message(model.input),
            output=output_to_message(model.output),
            lineage=lineage_to_message(model.lineage),
            num_parameters=model.num_parameters,
            num_backbone_parameters=model.num_backbone_parameters,
        )
    )
