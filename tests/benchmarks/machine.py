"""What the numbers were measured on: nothing that names a host, a path or a person."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sha_ni", "sse4_2")
"""CPU features that change what is measured here: convolutions, sha256, crc32c."""

PACKAGES = ("torch", "torchvision", "grpcio", "protobuf", "safetensors")


def header() -> list[str]:
    """Return the lines that every result begins with."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory_gib = psutil.virtual_memory().total / 2**30
    return [
        f"commit: {_commit()}",
        f"versions: python {platform.python_version()}, {versions}",
        f"machine: {os.cpu_count()} cores, {_cpu_model()}, {memory_gib:.0f} GiB,"
        f" {platform.system()} {platform.release().split('-')[0]}",
        f"CPU flags: {' '.join(flag for flag in FLAGS if flag in _cpu_flags()) or 'unknown'}",
    ]


def load() -> str:
    """Return the load averages of 1, 5 and 15 minutes."""
    return " ".join(f"{number:.1f}" for number in os.getloadavg())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _cpu_line(name: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _cpu_model() -> str:
    return _cpu_line("model name") or platform.processor() or "unknown CPU"


def _cpu_flags() -> set[str]:
    return set(_cpu_line("flags").split())
