"""What the fake catalog says about where weights are, and how it brings them in."""

import threading
from collections.abc import Iterator

import grpc

from tests.fakes.fake_server import refuse
from vertebra.blob.v1 import blob_service_pb2
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.model.v1 import lineage_pb2, stream_pb2

STORE = wire.TrailStep(location="store", outcome=wire.TrailStep.OUTCOME_ABSENT)
HUB_CACHE = wire.TrailStep(
    location="torch-hub cache /data/torch", outcome=wire.TrailStep.OUTCOME_ABSENT
)
MIRROR = wire.TrailStep(
    location="mirror http://mirror.example:8080",
    outcome=wire.TrailStep.OUTCOME_WRONG_DIGEST,
    detail="other bytes than published: sha256 0badc0de..., published is deadbeef...",
    place="http://mirror.example:8080/resnet18-deadbeef.pth",
)
ORIGIN = wire.TrailStep(
    location="origin https://weights.example",
    outcome=wire.TrailStep.OUTCOME_NOT_ASKED,
    detail="would be asked",
    place="https://weights.example/models/resnet18-deadbeef.pth",
)
TRAIL = (STORE, HUB_CACHE, MIRROR, ORIGIN)
TOTAL_BYTES = 46_827_520


def explained(request: wire.ExplainWeightsRequest) -> wire.ExplainWeightsResponse:
    """Return a trail that ends at the origin."""
    return wire.ExplainWeightsResponse(
        reference="torchvision/ResNet18_Weights.IMAGENET1K_V1",
        steps=TRAIL,
        availability=wire.AVAILABILITY_REMOTE,
        size_bytes=TOTAL_BYTES,
        expected_digest="sha256:deadbeef",
        expected_proof=lineage_pb2.DIGEST_PROOF_PREFIX,
        licence="unknown",
        remedies=[
            wire.Remedy(
                kind=wire.Remedy.KIND_MIRROR,
                text="Put resnet18-deadbeef.pth into a mirror folder (VERTEBRA_CATALOG_MIRRORS) or"
                " into the torch-hub cache /data/torch/hub/checkpoints.",
            ),
            wire.Remedy(
                kind=wire.Remedy.KIND_ORIGIN,
                text=f"It is published at {ORIGIN.place}",
                url=ORIGIN.place,
            ),
        ],
    )


def ensuring(
    name: str, early_end: str, context: grpc.ServicerContext
) -> Iterator[wire.EnsureWeightsResponse]:
    """Yield progress, the weights and the end, or what `early_end` says."""
    for progress in progresses():
        yield wire.EnsureWeightsResponse(progress=progress)
    yield wire.EnsureWeightsResponse(heartbeat=stream_pb2.Heartbeat())
    if early_end == "hanging":
        cut = threading.Event()
        context.add_callback(cut.set)
        cut.wait()
    completed = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_COMPLETED)
    if early_end == "draining":
        draining = stream_pb2.StreamEnd(reason=stream_pb2.StreamEnd.REASON_DRAINING)
        yield wire.EnsureWeightsResponse(end=draining)
    if early_end == "empty":
        yield wire.EnsureWeightsResponse(end=completed)
    if early_end == "broken":
        context.abort(grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM, error code 2)")
    if early_end == "unreachable":
        text = "no bytes for it now; a location does not answer, try again:\n  origin: refused"
        refuse(context, grpc.StatusCode.UNAVAILABLE, "WEIGHTS_UNREACHABLE", text, retry_after_s=30)
    if early_end:
        return
    yield wire.EnsureWeightsResponse(weights=ensured(name))
    yield wire.EnsureWeightsResponse(end=completed)


def progresses() -> Iterator[wire.EnsureProgress]:
    """Yield a mirror that is left, a download and its conversion."""
    step = wire.EnsureProgress
    yield step(step=step.STEP_RESOLVING, text="looking for resnet18-deadbeef.pth")
    yield step(step=step.STEP_RESOLVING, text="left", location=MIRROR.location, left=MIRROR)
    for share in (0.25, 0.5, 1.0):
        progress = step(
            step=step.STEP_DOWNLOADING,
            text="resnet18-deadbeef.pth",
            location=ORIGIN.location,
            bytes_done=int(TOTAL_BYTES * share),
            bytes_total=TOTAL_BYTES,
            bytes_per_s=12.3e6,
        )
        progress.remaining.FromSeconds(int(3.8 * (1 - share)))
        yield progress
    yield step(step=step.STEP_CONVERTING, text="resnet18-deadbeef.pth: into canonical names")


def ensured(name: str) -> wire.EnsuredWeights:
    """Return a weight in the store, under the name that was asked for."""
    hit = wire.TrailStep(location=ORIGIN.location, outcome=wire.TrailStep.OUTCOME_HIT)
    digest = "sha256:" + "5" * 64
    return wire.EnsuredWeights(
        reference=f"torchvision/{name}",
        architecture_id="resnet18",
        blob=blob_service_pb2.Blob(name=f"blobs/{digest}", digest=digest, size_bytes=46_758_008),
        source_digest="sha256:deadbeef" + "6" * 56,
        source_proof=lineage_pb2.DIGEST_PROOF_PREFIX,
        trail=(STORE, HUB_CACHE, MIRROR, hit),
        licence="unknown",
    )
