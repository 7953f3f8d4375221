"""What follows the end of the API process: another start after some time, or the container's end.

Pure: nothing is started here, and no clock is read.
"""

from dataclasses import dataclass

UNUSABLE_SETTINGS = 2
"""With this status the services say that they could not even start: nothing will change that."""

MOST_DOUBLINGS = 32
"""A job can run for weeks beside a program that cannot start: no number grows with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient the container is with its API."""

    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    well_after_s: float = 60.0
    """A process that lived for so long was well; what it died of is a new matter."""
    num_tries: int = 5
    """So many quick ends in a row and the container ends, unless jobs run in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAgain:
    """Start the API again after some time."""

    wait_s: float
    num_quick_ends: int
    """In a row, this one included; 0 after a long life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """End the container, so that who runs it sees that it cannot work."""

    exit_code: int


def what_follows(
    exit_code: int,
    *,
    lived_s: float,
    num_quick_ends: int,
    has_others: bool,
    policy: Policy,
) -> StartAgain | GiveUp:
    """Return what to do after the API ended though nobody asked it to.

    Args:
        exit_code: of the process, negative for a signal.
        num_quick_ends: in a row, before this one.
        has_others: whether anything else runs in the container. While a job does, the container
            does not end: the job can finish, and its events wait for the next API.
    """
    if lived_s >= policy.well_after_s:
        return StartAgain(wait_s=policy.first_wait_s, num_quick_ends=0)
    num_quick_ends += 1
    is_hopeless = exit_code == UNUSABLE_SETTINGS or num_quick_ends >= policy.num_tries
    if is_hopeless and not has_others:
        return GiveUp(exit_code=status_of(exit_code) or 1)
    doubled = 2.0 ** min(num_quick_ends - 1, MOST_DOUBLINGS)
    wait_s = min(policy.first_wait_s * doubled, policy.longest_wait_s)
    return StartAgain(wait_s=wait_s, num_quick_ends=num_quick_ends)


def status_of(exit_code: int) -> int:
    """Return an exit status as shells write it: 128 and the number for a signal."""
    return 128 - exit_code if exit_code < 0 else exit_code
