"""How much time lies between two snapshots."""

MOST_SHARE = 0.02
"""Of the time, for saving."""
USUAL_S = 60.0
"""Half of the two minutes of work that may be lost at most: the other half is for a slow step, and
for a validation, in which nothing can be saved."""


def snapshot_interval_s(save_s: float, wished_s: float = 0.0) -> float:
    """Return the seconds from the end of one save to the beginning of the next.

    Args:
        save_s: how long a save takes.
        wished_s: of the spec; 0 leaves the choice here.
    """
    return wished_s or max(USUAL_S, save_s / MOST_SHARE)
