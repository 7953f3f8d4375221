"""The life of a job: its states and the one table of moves between them."""

from enum import StrEnum

from catalog_service.errors import Precondition


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.PREPARING, JobState.CANCELLING, JobState.FAILED}),
    JobState.PREPARING: frozenset({JobState.RUNNING, JobState.CANCELLING, JobState.FAILED}),
    JobState.RUNNING: frozenset({JobState.SUCCEEDED, JobState.CANCELLING, JobState.FAILED}),
    JobState.CANCELLING: frozenset({JobState.CANCELLED, JobState.FAILED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}
"""From each state, the states that may follow. A final state has none."""

FINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
"""States that a job never leaves."""


class TransitionRefused(Precondition):
    """A move that the table does not have: the job is somewhere else already."""

    reason = "TRANSITION_REFUSED"


def check_transition(from_state: JobState, to_state: JobState) -> None:
    """Return if a job may move from one state to the other.

    Raises:
        TransitionRefused: the table has no such move.
    """
    if to_state in TRANSITIONS[from_state]:
        return
    following = ", ".join(sorted(TRANSITIONS[from_state])) or "nothing: it is final"
    raise TransitionRefused(
        f"a job that is {from_state.value!r} cannot become {to_state.value!r}; "
        f"after {from_state.value!r} comes {following}"
    )
