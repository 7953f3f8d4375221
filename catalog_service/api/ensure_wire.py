"""Trails, explanations and weights in the store -> messages, and those of EnsureWeights' stream."""

from collections.abc import Mapping
from typing import Any

from catalog_service.model_wire.lineage import PROOFS
from catalog_service.resolve.ensure import Ensured
from catalog_service.resolve.explain import Explanation
from catalog_service.serving.blob_wire import blob_message
from catalog_service.weights.progress import Progress
from catalog_service.weights.trail import Outcome, Remedy, Step
from vertebra.catalog.v1 import weights_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import Heartbeat, StreamEnd

OUTCOMES: Mapping[Outcome, pb.TrailStep.Outcome] = {
    Outcome.HIT: pb.TrailStep.OUTCOME_HIT,
    Outcome.ABSENT: pb.TrailStep.OUTCOME_ABSENT,
    Outcome.WRONG_DIGEST: pb.TrailStep.OUTCOME_WRONG_DIGEST,
    Outcome.UNREADABLE: pb.TrailStep.OUTCOME_UNREADABLE,
    Outcome.OFFLINE: pb.TrailStep.OUTCOME_OFFLINE,
    Outcome.REFUSED: pb.TrailStep.OUTCOME_REFUSED,
    Outcome.UNREACHABLE: pb.TrailStep.OUTCOME_UNREACHABLE,
    Outcome.GATED: pb.TrailStep.OUTCOME_GATED,
    Outcome.SERVER_ERROR: pb.TrailStep.OUTCOME_SERVER_ERROR,
    Outcome.NOT_ASKED: pb.TrailStep.OUTCOME_NOT_ASKED,
}

REMEDIES: Mapping[str, pb.Remedy.Kind] = {
    "mirror": pb.Remedy.KIND_MIRROR,
    "origin": pb.Remedy.KIND_ORIGIN,
    "recipe": pb.Remedy.KIND_RECIPE,
    "contact": pb.Remedy.KIND_CONTACT,
}

AVAILABILITIES: Mapping[str, pb.Availability] = {
    "stored": pb.AVAILABILITY_STORED,
    "local": pb.AVAILABILITY_LOCAL,
    "remote": pb.AVAILABILITY_REMOTE,
    "none": pb.AVAILABILITY_NONE,
}

STEPS: Mapping[str, pb.EnsureProgress.Step] = {
    "resolving": pb.EnsureProgress.STEP_RESOLVING,
    "waiting": pb.EnsureProgress.STEP_WAITING,
    "downloading": pb.EnsureProgress.STEP_DOWNLOADING,
    "verifying": pb.EnsureProgress.STEP_VERIFYING,
    "converting": pb.EnsureProgress.STEP_CONVERTING,
    "storing": pb.EnsureProgress.STEP_STORING,
}


def step_message(step: Step) -> pb.TrailStep:
    """Return one location tried."""
    return pb.TrailStep(
        location=step.location,
        outcome=OUTCOMES[step.outcome],
        detail=step.detail,
        place=step.place,
    )


def remedy_message(remedy: Remedy) -> pb.Remedy:
    """Return something that helps."""
    return pb.Remedy(kind=REMEDIES[remedy.kind], text=remedy.text, url=remedy.url)


def explanation_message(explanation: Explanation) -> pb.ExplainWeightsResponse:
    """Return where bytes would come from."""
    return pb.ExplainWeightsResponse(
        reference=explanation.reference,
        steps=map(step_message, explanation.steps),
        availability=AVAILABILITIES[explanation.availability],
        size_bytes=explanation.size_bytes,
        expected_digest=explanation.expected_digest,
        expected_proof=PROOFS[explanation.expected_proof],
        licence=explanation.licence,
        is_gated=explanation.is_gated,
        remedies=map(remedy_message, explanation.remedies),
    )


def progress_message(progress: Progress) -> pb.EnsureWeightsResponse:
    """Return what is being done now; what cannot be said is left out."""
    numbers: dict[str, Any] = {}
    if progress.remaining_s is not None:
        numbers["remaining"] = {
            "seconds": int(progress.remaining_s),
            "nanos": int(progress.remaining_s % 1 * 1e9),
        }
    return pb.EnsureWeightsResponse(
        progress=pb.EnsureProgress(
            step=STEPS[progress.step],
            text=progress.text,
            location=progress.location,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            bytes_per_s=progress.bytes_per_s,
            left=step_message(progress.left) if progress.left is not None else None,
            **numbers,
        )
    )


def ensured_message(ensured: Ensured) -> pb.EnsureWeightsResponse:
    """Return weights in the store."""
    return pb.EnsureWeightsResponse(
        weights=pb.EnsuredWeights(
            reference=ensured.reference,
            architecture_id=ensured.architecture_id,
            blob=blob_message(ensured.blob),
            source_digest=ensured.source_digest,
            source_proof=PROOFS[ensured.source_proof],
            rules=ensured.rules,
            trail=map(step_message, ensured.trail),
            licence=ensured.licence,
            ignored=ensured.ignored,
            non_finite=ensured.non_finite,
        )
    )


def heartbeat_message() -> pb.EnsureWeightsResponse:
    """Return a sign of life with the server's time."""
    heartbeat = Heartbeat()
    heartbeat.server_time.GetCurrentTime()
    return pb.EnsureWeightsResponse(heartbeat=heartbeat)


def end_message(reason: StreamEnd.Reason) -> pb.EnsureWeightsResponse:
    """Return the typed end of the stream."""
    return pb.EnsureWeightsResponse(end=StreamEnd(reason=reason))
