"""Run what failed again, alone: thousands of tests with real processes meet a machine that others
share, and one of them may lose to it.

What passes now is named as unsteady, for whoever looks for its cause. More than `MOST` failures, or
a skip without a reason, are no bad luck: then nothing is run again. After `make test`, from the
root of the checkout:

    .venv/bin/python .ci/again.py
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 2
CACHE = Path(".pytest_cache/v")
FAILED = CACHE / "cache" / "lastfailed"
UNLISTED_SKIPS = CACHE / "vertebra" / "unlisted_skips"
"""Written by tests/conftest.py where all tests were run to their ends."""


def main() -> int:
    """Return 0 where all that failed passes now."""
    try:
        failed, unlisted = (list(json.loads(file.read_text())) for file in (FAILED, UNLISTED_SKIPS))
    except FileNotFoundError:  # the tests did not come to their ends
        return 1
    if unlisted or not 0 < len(failed) <= MOST:
        return 1
    print(f"again, alone: {' '.join(failed)}", flush=True)
    ended = subprocess.run([sys.executable, "-m", "pytest", *failed], check=False)
    if ended.returncode == 0:
        print(f"UNSTEADY (failed beside others, passed alone): {' '.join(failed)}")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
