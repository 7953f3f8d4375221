"""`vertebra doctor` says what it found, what to change where, and ends with a code for scripts."""

import json
from pathlib import Path

import pytest

from tests import pages
from tests.clients.python.cli.conftest import Terminal, told
from tests.fakes.envoy import buffer_filter, running_envoy
from tests.fakes.path_service import running_path_service
from vertebra.cli import exit_codes
from vertebra.cli.doctor import findings_view, print_report, remedies_view, verdict
from vertebra.cli.main import run
from vertebra.doctor.examine import Report
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.proxies import Proxy
from vertebra.doctor.way import Way

QUICK = ["--hold", "1"]


def test_a_way_without_fault_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    with running_path_service() as address:
        code = run(["doctor", "--through", address, *QUICK])

    page = capsys.readouterr().out
    assert code == exit_codes.OK
    assert "nothing to mend" in page
    assert "who you are" in page


def test_a_fault_is_shown_with_the_line_that_mends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        running_path_service() as service,
        running_envoy(tmp_path, service, timeout="0s", filters=[buffer_filter(1000)]) as address,
    ):
        code = run(["doctor", "--through", address, *QUICK])
        page = capsys.readouterr().out
        run(["doctor", "--through", address, *QUICK, "--for", "nginx", "--json"])
        document = json.loads(capsys.readouterr().out)

    assert code == exit_codes.DOES_NOT_RUN
    assert "1 thing to mend" in page
    assert "max_request_bytes: 4194304" in page
    assert "nginx" not in page
    (remedy,) = document["remedies"]
    assert (remedy["fault"], remedy["line"]) == ("request size", "client_max_body_size 0;")
    assert (document["is_good"], document["proxy"]) == (False, "envoy")
    assert {one["level"] for one in document["findings"]} <= {level.value for level in Level}


def test_what_works_and_is_better_changed_is_not_called_nothing_to_mend(
    terminal: Terminal,
) -> None:
    note = Finding(check="repeats", level=Level.NOTE, seen="6 times", fault=Fault.REPEATS)
    report = Report(
        way=Way(address="h:1"), hold_s=33, took_s=36, proxy=Proxy.NGINX, findings=(note,)
    )
    page = terminal(80)

    page.print(findings_view(report))
    page.print(verdict(report))
    page.print(remedies_view(Fault.REPEATS, [Proxy.NGINX]), soft_wrap=True)

    assert report.is_good
    assert told(page) == [
        "note  repeats  6 times",
        "nothing is broken; 1 thing better changed; took 0:36; streams held 33 s",
        "  nginx, location with grpc_pass",
        "    grpc_next_upstream error;",
    ]


def test_the_page_shows_what_mends_a_route_timeout(capsys: pytest.CaptureFixture[str]) -> None:
    seen = "cut after 15.0 s (4 of 4): a route timeout"
    cut = Finding(
        check="long streams",
        level=Level.WRONG,
        seen=seen,
        fault=Fault.ROUTE_TIMEOUT,
        certainty=Certainty.SURE,
    )
    way = Way(address="h:1")
    report = Report(way=way, hold_s=33, took_s=36, proxy=Proxy.ENVOY, findings=(cut,))

    print_report(report, [Proxy.ENVOY])

    printed = capsys.readouterr().out
    (shown,) = pages.shown("Gateways and meshes", "text")
    assert printed.endswith(shown)
    (line,) = [line for line in printed.splitlines() if seen in line]
    assert f"{line.split()[0]}  {seen}  sure`" in pages.section("Gateways and meshes")


def test_an_address_where_nothing_listens_is_unreachable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["doctor", "--through", "127.0.0.1:1", *QUICK])

    assert code == exit_codes.UNREACHABLE
    assert "nothing listens there" in capsys.readouterr().out
