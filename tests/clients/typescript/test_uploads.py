"""The TypeScript client sends files: to services that refuse, and over ways that break."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.clients.typescript.node_suite import Outcomes, names_in, run_suite
from tests.fakes.lying_services import NUM_BEGUN_BYTES, UPLOAD, LyingServices, lying_services
from tests.fakes.torn_uploads import NUM_CUTS, TornUploads, torn_uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of each test, and what the services saw."""

    outcomes: Outcomes
    services: LyingServices
    uploads: TornUploads


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Run node's tests against lying services and a real catalog."""
    folder = tmp_path_factory.mktemp("uploads")
    with lying_services() as services, torn_uploads(folder / "catalog") as uploads:
        given = {
            "addresses": {**services.addresses, **uploads.addresses},
            "data": base64.b64encode(UPLOAD).decode(),
            "folder": str(folder),
        }
        outcomes = run_suite("uploads", given, folder)
        yield Told(outcomes=outcomes, services=services, uploads=uploads)


@pytest.mark.parametrize("name", names_in("uploads"))
def test_the_client(name: str, told: Told) -> None:
    assert told.outcomes.get(name, "it was not run") == ""


@pytest.mark.parametrize(
    ("name", "num_bytes"),
    [
        ("break", len(UPLOAD)),
        ("missed", len(UPLOAD)),
        ("begun", len(UPLOAD) - NUM_BEGUN_BYTES),
    ],
)
def test_only_what_is_missing_is_sent(name: str, num_bytes: int, told: Told) -> None:
    assert told.services.fakes[f"upload-{name}"].blobs.num_written_bytes == num_bytes


def test_the_way_broke_as_often_as_it_was_meant_to(told: Told) -> None:
    assert told.uploads.proxy.num_broken == NUM_CUTS
    assert told.uploads.is_stored()
