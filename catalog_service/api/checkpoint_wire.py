"""Checkpoint -> message, the request to register one, and what can be filtered and ordered by."""

import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.store import BlobInfo
from catalog_service.checkpoints.checkpoint import Checkpoint, CheckpointRemedies
from catalog_service.errors import InvalidRequest, Violation, invalid
from catalog_service.model_wire import (
    lineage_from_message,
    lineage_to_message,
    report_to_message,
    structure_from_message,
    structure_to_message,
)
from catalog_service.models.lineage import MAX_LINEAGE_CHARS, MAX_NOTE_CHARS, MAX_ROWS, Lineage
from catalog_service.resolve import Registration
from catalog_service.serving.blob_wire import blob_message
from catalog_service.serving.listing import Field, Listing
from catalog_service.weights.http.hosts import shown
from vertebra.blob.v1.blob_service_pb2 import Blob
from vertebra.catalog.v1 import checkpoint_service_pb2 as pb

NUM_CHANNELS = 3

MAX_METRICS = 100
MAX_METRIC_NAME_CHARS = 200
"""Lists of checkpoints carry all metrics and must fit into a message."""

MAX_ORIGIN_URLS = 20
MAX_PREFIX_CHARS = 1000

EMPTY_DIGEST = f"sha256:{'0' * 64}"

_ORIGIN_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s]{0,2000})?")
"""Without a user or password: everybody who may list checkpoints reads it."""

_CHECKPOINT_ID = re.compile(r"[a-z][a-z0-9_.-]{0,62}")

CHECKPOINTS: Listing[Checkpoint] = Listing(
    [
        Field(name="checkpoint_id", get=lambda found: found.checkpoint_id),
        Field(name="architecture_id", get=lambda found: found.architecture_id),
        Field(name="backbone_digest", get=lambda found: found.backbone_digest),
        Field(name="licence", get=lambda found: found.lineage.licence),
        Field(name="method", get=lambda found: found.lineage.method),
        Field(name="parent", get=lambda found: found.lineage.parent),
        Field(name="has_bytes", get=lambda found: found.has_bytes),
        Field(
            name="create_time",
            get=lambda found: datetime.fromtimestamp(found.create_time, UTC),
            kind="time",
        ),
    ],
    default_order="create_time desc",
)
"""As ListCheckpointsRequest documents."""


def checkpoint_message(checkpoint: Checkpoint) -> pb.Checkpoint:
    """Return a checkpoint as the contract has it."""
    message = pb.Checkpoint(
        name=checkpoint.name,
        checkpoint_id=checkpoint.checkpoint_id,
        architecture_id=checkpoint.architecture_id,
        backbone_digest=checkpoint.backbone_digest,
        blob=_blob(checkpoint),
        lineage=lineage_to_message(checkpoint.lineage),
        load_report=report_to_message(checkpoint.load_report),
        metrics=checkpoint.metrics,
        mean=checkpoint.mean,
        std=checkpoint.std,
        structure=structure_to_message(checkpoint.structure),
        has_bytes=checkpoint.has_bytes,
        remedies=_remedies(checkpoint.remedies),
        source_digest=checkpoint.lineage.source_digest,
    )
    message.create_time.FromNanoseconds(round(checkpoint.create_time * 1e9))
    return message


def _blob(checkpoint: Checkpoint) -> Blob | None:
    if not checkpoint.has_bytes:
        return None
    return blob_message(
        BlobInfo(digest=checkpoint.blob_digest, size_bytes=checkpoint.blob_size_bytes)
    )


def _remedies(remedies: CheckpointRemedies) -> pb.CheckpointRemedies | None:
    if remedies.is_empty:
        return None
    return pb.CheckpointRemedies(
        origin_urls=remedies.origin_urls, recipe=remedies.recipe, contact=remedies.contact
    )


def registration_of(request: pb.RegisterCheckpointRequest) -> Registration:
    """Return what is to be registered.

    Raises:
        InvalidRequest: with everything that is wrong with the form.
    """
    lineage = lineage_from_message(request.lineage)
    structure = structure_from_message(request.structure)
    violations = list(_violations(request, lineage, structure.in_channels or NUM_CHANNELS))
    if violations:
        raise invalid(violations)
    return Registration(
        request_id=request.request_id,
        checkpoint_id=request.checkpoint_id,
        architecture_id=request.architecture_id.removeprefix("architectures/"),
        blob_name=request.blob_name,
        lineage=lineage,
        metrics=dict(request.metrics),
        mean=tuple(request.mean),
        std=tuple(request.std),
        structure=structure,
        path=request.path,
        prefix=request.prefix,
        remedies=CheckpointRemedies(
            origin_urls=tuple(request.remedies.origin_urls),
            recipe=request.remedies.recipe,
            contact=request.remedies.contact,
        ),
        source_digest=parse_digest(request.source_digest) if request.source_digest else "",
    )


def _violations(
    request: pb.RegisterCheckpointRequest, lineage: Lineage, num_channels: int
) -> Iterator[Violation]:
    problems = (
        *_check_lineage(lineage),
        ("request_id", check_request_id(request.request_id)),
        ("checkpoint_id", _check_checkpoint_id(request.checkpoint_id)),
        ("architecture_id", _check_architecture(request)),
        *_check_file(request),
        *_check_remedies(request),
        ("source_digest", _check_sha256(request.source_digest)),
        ("metrics", _check_metrics(request.metrics)),
        ("mean", _check_channels(request.mean, request.std, num_channels)),
        ("std", _check_positive(request.std)),
    )
    for field, why in problems:
        if why:
            yield Violation(field=field, description=why)


