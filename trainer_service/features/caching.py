"""What a job says about keeping the frozen part's output."""

from collections.abc import Callable
from dataclasses import dataclass

from trainer_service.jobs import FeatureCachePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """What to keep, where, and whom to tell."""

    plan: FeatureCachePlan
    is_required: bool = False
    """Fail where nothing can be kept, rather than train without."""
    batch_size: int
    """Images that go through the model together in training: the frozen part sees no other number,
    since sums are cut into other parts for other numbers, and round otherwise."""
    precision: str = "fp32"
    identity: str
    """Whatever names the architecture, such as its recipe."""
    folder: str = ""
    """Where kept features stay for later jobs; empty keeps them in memory."""
    budget_bytes: int = 0
    """Most bytes in that folder; what was not used for longest makes room."""
    say: Callable[[str], None] = lambda text: None
    """Told what is kept, or why nothing is."""
    check: Callable[[], None] = lambda: None
    """Called between batches; may raise to stop."""
    free_bytes: int = 0
    """Of memory, as the first of those processes sees it: all of them keep, or none does."""
    num_sharing: int = 1
    """Processes of this host that each keep as much, at the most."""
