"""The life of a job: its states and the one table of moves between them."""

from enum import StrEnum

from catalog_service.errors import Precondition


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


_S = JobState

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    # Paused at once: nothing runs. Failed: its time limit passed.
    _S.QUEUED: frozenset({_S.PREPARING, _S.PAUSED, _S.CANCELLING, _S.FAILED}),
    # Queued again: the host drains, or was lost. Paused by itself: the disk is full.
    _S.PREPARING: frozenset(
        {_S.RUNNING, _S.PAUSING, _S.PAUSED, _S.QUEUED, _S.CANCELLING, _S.FAILED}
    ),
    # Queued again: a retry. Paused by itself: the disk is full.
    _S.RUNNING: frozenset(
        {_S.SUCCEEDED, _S.PAUSING, _S.PAUSED, _S.QUEUED, _S.CANCELLING, _S.FAILED}
    ),
    # Running again: the snapshot could not be saved. Succeeded: it was done before it could pause.
    _S.PAUSING: frozenset({_S.PAUSED, _S.RUNNING, _S.SUCCEEDED, _S.CANCELLING, _S.FAILED}),
    _S.PAUSED: frozenset({_S.QUEUED, _S.CANCELLING, _S.FAILED}),
    _S.CANCELLING: frozenset({_S.CANCELLED, _S.FAILED}),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
"""From each state, the states that may follow. A final state has none: only a resume, which is
asked for by a person, leads out of it (`RESUMABLE`).
"""

RESUMABLE = frozenset({_S.PAUSED, _S.FAILED, _S.CANCELLED})
"""States that ResumeTrainJob leads out of, to QUEUED; nothing else leads out of the last two."""

FINAL_STATES = frozenset(state for state, following in TRANSITIONS.items() if not following)
"""States that a job never leaves by itself."""

HOLDING = frozenset({_S.PREPARING, _S.RUNNING, _S.PAUSING, _S.CANCELLING})
"""States in which a job may hold devices."""


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
