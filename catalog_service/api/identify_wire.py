"""What a file holds, as the contract has it."""

from catalog_service.checkpoints.identify import DEFAULT_CANDIDATES, Candidate
from catalog_service.errors import Violation, invalid
from catalog_service.resolve.checkpoint_files import NamedFile
from catalog_service.resolve.identifying import IdentifiedFile
from vertebra.catalog.v1 import checkpoint_service_pb2 as pb

MAX_CANDIDATES = 20
"""More are taken as this many: the answer must fit into a message."""

MAX_LINES = 20
MAX_LINE_CHARS = 500
MAX_IGNORED = 100


def named_file(request: pb.IdentifyCheckpointRequest) -> NamedFile:
    """Return which file is meant.

    Raises:
        InvalidRequest: none is, or a number is negative.
    """
    problems = []
    if not request.blob_name and not request.path:
        why = "name an uploaded file (blob_name), or one on the catalog's host (path)"
        problems.append(Violation(field="blob_name", description=why))
    if request.max_candidates < 0:
        why = f"cannot be negative, such as {request.max_candidates}; 0 means {DEFAULT_CANDIDATES}"
        problems.append(Violation(field="max_candidates", description=why))
    if problems:
        raise invalid(problems)
    return NamedFile(blob_name=request.blob_name, path=request.path)


def num_candidates(request: pb.IdentifyCheckpointRequest) -> int:
    """Return how many candidates to show."""
    return min(request.max_candidates or DEFAULT_CANDIDATES, MAX_CANDIDATES)


def identified_message(found: IdentifiedFile) -> pb.IdentifyCheckpointResponse:
    """Return the answer."""
    listing, identification = found.listing, found.identification
    return pb.IdentifyCheckpointResponse(
        candidates=[_candidate(each) for each in identification.candidates],
        format=listing.format,
        num_tensors=len(listing.tensors),
        num_elements=found.num_elements,
        taken_from=listing.taken_from,
        ignored=_cut(listing.ignored, MAX_IGNORED),
        is_unambiguous=identification.is_unambiguous,
        verdict=identification.verdict[: 2 * MAX_LINE_CHARS],
    )


def _candidate(candidate: Candidate) -> pb.CheckpointCandidate:
    return pb.CheckpointCandidate(
        architecture_id=candidate.architecture_id,
        structure_of=candidate.structure_of,
        prefix=candidate.prefix,
        source_layout=candidate.source_layout,
        branch=candidate.branch,
        num_classes=candidate.num_classes,
        in_channels=candidate.in_channels,
        image_height_px=candidate.image_height_px,
        image_width_px=candidate.image_width_px,
        coverage=candidate.coverage,
        is_match=candidate.is_match,
        reasons=_cut(candidate.reasons, MAX_LINES),
        problems=_cut(candidate.problems, MAX_LINES),
    )


def _cut(lines: tuple[str, ...], most: int) -> list[str]:
    """Return what a message keeps of lines that a file's names may make long."""
    shown = [line[:MAX_LINE_CHARS] for line in lines[:most]]
    hidden = len(lines) - len(shown)
    return [*shown, f"and {hidden} more"] if hidden else shown
