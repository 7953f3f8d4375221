"""What a file may be, as values. Mirrors `IdentifyCheckpointResponse` of the contract."""

from dataclasses import dataclass

from catalog_service.errors import Precondition, listed


class CheckpointAmbiguous(Precondition):
    """Several architectures or several backbones of a file fit."""

    reason = "CHECKPOINT_AMBIGUOUS"


class NotIdentified(Precondition):
    """A file fits no architecture."""

    reason = "STATE_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One reading of a file.

    Attributes:
        structure_of: the weight whose recipe it fits.
        prefix: what stands before the backbone's names, wrappers included.
        source_layout: whose names they are: `torchvision`, `timm`, `sequential`, ...
        branch: `student`, `teacher`, `ema`, `online`, `momentum`, or nothing.
        num_classes: of the head in the file; 0 where there is none.
        image_height_px, image_width_px: of the images of a position table; 0: any size will do.
        coverage: share of the backbone's numbers that the file has in the right shape.
        is_match: whether it would be registered so.
    """

    architecture_id: str
    structure_of: str
    prefix: str
    source_layout: str
    branch: str
    num_classes: int
    in_channels: int
    image_height_px: int
    image_width_px: int
    coverage: float
    is_match: bool
    reasons: tuple[str, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        where = f" under {self.prefix!r}" if self.prefix else ""
        return f"{self.architecture_id}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """What a file may be, best first.

    Attributes:
        is_unambiguous: the first candidate fits whole and no other one has as good a claim.
        verdict: what was decided and why: one sentence.
    """

    candidates: tuple[Candidate, ...]
    is_unambiguous: bool
    verdict: str

    def the_match(self) -> Candidate:
        """Return the candidate that the file is beyond doubt.

        Raises:
            CheckpointAmbiguous: several are.
            NotIdentified: none is; the message has the nearest one and what differs.
        """
        if self.is_unambiguous:
            return self.candidates[0]
        matches = [candidate for candidate in self.candidates if candidate.is_match]
        if not matches:
            raise NotIdentified(self.verdict)
        raise CheckpointAmbiguous(
            self.verdict,
            metadata={
                "architectures": listed(sorted({each.architecture_id for each in matches})),
                "prefixes": listed([repr(each.prefix) for each in matches]),
            },
        )
