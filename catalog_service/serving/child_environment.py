"""What our worker processes inherit of the environment: nothing that only a service needs."""

from collections.abc import Mapping

NOT_INHERITED_PREFIXES = ("VERTEBRA_", "OTEL_", "PG")
"""Our settings, which may hold a database's password; where telemetry goes, with its headers, for
workers send none; libpq's variables."""

NOT_INHERITED = frozenset(
    {"HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "PYTHONDONTWRITEBYTECODE"}
)
"""Tokens: a hub is asked by the catalog itself. And without bytecode every start of a worker would
compile torch's Python files again."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker gets: what libraries read, such as CUDA_*, OMP_*, PATH and HOME, and the
    credentials of whatever data is read from.
    """
    return {
        name: value
        for name, value in environment.items()
        if name not in NOT_INHERITED and not name.startswith(NOT_INHERITED_PREFIXES)
    }
