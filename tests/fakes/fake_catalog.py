"""A catalog that knows a handful of models and speaks the contract, in this process."""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import timestamp_pb2

from tests.fakes.catalog_rows import ROWS, architecture, weight
from tests.fakes.fake_blobs import FakeBlobs
from tests.fakes.fake_server import refuse
from tests.fakes.fake_storage import FakeStorage
from tests.fakes.model_answers import advised, compositions, described, drawn, verdicts
from tests.fakes.weight_answers import ensuring, explained
from vertebra.blob.v1 import blob_service_pb2
from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import (
    architecture_service_pb2_grpc,
    checkpoint_service_pb2_grpc,
    model_service_pb2_grpc,
    weights_service_pb2_grpc,
)
from vertebra.catalog.v1 import checkpoint_service_pb2 as checkpoints
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.catalog.v1 import weights_service_pb2 as weights
from vertebra.model.v1 import contracts_pb2, layout_pb2, stream_pb2

PAGE_SIZE = 2
"""Small, so that every list has several pages."""


@dataclass(kw_only=True)
class FakeCatalog(
    architecture_service_pb2_grpc.ArchitectureServiceServicer,
    weights_service_pb2_grpc.WeightsServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
    checkpoint_service_pb2_grpc.CheckpointServiceServicer,
):
    """`failures` are (code, message) pairs that the next calls end with, one each."""

    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    storage: FakeStorage = field(default_factory=FakeStorage)
    failures: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    """The next calls are refused as too many; so many seconds later there is room."""
    build_breaks: list[str] = field(default_factory=list)
    """How the next builds end early: `cut`, `rotate` or `broken`."""
    ensure_breaks: list[str] = field(default_factory=list)
    """How the next weights end early: `cut`, `draining`, `broken`, `empty` or `unreachable`."""
    request_ids: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    """Every request about a model, in order."""
    violations: list[tuple[str, str]] = field(default_factory=list)
    """The next request about a model is refused for these fields."""
    registered: dict[str, checkpoints.Checkpoint] = field(default_factory=dict)
    identified: checkpoints.IdentifyCheckpointResponse = field(
        default_factory=checkpoints.IdentifyCheckpointResponse
    )
    """What every file is."""

    def add_to(self, server: grpc.Server) -> None:
        """Register all services with a server."""
        architecture_service_pb2_grpc.add_ArchitectureServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        weights_service_pb2_grpc.add_WeightsServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        checkpoint_service_pb2_grpc.add_CheckpointServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        self.blobs.add_to(server)
        self.storage.add_to(server)

    def _fail_if_told(self, context: grpc.ServicerContext) -> None:
        if self.busy:
            code, wait_s = grpc.StatusCode.RESOURCE_EXHAUSTED, self.busy.pop(0)
            refuse(context, code, "SERVER_BUSY", "too many calls", retry_after_s=wait_s)
        if self.failures:
            context.abort(*self.failures.pop(0))

    def ListArchitectures(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Two at a time."""
        self._fail_if_told(context)
        self.filters.append(request.filter)
        rows, token = page([architecture(row) for row in ROWS], request.page_token)
        return architectures.ListArchitecturesResponse(
            architectures=rows, next_page_token=token, total_size=len(ROWS)
        )

    def GetArchitecture(self, request: Any, context: Any) -> Any:  # noqa: N802
        """One of them."""
        self._fail_if_told(context)
        wanted = request.name.removeprefix("architectures/")
        for row in ROWS:
            if row[0] == wanted:
                return architectures.GetArchitectureResponse(architecture=architecture(row))
        return refuse(
            context,
            grpc.StatusCode.NOT_FOUND,
            "ARCHITECTURE_NOT_FOUND",
            f"no architecture {wanted!r}; closest are resnet50; ListArchitectures returns all 5",
        )

    def ListWeights(self, request: Any, context: Any) -> Any:  # noqa: N802
        """One per architecture."""
        self.filters.append(request.filter)
        rows, token = page([weight(row) for row in ROWS], request.page_token)
        return weights.ListWeightsResponse(
            weights=rows, next_page_token=token, total_size=len(ROWS)
        )

    def GetWeights(self, request: Any, context: Any) -> Any:  # noqa: N802
        """With categories."""
        for row in ROWS:
            found = weight(row)
            if request.name in (found.name, found.reference, found.architecture_id):
                found.categories.extend(["tench", "goldfish"])
                return weights.GetWeightsResponse(weights=found)
        code = grpc.StatusCode.NOT_FOUND
        return refuse(context, code, "WEIGHTS_NOT_FOUND", f"no weight {request.name!r}")

    def ExplainWeights(self, request: Any, context: Any) -> Any:  # noqa: N802
        """From the origin."""
        self._take(request, context)
        self.GetWeights(request, context)
        return explained(request)

    def EnsureWeights(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """From the origin, after a bad mirror."""
        self._take(request, context)
        self.GetWeights(request, context)
        early_end = self.ensure_breaks.pop(0) if self.ensure_breaks else ""
        yield from ensuring(request.name, early_end, context)

    def BuildModel(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Progress, a model, the end; or less."""
        self._take(request, context)
        step = models.BuildProgress.STEP_RESOLVING
        yield models.BuildModelResponse(
            progress=models.BuildProgress(step=step, message="mirror: hit")
        )
        yield models.BuildModelResponse(heartbeat=stream_pb2.Heartbeat())
        if self.build_breaks:
            yield from early_end(self.build_breaks.pop(0), context)
            return
        yield models.BuildModelResponse(model=self._built(request))
        yield models.BuildModelResponse(end=completed())

    def _built(self, request: Any) -> models.BuiltModel:
        parts = [] if request.definition_only else [
            models.StatePart(role=role, blob=self.blobs.keep(data))
            for role, data in ((layout_pb2.ROLE_BACKBONE, BACKBONE), (layout_pb2.ROLE_HEAD, HEAD))
        ]  # fmt: skip
        self.blobs.tensor_files[MODEL] = WHOLE
        return models.BuiltModel(
            spec=request.spec,
            spec_digest="sha256:" + "1" * 64,
            name="" if request.definition_only else MODEL,
            state_digest="" if request.definition_only else "sha256:" + "2" * 64,
            backbone_digest="" if request.definition_only else "sha256:" + "3" * 64,
            parts=parts,
            num_parameters=11_689_512,
            num_backbone_parameters=11_176_512,
            load_report=layout_pb2.LoadReport(num_loaded=120, num_expected=122),
            input=contracts_pb2.InputContract(num_channels=3, height_px=224, width_px=224),
        )

    def DescribeModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What was asked for is kept."""
        self._take(request, context)
        return models.DescribeModelResponse(description=described(request))

    def RenderModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A short drawing."""
        self._take(request, context)
        return drawn(request)

    def CheckInput(self, request: Any, context: Any) -> Any:  # noqa: N802
        """33 px to train."""
        self._take(request, context)
        return verdicts(request)

    def ListCompositions(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Those of resnet18, two at a time."""
        self._take(request, context)
        rows, token = page(compositions("resnet18"), request.page_token)
        return models.ListCompositionsResponse(compositions=rows, next_page_token=token)

    def AdviseTransfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        """For few images."""
        self._take(request, context)
        return advised(request)

    def _take(self, request: Any, context: grpc.ServicerContext) -> None:
        """Keep a request; refuse it where the test says so, or it names no model of ours."""
        self._fail_if_told(context)
        self.asked.append(request)
        if self.violations:
            wrong, self.violations = self.violations, []
            text = "; ".join(f"{field}: {why}" for field, why in wrong)
            code = grpc.StatusCode.INVALID_ARGUMENT
            refuse(context, code, "FIELD_INVALID", text, tuple(wrong))
        spec = getattr(request, "spec", None)
        if spec is not None and spec.backbone == "resnet51":
            self.GetArchitecture(architectures.GetArchitectureRequest(name="resnet51"), context)

    def RegisterCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Keep it under its id."""
        self.request_ids.append(request.request_id)
        self._fail_if_told(context)
        blob = self.blobs.StatBlob(request_for(request.blob_name), context).blob
        checkpoint = checkpoints.Checkpoint(
            name=f"checkpoints/{request.checkpoint_id}",
            checkpoint_id=request.checkpoint_id,
            architecture_id=request.architecture_id,
            has_bytes=True,
            backbone_digest="sha256:" + "3" * 64,
            blob=blob,
            lineage=request.lineage,
            metrics=request.metrics,
            structure=request.structure,
            create_time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
        )
        self.registered[request.checkpoint_id] = checkpoint
        return checkpoints.RegisterCheckpointResponse(checkpoint=checkpoint)

    def IdentifyCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What was put there."""
        self.asked.append(request)
        return self.identified

    def GetCheckpoint(self, request: Any, context: Any) -> Any:  # noqa: N802
        """One of them."""
        wanted = request.name.removeprefix("checkpoints/")
        if wanted not in self.registered:
            code = grpc.StatusCode.NOT_FOUND
            refuse(context, code, "CHECKPOINT_NOT_FOUND", f"no checkpoint {wanted!r}")
        return checkpoints.GetCheckpointResponse(checkpoint=self.registered[wanted])

    def ListCheckpoints(self, request: Any, context: Any) -> Any:  # noqa: N802
        """All that were registered."""
        rows, token = page(list(self.registered.values()), request.page_token)
        return checkpoints.ListCheckpointsResponse(checkpoints=rows, next_page_token=token)


def request_for(name: str) -> Any:
    """Return a StatBlobRequest."""
    return blob_service_pb2.StatBlobRequest(name=name)


def completed() -> stream_pb2.StreamEnd:
    """Return the end in order."""
    return stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_COMPLETED)


def early_end(how: str, context: grpc.ServicerContext) -> Iterator[models.BuildModelResponse]:
    """End a build before the model came."""
    if how == "rotate":
        end = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_ROTATE)
        yield models.BuildModelResponse(end=end)
    if how == "broken":
        context.abort(grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM, error code 2)")
    if how == "empty":
        yield models.BuildModelResponse(end=completed())


def page(items: Sequence[Any], token: str) -> tuple[list[Any], str]:
    """Return two items and the token of the next two."""
    begin = int(token or 0)
    end = begin + PAGE_SIZE
    return list(items[begin:end]), str(end) if end < len(items) else ""


def safetensors_bytes(**tensors: bytes) -> bytes:
    """Return a safetensors file of one-dimensional U8 tensors."""
    header: dict[str, object] = {}
    position = 0
    for name, data in tensors.items():
        span = [position, position + len(data)]
        header[name] = {"dtype": "U8", "shape": [len(data)], "data_offsets": span}
        position += len(data)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


BACKBONE = safetensors_bytes(conv=b"\1\2\3" * 1000, bn=b"\4")
HEAD = safetensors_bytes(fc=b"\5\6")
WHOLE = safetensors_bytes(bn=b"\4", conv=b"\1\2\3" * 1000, fc=b"\5\6")
MODEL = "models/" + "4" * 64
