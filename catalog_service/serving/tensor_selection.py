"""Which tensors of a built model or of a blob a request means."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog_service.blobs.casts import NOT_CASTABLE, TARGETS
from catalog_service.blobs.digests import parse_digest
from catalog_service.blobs.safetensors_file import SERVED_HEADER_BYTES, read_header
from catalog_service.blobs.store import BlobStore
from catalog_service.blobs.tensor_plan import SourceTensor
from catalog_service.errors import (
    InvalidRequest,
    NotFound,
    Violation,
    closest,
    invalid,
    listed,
)
from catalog_service.serving.wildcards import WILDCARD, matcher
from vertebra.blob.v1 import blob_service_pb2 as pb
from vertebra.model.v1.layout_pb2 import Role

MODEL_PREFIX = "models/"

MAX_COMPARISONS = 1_000_000
"""Names times patterns with a `*`: half a second."""

MAX_NEAR_NAMES = 5000
"""So many names are looked through for near ones; the longest published state has 1,600."""

_ROLES = {
    value.number: value.name.removeprefix("ROLE_").lower()
    for value in Role.DESCRIPTOR.values
    if value.number
}
"""Number in the contract -> word in a layout."""


class LaidOutTensor(Protocol):
    """A tensor of a layout."""

    @property
    def name(self) -> str:
        """Return its name in the model."""

    @property
    def role(self) -> str:
        """Return `backbone`, `neck`, `head` or `aux`."""


class ModelLayout(Protocol):
    """What a model calls its tensors."""

    @property
    def tensors(self) -> Sequence[LaidOutTensor]:
        """Return all of them."""

    def model_name(self, blob_name: str) -> str:
        """Return what a tensor of the backbone's blob is called in the model."""


class ModelParts(Protocol):
    """A built model: its layout and the blobs that hold its state."""

    @property
    def layout(self) -> ModelLayout:
        """Return names and roles."""

    @property
    def backbone_path(self) -> Path:
        """Return the backbone's blob, whose names are those of the backbone's architecture."""

    @property
    def head_path(self) -> Path:
        """Return the blob of all that is not backbone, under the model's names."""


class ModelLookup(Protocol):
    """Finds built models."""

    def model_parts(self, name: str) -> ModelParts:
        """Return the parts of `models/<id>`.

        Raises:
            InvalidRequest: no such name.
            NotFound: MODEL_NOT_FOUND: build it again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A tensor that may be chosen."""

    source: SourceTensor
    role: str
    """Empty for those of a bare blob."""


class TensorNotFound(InvalidRequest):
    """A name or pattern matches nothing."""

    reason = "TENSOR_NOT_FOUND"


def check_request(request: pb.ReadTensorsRequest) -> None:
    """Refuse what is wrong whatever is stored, with all problems at once.

    Raises:
        InvalidRequest: FIELD_INVALID.
    """
    bad = [*_bad_numbers(request), *_bad_words(request)]
    if bad:
        raise invalid(bad)


def chosen_tensors(
    request: pb.ReadTensorsRequest, store: BlobStore, models: ModelLookup | None
) -> list[SourceTensor]:
    """Return the tensors that a checked request means.

    Raises:
        VertebraError: as ReadTensors' comment lists.
    """
    if request.name.startswith(MODEL_PREFIX):
        candidates = _of_model(request.name, store, models)
    else:
        candidates = [Candidate(source=source, role="") for source in _of_blob(request.name, store)]
    role = _ROLES.get(request.role, "")
    wanted = [c.source for c in candidates if not role or c.role == role]
    chosen = _named(request.tensors, wanted, role)
    _check_castable(chosen, request.dtype)
    return chosen


def _bad_numbers(request: pb.ReadTensorsRequest) -> Iterator[Violation]:
    for field in ("offset", "chunk_bytes"):
        number = getattr(request, field)
        if number < 0:
            yield Violation(field=field, description=f"cannot be negative, such as {number}")


