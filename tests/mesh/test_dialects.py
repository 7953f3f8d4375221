"""gRPC, gRPC-Web, Connect and JSON give the same answers and the same errors."""

import pytest

from tests.fakes.dialects import Ask, Document, by_buf, by_grpc, by_json
from tests.mesh.conftest import Doors

MODELS = "/vertebra.catalog.v1.ModelService"
ARCHITECTURES = "/vertebra.catalog.v1.ArchitectureService"
JOBS = "/vertebra.trainer.v1.TrainJobService"
NO_JOB = "trainJobs/00000000-0000-4000-8000-000000000000"

CALLS: dict[str, tuple[str, Document]] = {
    "an answer": (f"{ARCHITECTURES}/GetArchitecture", {"name": "architectures/resnet18"}),
    "a large answer": (f"{ARCHITECTURES}/ListArchitectures", {"pageSize": 1000}),
    "a stream": (
        "/vertebra.diagnostics.v1.PathService/HoldStream",
        {"duration": "0.3s", "interval": "0.1s"},
    ),
    "a form of the trainer": (f"{JOBS}/GetTrainForm", {}),
    "nothing there": (f"{ARCHITECTURES}/GetArchitecture", {"name": "architectures/resnet51"}),
    "no job": (f"{JOBS}/GetTrainJob", {"name": NO_JOB}),
    "a stream that is refused": (f"{JOBS}/WatchTrainJob", {"name": NO_JOB}),
    "an invalid request": (
        f"{MODELS}/DescribeModel",
        {"spec": {"backbone": "resnet18", "imageHeightPx": -1}},
    ),
}


@pytest.fixture(params=["gRPC-Web", "Connect", "JSON"])
def ask(request: pytest.FixtureRequest, doors: Doors) -> Ask:
    """Each dialect but gRPC itself."""
    asks: dict[str, Ask] = {
        "gRPC-Web": by_buf("grpcweb", doors.descriptors),
        "Connect": by_buf("connect", doors.descriptors),
        "JSON": by_json,
    }
    return asks[request.param]


@pytest.mark.parametrize("call", CALLS)
def test_every_dialect_says_what_grpc_says(doors: Doors, ask: Ask, call: str) -> None:
    path, request = CALLS[call]
    is_trainer = path.startswith(JOBS)

    direct = by_grpc(doors.trainer if is_trainer else doors.catalog, path, request)
    through = by_grpc(doors.gateway.address, path, request)
    other = ask(doors.gateway.address, path, request)

    assert (direct.code == "OK") == ("answer" in call or "form" in call or call == "a stream")
    assert _lasting(through) == _lasting(direct)
    assert _lasting(other) == _lasting(direct)


def _lasting(answer: object) -> object:
    """Return an answer without signs of life, which carry the time."""
    documents = [one for one in answer.documents if "heartbeat" not in one]  # type: ignore[attr-defined]
    return (answer.code, answer.reason, answer.message, documents)  # type: ignore[attr-defined]
