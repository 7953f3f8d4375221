"""The processes below process 1, whatever they are called."""

import os
import shutil
import subprocess
import sys

import pytest

from trainer_service.container.family import descendants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="containers are Linux")


def test_a_process_may_have_any_bytes_for_a_name(tmp_path):
    """The kernel cuts names after 15 bytes, even in the middle of a letter; nobody ends for it."""
    program = os.fsencode(tmp_path) + b"/half-\xc3"
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([program, "1000"]) as child:
        try:
            assert child.pid in descendants()
        finally:
            child.kill()
