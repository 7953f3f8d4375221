"""A process namespace, as a container has one: what is started in it first is process 1."""

import functools
import shutil
import subprocess

IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")
"""What comes after it is process 1; signals go to that, not to `unshare`."""


@functools.cache
def namespaces_can_be_made() -> bool:
    """Some machines forbid it to everybody but root, and some to root too."""
    if not shutil.which("unshare"):
        return False
    done = subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True, check=False)
    return done.returncode == 0
