"""Fail if the committed stubs are not what the protos generate: part of `make check`."""

import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROTOS = Path(__file__).resolve().parent
STUBS = PROTOS.parent / "clients" / "python"


def generate(folder: Path) -> None:
    """Generate all stubs below `folder`."""
    template = (PROTOS / "buf.gen.yaml").read_text().replace("../clients/python", str(folder))
    buf = shutil.which("buf", path=Path(sys.executable).parent)
    if buf is None:
        sys.exit("buf is not installed beside this Python; run `make setup`")
    subprocess.run([buf, "generate", "--template", template], cwd=PROTOS, check=True)


def stale(fresh: Path) -> list[str]:
    """Return the stubs that differ from the generated ones, are missing or have no proto."""
    generated = {path.relative_to(fresh) for path in fresh.rglob("*_pb2*")}
    stubs = (path for path in STUBS.rglob("*_pb2*.py*") if path.suffix != ".pyc")
    committed = {path.relative_to(STUBS) for path in stubs}
    changed = {
        path
        for path in generated & committed
        if not filecmp.cmp(fresh / path, STUBS / path, shallow=False)
    }
    return sorted(str(path) for path in changed | (generated ^ committed))


def main() -> None:
    """Compare a fresh generation with what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        names = stale(Path(folder))
    if names:
        sys.exit("generated code is stale, run `make protos`: " + ", ".join(names))


if __name__ == "__main__":
    main()