def _bad_words(request: pb.ReadTensorsRequest) -> Iterator[Violation]:
    is_model = request.name.startswith(MODEL_PREFIX)
    if request.dtype and request.dtype not in TARGETS:
        known = listed(TARGETS)
        yield Violation(field="dtype", description=f"is one of {known}, not {request.dtype[:40]!r}")
    if request.role and request.role not in _ROLES:
        yield Violation(field="role", description=f"no role has number {request.role}")
    elif request.role and not is_model:
        yield Violation(
            field="role", description="a blob alone has no roles; name the model: models/<id>"
        )
    if not is_model:
        try:
            parse_digest(request.name)
        except InvalidRequest as error:
            hint = f"{error.message}, or models/<id> of a built model"
            yield Violation(field="name", description=hint)
    if "" in request.tensors:
        yield Violation(field="tensors", description="an empty name; leave it out for all tensors")


def _of_model(name: str, store: BlobStore, models: ModelLookup | None) -> list[Candidate]:
    if models is None:
        raise NotFound(
            f"no model {name[:100]!r}: this service has blobs alone; ask the catalog",
            reason="MODEL_NOT_FOUND",
        )
    parts = models.model_parts(name)
    roles = {tensor.name: tensor.role for tensor in parts.layout.tensors}
    backbone = _of_path(parts.backbone_path, store, parts.layout.model_name)
    head = _of_path(parts.head_path, store, str)
    return [Candidate(source=s, role=roles.get(s.name, "")) for s in (*backbone, *head)]


def _of_path(path: Path, store: BlobStore, rename: Callable[[str], str]) -> Iterator[SourceTensor]:
    digest = f"sha256:{path.name}"
    return _sources(store.ensure_intact(digest).digest, store, rename)


def _of_blob(name: str, store: BlobStore) -> Iterator[SourceTensor]:
    return _sources(store.ensure_intact(parse_digest(name)).digest, store, str)


def _sources(digest: str, store: BlobStore, rename: Callable[[str], str]) -> Iterator[SourceTensor]:
    path = store.path(digest)
    for entry in read_header(path, max_header_bytes=SERVED_HEADER_BYTES):
        yield SourceTensor(name=rename(entry.name), digest=digest, path=path, entry=entry)


def _named(names: Sequence[str], tensors: Sequence[SourceTensor], role: str) -> list[SourceTensor]:
    if not names:
        return list(tensors)
    patterns = sorted({name for name in names if WILDCARD in name})
    if len(patterns) * len(tensors) > MAX_COMPARISONS:
        most = MAX_COMPARISONS // len(tensors)
        raise invalid([
            Violation(
                field="tensors",
                description=f"{len(patterns)} patterns; {most} are compared with so many tensors",
            )
        ])  # fmt: skip
    by_name = {tensor.name: tensor for tensor in tensors}
    found = {name for name in names if name in by_name}
    lost = [name for name in names if WILDCARD not in name and name not in by_name]
    for pattern in patterns:
        matching = list(filter(matcher(pattern), by_name))
        found.update(matching)
        lost.extend([] if matching else [pattern])
    if lost:
        raise _not_found(lost, by_name, role)
    return [tensor for tensor in tensors if tensor.name in found]


def _not_found(lost: Sequence[str], known: Iterable[str], role: str) -> TensorNotFound:
    names = list(known)
    where = f"{len(names)} tensors of role {role}" if role else f"{len(names)} tensors"
    near = closest(lost[0], names[:MAX_NEAR_NAMES])
    return TensorNotFound(
        f"no tensor {listed([repr(name[:100]) for name in lost])} among {where};"
        f" {near}header_only returns all names",
        violations=[
            Violation(field="tensors", description=f"{name[:100]!r} matches nothing")
            for name in lost
        ],
    )


def _check_castable(chosen: Sequence[SourceTensor], dtype: str) -> None:
    tiny = [s.name for s in chosen if s.entry.dtype in NOT_CASTABLE] if dtype else []
    if tiny:
        raise invalid([
            Violation(
                field="dtype",
                description=f"{len(tiny)} tensors of 8 bits or fewer are not cast ({listed(tiny)});"
                " leave dtype empty for all as they are stored",
            )
        ])  # fmt: skip
