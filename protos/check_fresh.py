"""Fail if the committed stubs are not what the protos generate: part of `make check`."""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

PROTOS = Path(__file__).resolve().parent
CLIENTS = PROTOS.parent / "clients"
STUBS = {
    "python": ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py"),
    "go": ("*.pb.go",),
    "typescript": ("src/gen/vertebra/*/v1/*_pb.ts",),
}
"""Folder of a language below `clients` -> what the names of its generated files look like."""


def template(folder: Path) -> dict[str, Any]:
    """Return the template with `folder` in place of the clients, without missing generators."""
    kept = yaml.safe_load((PROTOS / "buf.gen.yaml").read_text())
    kept["plugins"] = [plugin for plugin in kept["plugins"] if is_at_hand(plugin)]
    for plugin in kept["plugins"]:
        plugin["out"] = plugin["out"].replace("../clients", str(folder))
    return kept


def is_at_hand(plugin: dict[str, Any]) -> bool:
    """Return whether the plugin's program is installed; in CI all must be."""
    command = plugin.get("local") or plugin["protoc_path"]
    program = command if isinstance(command, str) else command[0]
    found = shutil.which(program) or (PROTOS / program).exists()
    if not found:
        sys.stderr.write(f"{plugin['out']}: not compared, {program} is not installed\n")
        if os.environ.get("CI"):
            sys.exit(1)
    return bool(found)


def generate(folder: Path) -> set[str]:
    """Generate stubs below `folder`; return the languages that could be."""
    plan = template(folder)
    buf = shutil.which("buf", path=Path(sys.executable).parent)
    if buf is None:
        sys.exit("buf is not installed beside this Python; run `make setup`")
    text = yaml.safe_dump(plan)
    subprocess.run([buf, "generate", "--template", text], cwd=PROTOS, check=True)
    return {Path(plugin["out"]).relative_to(folder).parts[0] for plugin in plan["plugins"]}


def stubs(root: Path, language: str) -> Iterator[Path]:
    """Yield one language's stubs, as paths below `root`."""
    for pattern in STUBS[language]:
        for path in (root / language).rglob(pattern):
            if "node_modules" not in path.parts:
                yield path.relative_to(root)


def stale(fresh: Path, language: str) -> list[str]:
    """Return the stubs that differ from the generated ones, are missing or have no proto."""
    generated, committed = set(stubs(fresh, language)), set(stubs(CLIENTS, language))
    changed = {
        path
        for path in generated & committed
        if not filecmp.cmp(fresh / path, CLIENTS / path, shallow=False)
    }
    return sorted(str(path) for path in changed | (generated ^ committed))


def main() -> None:
    """Compare a fresh generation with what is committed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        languages = sorted(generate(folder))
        names = [path for language in languages for path in stale(folder, language)]
    if names:
        sys.exit("generated code is stale, run `make protos`: " + ", ".join(names))


if __name__ == "__main__":
    main()
