"""The error of a search without a hit has every place tried, and what would help."""

from dataclasses import replace

import pytest

from catalog_service.errors import Corrupt, Precondition, Unavailable
from catalog_service.serving.status import MAX_DETAILS_BYTES, failure_of
from catalog_service.weights.trail import MAX_MESSAGE_CHARS, Outcome, Remedy, Step, failure

ABSENT = Step(location="store", outcome=Outcome.ABSENT, detail="absent")
WRONG = Step(location="mirror /m", outcome=Outcome.WRONG_DIGEST, detail="has sha256 00")
SILENT = Step(location="origin", outcome=Outcome.UNREACHABLE, detail="no answer")
GATED = Step(location="origin", outcome=Outcome.GATED, gate="PENDING", page="https://hub.example/x")
REMEDIES = (
    Remedy(kind="mirror", text="Put x.pth into the mirror folder /m."),
    Remedy(kind="origin", text="It is published at https://x.example/x", url="https://x.example/x"),
)


def test_no_copy_is_a_precondition_with_a_line_for_each_step_and_each_remedy() -> None:
    mirror = Step(location="mirror /m", outcome=Outcome.ABSENT, detail="no such file")

    error = failure("torchvision/X.V1", [ABSENT, mirror], REMEDIES)

    assert isinstance(error, Precondition)
    assert error.error_reason == "WEIGHTS_UNAVAILABLE"
    assert error.message == (
        "no bytes for torchvision/X.V1:\n"
        "  store: absent\n"
        "  mirror /m: no such file\n"
        "  Put x.pth into the mirror folder /m.\n"
        "  It is published at https://x.example/x"
    )
    assert error.metadata["step.2"] == "mirror /m: no such file"
    assert [link.url for link in error.links] == ["https://x.example/x"]


def test_one_wrong_copy_makes_it_data_loss() -> None:
    error = failure("torchvision/X.V1", [ABSENT, WRONG])

    assert isinstance(error, Corrupt)
    assert error.error_reason == "DIGEST_MISMATCH"
    assert "mirror /m: has sha256 00" in error.message


def test_a_place_that_does_not_answer_may_have_good_bytes_so_nothing_is_lost_yet() -> None:
    error = failure("torchvision/X.V1", [WRONG, SILENT])

    assert isinstance(error, Unavailable)
    assert error.error_reason == "WEIGHTS_UNREACHABLE"
    assert error.retry_after_s


def test_a_server_says_when_to_come_back() -> None:
    error = failure("torchvision/X.V1", [replace(SILENT, retry_after_s=120.0)])

    assert error.retry_after_s == 120.0


def test_a_gate_comes_first_with_the_page_to_visit() -> None:
    error = failure("huggingface/x/y", [WRONG, SILENT, GATED])

    assert error.error_reason == "WEIGHTS_GATED"
    assert error.metadata["gate"] == "PENDING"
    assert error.metadata["page"] == "https://hub.example/x"
    assert [link.url for link in error.links] == ["https://hub.example/x"]


@pytest.mark.parametrize("num_steps", [3, 8, 15])
def test_long_trails_are_cut_and_the_remedies_stay(num_steps: int) -> None:
    long = Step(location="mirror /mnt/" + "x" * 100, outcome=Outcome.ABSENT, detail="y" * 400)

    failed = failure_of(failure("torchvision/X.V1", [long] * num_steps, REMEDIES), "id")

    assert "Put x.pth" in failed.message
    assert failed.message.count("mirror /mnt/x") == num_steps
    assert len(failed.details) <= MAX_DETAILS_BYTES


def test_one_long_step_has_the_room_that_short_ones_leave() -> None:
    """A page to visit is of no use with its end cut off."""
    page = "https://hub.example/" + "x" * 400

    error = failure("huggingface/x/y", [ABSENT] * 5 + [replace(GATED, detail=f"ask at {page}")])

    assert f"origin: ask at {page}\n" in f"{error.message}\n"


def test_long_lines_have_no_more_than_is_left() -> None:
    """Otherwise the status would be cut, and the remedies are at its end."""
    steps = [replace(ABSENT, detail="x" * length) for length in (5, 10, 600, 900)]

    error = failure("torchvision/X.V1", steps, REMEDIES)

    assert len(error.message) <= MAX_MESSAGE_CHARS
    assert error.message.endswith(REMEDIES[-1].text)
