"""Rules for the suite: in CI a skip has a listed reason, and no test is decided by a clock."""

import os
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.robustness.counting"]

ALLOWED_SKIPS = Path(__file__).parent / "allowed_skips.txt"


def allowed_skips() -> list[str]:
    """Return the node ids (a trailing `*` matches any rest) that may be skipped in CI."""
    lines = ALLOWED_SKIPS.read_text().splitlines()
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    assert all("  " in row for row in rows), "allowed_skips.txt: a node id, two spaces, a reason"
    return [row.split("  ", 1)[0] for row in rows]


def is_allowed(node_id: str, allowed: list[str]) -> bool:
    """Whether a skip of this test is listed."""
    return any(
        node_id.startswith(entry[:-1]) if entry.endswith("*") else node_id == entry
        for entry in allowed
    )


def pytest_configure() -> None:
    """Lift the 200 ms that hypothesis grants each case: a busy machine breaks nothing."""
    hypothesis.settings.register_profile("any_speed", deadline=None)
    hypothesis.settings.load_profile("any_speed")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn an unlisted skip into a failed run where CI is set."""
    if os.environ.get("CI", "").lower() not in {"1", "true"}:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [report.nodeid for report in reporter.stats.get("skipped", [])]
    unlisted = [node for node in skipped if not is_allowed(node, allowed_skips())]
    if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.config.cache.set("vertebra/unlisted_skips", unlisted)  # for .ci/again.py
    if unlisted:
        reporter.write_line("skipped without a reason in tests/allowed_skips.txt:", red=True)
        for node in unlisted:
            reporter.write_line(f"  {node}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
