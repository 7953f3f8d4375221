"""How often Python looks for garbage that refers to itself."""

import gc

COLLECT_AFTER = 10_000
"""So many objects more than were dropped, instead of 700. Every message to a watcher makes and
drops dozens, and looking that often cost a fifth of it."""


def collect_seldom() -> None:
    """Leave alone what a service is made of by now, and look for garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])
