"""How much time lies between two snapshots, and when the next one is due."""

MOST_SHARE = 0.02
"""Of the time, for saving."""
USUAL_S = 60.0
"""Half of the work that may be lost at most: the other half is for a slow step, and for a short
validation, in which nothing can be saved."""
MOST_LOST_S = 120.0


def snapshot_interval_s(save_s: float, wished_s: float = 0.0) -> float:
    """Return the seconds from the end of one save to the beginning of the next.

    Args:
        save_s: how long a save takes.
        wished_s: of the spec; 0 leaves the choice here.
    """
    return wished_s or max(USUAL_S, save_s / MOST_SHARE)


def is_due(since_s: float, save_s: float, wished_s: float = 0.0, *, ahead_s: float = 0.0) -> bool:
    """Whether it is time to save.

    Args:
        since_s: since the last save ended.
        save_s, wished_s: as above.
        ahead_s: of work that begins now, in which nothing can be saved. Where more would be lost
            at its end than may be, it is saved before; unless there is too little to save to be
            worth the time.
    """
    if since_s >= snapshot_interval_s(save_s, wished_s):
        return True
    is_too_long = since_s + ahead_s > max(MOST_LOST_S, wished_s)
    return ahead_s > 0 and is_too_long and since_s >= save_s / MOST_SHARE
