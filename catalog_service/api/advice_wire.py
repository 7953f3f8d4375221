"""Question about a data set <- message; advice -> message."""

from catalog_service.models.model_description import DEFAULT_BATCH_SIZE
from catalog_service.resolve.advice import Advice, Candidate, Question
from catalog_service.resolve.advice.question import DEFAULT_CANDIDATES
from vertebra.catalog.v1 import model_service_pb2 as pb


def question_of(request: pb.AdviseTransferRequest) -> Question:
    """Return the question that a message asks, defaults filled in; nothing is checked."""
    return Question(
        task=request.task,
        num_images=request.num_images,
        num_classes=request.num_classes,
        likeness=request.likeness,
        architectures=tuple(request.architectures),
        max_memory_bytes=request.max_memory_bytes,
        batch_size=request.batch_size or DEFAULT_BATCH_SIZE,
        licences=tuple(request.licences),
        max_parameters=request.max_parameters,
        max_gflops=request.max_gflops,
        max_candidates=request.max_candidates or DEFAULT_CANDIDATES,
        cached_only=request.cached_only,
    )


def advice_message(advice: Advice) -> pb.AdviseTransferResponse:
    """Return the message of advice."""
    rule = advice.rule
    return pb.AdviseTransferResponse(
        advice=pb.TransferAdvice(
            freeze_mode=rule.freeze_mode,
            head_lr=rule.head_lr,
            backbone_lr=rule.backbone_lr,
            num_epochs=rule.num_epochs,
            weight_decay=rule.weight_decay,
            augmentation=rule.augmentation,
            reasons=advice.reasons,
            alternatives=rule.alternatives,
        ),
        candidates=map(candidate_message, advice.candidates),
        excluded=advice.excluded,
    )


def candidate_message(candidate: Candidate) -> pb.TransferCandidate:
    """Return the message of one candidate."""
    weight, metric = candidate.weight, candidate.metric
    return pb.TransferCandidate(
        weights=weight.reference,
        architecture=weight.architecture_id,
        licence=weight.licence,
        metric_name=metric.name if metric else "",
        metric_dataset=metric.dataset if metric else "",
        metric_value=metric.value if metric else 0.0,
        num_parameters=weight.num_parameters,
        gflops=weight.gflops,
        training_memory_bytes=candidate.training_memory_bytes,
        is_cached=candidate.is_cached,
        freeze_mode=candidate.freeze_mode,
        reasons=candidate.reasons,
    )
