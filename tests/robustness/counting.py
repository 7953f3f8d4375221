"""What the tests of robustness counted, told at the end of a run: one line a row of `rows.py`.

A test of a row takes the fixture `counted` and says what it did; who says nothing fails. The marker
`row` comes from the table, so `python -m pytest -m row` runs all rows and `-m "row(number=11)"`
one. Counts travel with the reports, so they also arrive from the processes of pytest-xdist.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.robustness.rows import ROWS, Row, plain_id

KEY = "counted"
ALL_ROWS = "row"
"""The `-m` of `make rows`: there a row without a count is an error."""


class Counted:
    """Takes what a test counted; numbers of one name are added up over the tests of a row."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties
        self.has_some = False

    def __call__(self, **numbers: int) -> None:
        """Add numbers of things, named as they are told: `counted(calls=400, failed=0)`."""
        self._note("sum", numbers)

    def most(self, **figures: float) -> None:
        """Note figures of which the largest counts: `counted.most(kib_a_watcher=41.3)`."""
        self._note("most", figures)

    def _note(self, how: str, numbers: dict[str, float]) -> None:
        assert numbers, "a count has a name"
        self.has_some = True
        self._properties.append((KEY, {"how": how, "numbers": numbers}))


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Iterator[Counted]:
    """What says how much a test of a row did."""
    noted = Counted(request.node.user_properties)
    yield noted
    report = getattr(request.node, "report_of_call", None)
    if report is not None and report.passed:
        assert noted.has_some, "a test of a row says what it counted"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the fixture know how its test ended."""
    report = yield
    if report.when == "call":
        item.report_of_call = report
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Explain the marker."""
    config.addinivalue_line("markers", "row(number): a row of tests/robustness/rows.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test with the numbers of its rows."""
    rows_of = defaultdict(list)
    for row in ROWS:
        for test in row.tests:
            rows_of[test].append(row)
    for item in items:
        for row in rows_of[plain_id(item.nodeid)]:
            item.add_marker(pytest.mark.row(number=row.number))


def told(row: Row, reports: list[pytest.TestReport]) -> str:
    """Return a row's line: what all its tests counted; empty where none counted anything."""
    sums: dict[str, float] = {}
    ours = [report for report in reports if plain_id(report.nodeid) in row.tests]
    for noted in (value for report in ours for key, value in report.user_properties if key == KEY):
        for name, number in noted["numbers"].items():
            before = sums.get(name, 0)
            sums[name] = before + number if noted["how"] == "sum" else max(before, number)
    failed = [report for report in ours if report.failed]
    if not sums and not failed:
        return ""
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in sums.items())
    verdict = f"; FAILED: {len(failed)} of {len(ours)} tests" if failed else ""
    return f"row {row.number}, {row.fault}: {counts or 'nothing counted'}{verdict}"


def reports_of(config: pytest.Config) -> list[pytest.TestReport]:
    """Return how the tests of this run ended, wherever they ran."""
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    kinds = ("passed", "failed", "xfailed", "xpassed")
    every = (report for kind in kinds for report in stats.get(kind, []))
    return [report for report in every if getattr(report, "when", "") == "call"]


def silent_rows(config: pytest.Config) -> list[Row]:
    """Return the rows that counted nothing though all rows were asked for."""
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if config.option.markexpr != ALL_ROWS or not is_whole or config.option.collectonly:
        return []
    reports = reports_of(config)
    return [row for row in ROWS if not told(row, reports)]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write a line for each row that was tested."""
    reports = reports_of(config)
    lines = [line for row in ROWS if (line := told(row, reports))]
    if lines:
        terminalreporter.section("rows of tests/robustness/rows.py")
    for line in lines:
        terminalreporter.write_line(line)
    for row in silent_rows(config):
        terminalreporter.write_line(f"row {row.number}, {row.fault}: NOTHING COUNTED", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all rows in which one was silent."""
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and silent_rows(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
