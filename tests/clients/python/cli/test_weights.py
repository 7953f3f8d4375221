"""`vertebra weights ensure` and `explain`: what people and programs read, and how they end."""

import json
import signal
import subprocess
import sys
import time

import grpc
import pytest
from rich.console import Console

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.weight_answers import ORIGIN, TOTAL_BYTES, ensured, explained
from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import exit_codes, trail_words
from vertebra.cli.ensure_view import EnsureRow, live_rows
from vertebra.cli.weights_ensure import print_ensured
from vertebra.cli.weights_explain import VERDICTS, print_explanation


def test_an_explanation_is_a_verdict_a_trail_and_what_helps(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, _ = shell("weights", "explain", "resnet18")

    assert code == exit_codes.OK
    assert out.splitlines() == [
        "torchvision/ResNet18_Weights.IMAGENET1K_V1  would be fetched",
        "",
        "size     46.8 MB",
        "sha256   deadbeef...; its first 8 digits are published",
        "licence  unknown",
        "",
        "LOCATION                           ANSWER       WHY OR WHERE",
        "store                              absent",
        "torch-hub cache /data/torch        absent",
        "mirror http://mirror.example:8080  wrong bytes  other bytes than published: "
        "sha256 0badc0de..., published is deadbeef...",
        "origin https://weights.example     not asked    would be asked",
        "",
        "if that fails:",
        "mirror  Put resnet18-deadbeef.pth into a mirror folder (VERTEBRA_CATALOG_MIRRORS) or into "
        "the torch-hub cache /data/torch/hub/checkpoints.",
        "origin  It is published at https://weights.example/models/resnet18-deadbeef.pth",
    ]


def test_nobody_is_told_what_helps_where_nothing_is_missing(terminal: Terminal) -> None:
    page = terminal(80)
    found = explained(wire.ExplainWeightsRequest())
    found.availability = wire.AVAILABILITY_STORED

    print_explanation(page, found)

    assert "is in the store" in told(page)[0]
    assert not any("Put resnet18" in line for line in told(page))


def test_every_answer_has_words() -> None:
    assert set(VERDICTS) == set(wire.Availability.values()) - {0}
    assert set(trail_words.ANSWERS) == set(wire.TrailStep.Outcome.values()) - {0}


def test_a_trail_fits_a_narrow_terminal(terminal: Terminal) -> None:
    page = terminal(60)

    page.print(trail_words.trail_table(explained(wire.ExplainWeightsRequest()).steps))

    lines = told(page)
    assert max(map(len, lines)) <= 60
    assert "".join(line[:21].strip() for line in lines).count("mirror.example") == 1


@pytest.mark.parametrize(("flags", "probe"), [((), False), (("--probe",), True)])
def test_servers_are_asked_only_where_a_probe_is_wanted(
    shell: Shell, with_catalog: FakeCatalog, flags: tuple[str, ...], probe: bool
) -> None:
    shell("weights", "explain", "resnet18", *flags)

    assert [request.probe for request in with_catalog.asked] == [probe]


def test_weights_in_the_store_are_described(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("weights", "ensure", "resnet18")

    assert code == exit_codes.OK
    assert out.splitlines() == [
        "torchvision/resnet18  is in the store",
        "",
        "for      resnet18",
        "from     origin https://weights.example",
        "left     mirror http://mirror.example:8080: other bytes than published: "
        "sha256 0badc0de..., published is deadbeef...",
        "sha256   deadbeef6666...; its first 8 digits are published",
        "licence  unknown",
        "blob     555555555555, 46.8 MB",
    ]


def test_what_is_odd_about_weights_is_said(terminal: Terminal) -> None:
    page = terminal(80)
    weights = ensured("resnet18")
    weights.non_finite.extend(["fc.weight"])
    weights.ignored.extend(["args (argparse.Namespace)"])

    print_ensured(page, weights)

    assert "not finite  fc.weight" in told(page)
    assert "not taken   args (argparse.Namespace)" in told(page)


def test_several_names_are_a_table_and_a_bad_one_spoils_no_other(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    code, out, err = shell("weights", "ensure", "resnet18", "nope", "vit_b_16")

    assert code == exit_codes.REFUSED
    assert out.splitlines() == [
        "WEIGHT       SIZE  FROM",
        "resnet18  46.8 MB  origin https://weights.example",
        "vit_b_16  46.8 MB  origin https://weights.example",
    ]
    assert err == "error: no weight 'nope'\n"


def test_programs_get_a_list_under_the_contracts_names(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    _, out, _ = shell("weights", "ensure", "resnet18", "vit_b_16", "--json")

    rows = json.loads(out)["weights"]
    assert [row["reference"] for row in rows] == ["torchvision/resnet18", "torchvision/vit_b_16"]
    assert rows[0]["trail"][-1] == {
        "location": ORIGIN.location,
        "outcome": "OUTCOME_HIT",
        "detail": "",
        "place": "",
    }


def test_an_error_keeps_its_lines_and_names_the_page_to_visit(
    shell: Shell, with_catalog: FakeCatalog
) -> None:
    with_catalog.ensure_breaks = ["unreachable"]

    code, out, err = shell("weights", "ensure", "resnet18")

    assert (code, out) == (exit_codes.REFUSED, "")
    assert err.splitlines() == [
        "error: no bytes for it now; a location does not answer, try again:",
        "  origin: refused",
    ]


def viewed(page: Console, row: EnsureRow) -> list[str]:
    page.print(row.view())
    return told(page)


def test_a_download_shows_place_share_rate_and_time_left(terminal: Terminal) -> None:
    row, progress = EnsureRow("resnet18"), wire.EnsureProgress()
    progress.step = wire.EnsureProgress.STEP_DOWNLOADING
    progress.location = ORIGIN.location
    progress.bytes_done, progress.bytes_total = TOTAL_BYTES // 4, TOTAL_BYTES
    progress.bytes_per_s = 12.3e6
    progress.remaining.FromSeconds(65)

    row.take(progress)

    first, second = viewed(terminal(80), row)
    assert first.endswith("resnet18 from origin https://weights.example")
    assert second.endswith("25 %  11.7 MB of 46.8 MB  12.3 MB/s  1:05 left")
    assert "━" in second


def test_a_download_of_unknown_size_shows_what_came(terminal: Terminal) -> None:
    row = EnsureRow("resnet18")

    row.take(
        wire.EnsureProgress(
            step=wire.EnsureProgress.STEP_DOWNLOADING, location="origin", bytes_done=2_000_000
        )
    )

    assert viewed(terminal(80), row)[1].strip() == "2.0 MB"


def test_a_long_name_is_cut_and_not_wrapped(terminal: Terminal) -> None:
    row = EnsureRow("huggingface/" + "a" * 100)
    row.take(wire.EnsureProgress(step=wire.EnsureProgress.STEP_CONVERTING, text="into names"))

    lines = viewed(terminal(60), row)

    assert len(lines) == 1
    assert len(lines[0]) <= 60
    assert lines[0].endswith("… into names")


def test_what_is_done_is_cut_before_the_name(terminal: Terminal) -> None:
    row, progress = EnsureRow("mobilenet_v3_small"), wire.EnsureProgress()
    progress.step = wire.EnsureProgress.STEP_DOWNLOADING
    progress.location = "origin https://weights.example/" + "a" * 200

    row.take(progress)

    (line,) = viewed(terminal(80), row)
    assert "mobilenet_v3_small from origin https://weights.example/aaa" in line
    assert line.endswith("…") and len(line) <= 80


def test_rows_are_drawn_on_a_terminal_and_gone_at_the_end(terminal: Terminal) -> None:
    page = terminal(80)
    row = EnsureRow("resnet18")

    with live_rows(page, [row]):
        row.end("is in the store")

    text = page.file.getvalue()  # type: ignore[attr-defined]
    assert "resnet18 is in the store" in text
    assert text.endswith("\x1b[2K")


def test_an_error_is_folded_between_words_where_a_person_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths and URLs stay whole, to be copied."""
    url = "https://weights.example/models/" + "a" * 60
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    text = f"every copy of it has other bytes than published:\n  Fetch it again from {url}"

    exit_codes.show(exit_codes.CliFailed(text, exit_codes.REFUSED))

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("every copy of it has other bytes")
    assert lines[1:] == ["    than published:", "  Fetch it again from", f"      {url}"]


def test_pages_that_the_sentence_lacks_are_shown() -> None:
    from vertebra.client_errors import Link, RpcFailed

    page = Link(text="where access is granted", url="https://hub.example/a/b")
    failed = RpcFailed(grpc.StatusCode.FAILED_PRECONDITION, "gated", links=[page])

    shown = exit_codes.described(failed)

    assert shown is not None
    assert shown.message == "gated\n  where access is granted: https://hub.example/a/b"


def test_ctrl_c_leaves_the_catalog_at_it(with_catalog: FakeCatalog) -> None:
    with_catalog.ensure_breaks = ["hanging"]
    program = subprocess.Popen(
        [sys.executable, "-m", "vertebra.cli", "weights", "ensure", "resnet18"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with program:
        deadline = time.monotonic() + 60
        while not with_catalog.asked:
            assert time.monotonic() < deadline and program.poll() is None
            time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)

    assert (program.returncode, out) == (exit_codes.INTERRUPTED, "")
    assert err == "\nthe catalog goes on without you; the same command joins again\n"
