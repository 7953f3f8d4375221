"""Which images are kept for validation, and in which order the others are seen. Pure: both are
functions of seeds and positions, so nothing has to be remembered to repeat or to resume a job.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Draws = npt.NDArray[np.uint64]

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
"""Source of the three: splitmix64, Steele et al. 2014, as in java.util.SplittableRandom."""

_CHOICE = 1
"""Stream of random numbers that chooses samples; the split's own has no number."""


def draws(positions: npt.NDArray[np.int64] | Sequence[int], *keys: int) -> Draws:
    """Return one number of 64 random bits per position, the same for the same keys everywhere."""
    state = np.asarray(positions, dtype=np.uint64)
    for key in reversed(keys):
        state = _mixed(state ^ _mixed(np.array(key % 2**64, dtype=np.uint64)))
    return _mixed(state)


def _mixed(state: Draws) -> Draws:
    with np.errstate(over="ignore"):
        mixed = state + _INCREMENT
        mixed = (mixed ^ (mixed >> _SHIFTS[0])) * _MULTIPLIERS[0]
        mixed = (mixed ^ (mixed >> _SHIFTS[1])) * _MULTIPLIERS[1]
    return np.asarray(mixed ^ (mixed >> _SHIFTS[2]), dtype=np.uint64)


def shuffled(num_samples: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the order in which the samples are seen in this epoch."""
    return np.argsort(draws(range(num_samples), seed, epoch), kind="stable")


def stratified_split(
    labels: Sequence[int], *, ratio: float, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the positions of the training and of the validation samples, each ascending.

    Every class gives `ratio` of its samples, at least one and never its last one; a class of a
    single sample keeps it for training.
    """
    every = np.asarray(labels, dtype=np.int64)
    chosen = np.zeros(len(every), dtype=bool)
    for label in np.unique(every):
        members = np.flatnonzero(every == label)
        order = np.argsort(draws(members, seed), kind="stable")
        chosen[members[order[: num_kept_for_validation(len(members), ratio)]]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def nested_choice(strata: Sequence[int], *, ratio: float, seed: int) -> npt.NDArray[np.int64]:
    """Return the positions of `ratio` of the samples, ascending: of every stratum its share, at
    least one. What a smaller ratio chooses, a larger one chooses too.
    """
    every = np.asarray(strata, dtype=np.int64)
    chosen = np.zeros(len(every), dtype=bool)
    for stratum in np.unique(every):
        members = np.flatnonzero(every == stratum)
        order = np.argsort(draws(members, seed, _CHOICE), kind="stable")
        chosen[members[order[: max(round(len(members) * ratio), 1)]]] = True
    return np.flatnonzero(chosen)


def num_kept_for_validation(num_samples: int, ratio: float) -> int:
    """Return how many samples of a class of this size are kept for validation."""
    return min(max(round(num_samples * ratio), 1), num_samples - 1)
