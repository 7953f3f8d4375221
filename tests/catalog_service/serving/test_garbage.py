"""A service looks for garbage less often, and still finds it."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from catalog_service.serving.garbage import collect_seldom

class Loop:
    def __init__(self):
        self.myself = self

def num_made_until_found():
    garbage, made = weakref.ref(Loop()), []
    while garbage() is not None and len(made) < 10**6:
        made.append([])
    return len(made)

usual = num_made_until_found()
collect_seldom()
print(usual < num_made_until_found() < 10**6, gc.get_freeze_count() > 1000)
"""


def test_what_refers_to_itself_is_found_after_more_objects_than_usual():
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert told.stdout == "True True\n", told.stderr
