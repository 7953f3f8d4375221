"""What our worker processes inherit of the environment: nothing that only a service needs."""

from collections.abc import Mapping

NOT_INHERITED_PREFIXES = ("VERTEBRA_", "OTEL_", "PG")
"""Our settings, which may hold a database's password; where telemetry goes, with its headers, for
workers send none; libpq's variables."""

NOT_INHERITED = frozenset({"PYTHONDONTWRITEBYTECODE"})
"""Without bytecode every start of a worker would compile torch's Python files again."""

SECRET_WORDS = frozenset(
    {"TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL", "CREDENTIALS", "KEY"}
)
"""Words in names of secrets, such as HF_TOKEN: a hub is asked by the catalog itself."""

OF_DATA_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "RAY_")
"""Whose secrets workers need: they read images at URLs, and join a cluster."""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a worker gets: what libraries read, such as CUDA_*, OMP_*, PATH and HOME, and the
    credentials of whatever data is read from.
    """
    return {
        name: value
        for name, value in environment.items()
        if name not in NOT_INHERITED
        and not name.startswith(NOT_INHERITED_PREFIXES)
        and (name.startswith(OF_DATA_PREFIXES) or not _is_secret(name))
    }


def _is_secret(name: str) -> bool:
    return not SECRET_WORDS.isdisjoint(name.upper().split("_"))
