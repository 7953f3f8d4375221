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
"""Written by tests/conftest.py."""


def read_list(file: Path) -> list[str]:
    """Return the node ids in a file of pytest's cache; none where it is not there."""
    return list(json.loads(file.read_text())) if file.exists() else []


def main() -> int:
    """Return 0 where all that failed passes now."""
    failed = read_list(FAILED)
    if read_list(UNLISTED_SKIPS) or not 0 < len(failed) <= MOST:
        return 1
    print(f"again, alone: {' '.join(failed)}", flush=True)
    ended = subprocess.run([sys.executable, "-m", "pytest", *failed], check=False)
    if ended.returncode == 0:
        print(f"UNSTEADY (failed beside others, passed alone): {' '.join(failed)}")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