def deletion_of(request: pb.DeleteCheckpointRequest) -> tuple[str, str, bool]:
    """Return name, request id and force of a deletion.

    Raises:
        InvalidRequest: the request id is not a UUID, or there is no name.
    """
    problems = (
        ("request_id", check_request_id(request.request_id)),
        ("name", "" if request.name else "required, such as 'checkpoints/letters'"),
    )
    violations = [Violation(field=field, description=why) for field, why in problems if why]
    if violations:
        raise invalid(violations)
    return request.name, request.request_id, request.force


def check_request_id(text: str) -> str:
    try:
        uuid.UUID(text)
    except ValueError:
        return f"{text[:60]!r} is not a UUID; choose a random one for each registration"
    return ""


def _check_checkpoint_id(text: str) -> str:
    if _CHECKPOINT_ID.fullmatch(text):
        return ""
    return f"{text[:80]!r} does not match {_CHECKPOINT_ID.pattern}"


def _check_architecture(request: pb.RegisterCheckpointRequest) -> str:
    """Only a file can say what it is."""
    if request.architecture_id or request.blob_name or request.path:
        return ""
    return "required without a file, such as 'resnet18'"


def _check_file(request: pb.RegisterCheckpointRequest) -> Iterator[tuple[str, str]]:
    if request.blob_name and request.path:
        yield "path", "name the uploaded file or a path, not both"
    yield "blob_name", _check_digest(request.blob_name)
    if request.prefix and not (request.blob_name or request.path):
        yield "prefix", "there is no file that it could be in"
    if len(request.prefix) > MAX_PREFIX_CHARS:
        yield "prefix", f"{len(request.prefix)} characters; the limit is {MAX_PREFIX_CHARS}"


def _check_remedies(request: pb.RegisterCheckpointRequest) -> Iterator[tuple[str, str]]:
    """An entry without bytes must say how to get them."""
    remedies = request.remedies
    if not (request.blob_name or request.path or remedies.ByteSize()):
        yield "blob_name", "required: upload the file with WriteBlob first, or say how to get it"
    if len(remedies.origin_urls) > MAX_ORIGIN_URLS:
        yield "remedies.origin_urls", f"over {MAX_ORIGIN_URLS}"
    for url in remedies.origin_urls[:MAX_ORIGIN_URLS]:
        if not _ORIGIN_URL.fullmatch(url):
            why = "is not https://host/file or http://..., without a user and password"
            yield "remedies.origin_urls", f"{shown(url)[:100]!r} {why}"
    for name in ("recipe", "contact"):
        length = len(getattr(remedies, name))
        if length > MAX_LINEAGE_CHARS:
            yield f"remedies.{name}", f"{length} characters; the limit is {MAX_LINEAGE_CHARS}"


def _check_sha256(text: str) -> str:
    """An absent one is not looked at."""
    wrong = _check_digest(text)
    return f"{text[:100]!r} is no sha256:<64 lower-case hex digits>" if wrong else ""


def _check_digest(text: str) -> str:
    """An absent one is not looked at."""
    try:
        parse_digest(text or EMPTY_DIGEST)
    except InvalidRequest as error:
        return error.message
    return ""


def _check_lineage(lineage: Lineage) -> Iterator[tuple[str, str]]:
    for field, value in lineage.to_json().items():
        limit = MAX_NOTE_CHARS if field == "note" else MAX_LINEAGE_CHARS
        if isinstance(value, str) and len(value) > limit:
            yield f"lineage.{field}", f"{len(value)} characters; the limit is {limit}"
        elif isinstance(value, int | float) and not 0 <= value < math.inf:
            yield f"lineage.{field}", f"cannot be negative or infinite, such as {value}"
        elif isinstance(value, list) and len(value) > MAX_ROWS:
            yield f"lineage.{field}", f"{len(value)} of them; the limit is {MAX_ROWS}"
    if any(len(text) > MAX_METRIC_NAME_CHARS for text in lineage.augmentations):
        yield "lineage.augmentations", f"one has more than {MAX_METRIC_NAME_CHARS} characters"
    for row in lineage.results:
        why = _check_metrics(row.metrics)
        if why or len(row.setting) > MAX_METRIC_NAME_CHARS:
            yield "lineage.results", why or f"a setting of over {MAX_METRIC_NAME_CHARS} characters"
            return


def _check_metrics(metrics: Mapping[str, float]) -> str:
    if len(metrics) > MAX_METRICS:
        return f"{len(metrics)} of them; the limit is {MAX_METRICS}"
    if any(len(name) > MAX_METRIC_NAME_CHARS for name in metrics):
        return f"a name has more than {MAX_METRIC_NAME_CHARS} characters"
    return _check_finite(metrics.values())


def _check_finite(values: Iterable[float]) -> str:
    return "" if all(math.isfinite(value) for value in values) else "numbers must be finite"


def _check_channels(mean: Sequence[float], std: Sequence[float], num_channels: int) -> str:
    counts = (len(mean), len(std))
    if counts not in ((0, 0), (num_channels, num_channels)):
        wanted = "three" if num_channels == NUM_CHANNELS else str(num_channels)
        return f"{wanted} numbers each for mean and std, or none; got {counts[0]} and {counts[1]}"
    return _check_finite(mean)


def _check_positive(std: Iterable[float]) -> str:
    return "" if all(0 < value < math.inf for value in std) else "numbers must be positive"
