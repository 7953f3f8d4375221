"""`vertebra doctor` says what it found, what to change where, and ends with a code for scripts."""

import json
from pathlib import Path

import pytest

from tests.fakes.envoy import buffer_filter, running_envoy
from tests.fakes.path_service import running_path_service
from vertebra.cli import exit_codes
from vertebra.cli.main import run
from vertebra.doctor.finding import Level

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
        told = json.loads(capsys.readouterr().out)

    assert code == exit_codes.DOES_NOT_RUN
    assert "1 thing to mend" in page
    assert "max_request_bytes: 4194304" in page
    assert "nginx" not in page
    (remedy,) = told["remedies"]
    assert (remedy["fault"], remedy["line"]) == ("request size", "client_max_body_size 0;")
    assert (told["is_good"], told["proxy"]) == (False, "envoy")
    assert {one["level"] for one in told["findings"]} <= {level.value for level in Level}


def test_an_address_where_nothing_listens_is_unreachable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["doctor", "--through", "127.0.0.1:1", *QUICK])

    assert code == exit_codes.UNREACHABLE
    assert "nothing listens there" in capsys.readouterr().out
