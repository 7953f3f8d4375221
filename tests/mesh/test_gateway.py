"""gRPC, gRPC-Web, Connect and JSON give the same answers and errors through the gateway that is
shipped; and what it lets in and refuses beside calls that are right."""

import json
import subprocess
from pathlib import Path

import grpc
import pytest

from tests import pages
from tests.fakes.dialects import (
    Answer,
    Ask,
    Document,
    ask_http,
    by_buf,
    by_grpc,
    by_json,
    post,
)
from tests.mesh.conftest import ALLOWED_ORIGIN, SCRIPT, Doors
from tests.robustness.counting import Counted
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.doctor import arrival, browsers, repeats, sizes
from vertebra.doctor.finding import Level
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, running_gateway
from vertebra.trainer_client import TrainerClient

PATH = "/vertebra.catalog.v1.ArchitectureService/GetArchitecture"
REQUEST = json.dumps({"name": "architectures/resnet18"})
ECHO = "/vertebra.diagnostics.v1.PathService/Echo"

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
def test_every_dialect_says_what_grpc_says(
    doors: Doors, ask: Ask, call: str, counted: Counted
) -> None:
    path, request = CALLS[call]
    is_trainer = path.startswith(JOBS)

    direct = by_grpc(doors.trainer if is_trainer else doors.catalog, path, request)
    through = by_grpc(doors.gateway.address, path, request)
    other = ask(doors.gateway.address, path, request)

    assert (direct.code == "OK") == ("answer" in call or "form" in call or call == "a stream")
    assert _lasting(through) == _lasting(direct)
    assert _lasting(other) == _lasting(direct)
    counted(comparisons=2, different=0)


def _lasting(answer: Answer) -> object:
    """Return an answer without signs of life, which carry the time."""
    documents = [one for one in answer.documents if "heartbeat" not in one]
    return (answer.code, answer.reason, answer.message, documents)


def test_both_services_are_behind_one_address(doors: Doors) -> None:
    address = doors.gateway.address
    with CatalogClient(address) as catalog, TrainerClient(address) as trainer:
        architecture = catalog.get_architecture("resnet18")
        capacity = trainer.capacity()

    assert architecture.architecture_id == "resnet18"
    assert capacity.num_devices >= 1


def test_the_pages_curl_is_answered(doors: Doors) -> None:
    (line,) = pages.shown("Gateways and meshes", "sh")
    here = line.replace("127.0.0.1:50550", doors.gateway.address)

    done = subprocess.run(["sh", "-c", here], capture_output=True, check=True, timeout=60)

    assert here != line
    assert json.loads(done.stdout)["architecture"]["architectureId"] == "resnet18"


def test_bytes_are_asked_of_the_service_whose_client_asks(doors: Doors, tmp_path: Path) -> None:
    """Both services have BlobService: a client of the trainer says that it means the trainer's."""
    address, file = doors.gateway.address, tmp_path / "three"
    file.write_bytes(b"three")
    with CatalogClient(address) as catalog, TrainerClient(address) as trainer:
        blob = catalog.blobs.upload(file).name
        with pytest.raises(RpcFailed) as missing:
            trainer.blobs.stat(blob)
        found = catalog.blobs.stat(blob)

    assert missing.value.code is grpc.StatusCode.NOT_FOUND
    assert found.size_bytes == 5


def test_the_doctor_finds_nothing_to_mend_but_what_takes_long(doors: Doors) -> None:
    way = Way(address=doors.gateway.address, service="trainer")
    findings = [
        *arrival.judged(way, arrival.call_through(way)),
        repeats.judged(repeats.count_calls(way)),
        *sizes.judged(sizes.largest_request(way), sizes.largest_answer(way)),
        browsers.judged(browsers.spoken(way)),
    ]

    assert [one for one in findings if one.level is not Level.OK] == []
    assert "gRPC-Web, Connect, JSON" in findings[-1].seen


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_of_elsewhere_may_send_unasked_is_refused(
    doors: Doors, content_type: str
) -> None:
    status, _, body = post(doors.gateway.address, PATH, REQUEST, content_type=content_type)

    assert status == 415
    assert "application/json" in body


def test_a_name_that_is_not_the_gateways_is_refused(doors: Doors) -> None:
    """Else a page whose name is bent to 127.0.0.1 calls as if it were the console."""
    status, _, body = post(doors.gateway.address, PATH, REQUEST, host="evil.example")

    assert status == 421
    assert "localhost" in body


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("a.studio.example", 200),
        ("a.studio.example:8443", 200),
        ("studio.example", 421),
        ("a.studio.example.evil.example:8443", 421),
    ],
)
def test_a_star_stands_for_names_below_at_any_port(
    doors: Doors, tmp_path: Path, host: str, expected: int
) -> None:
    gateway = Gateway(
        catalog=doors.catalog,
        trainer=doors.trainer,
        listen="127.0.0.1:0",
        hosts=("*.studio.example",),
    )
    with running_gateway(gateway, tmp_path / "gateway") as running:
        status, _, _ = post(running.address, PATH, REQUEST, host=host)

    assert status == expected


def test_connect_in_json_is_refused_with_the_way_out(doors: Doors) -> None:
    status, _, body = post(doors.gateway.address, PATH, REQUEST, connect_protocol_version="1")

    assert status == 415
    assert "useBinaryFormat" in body


def test_a_call_that_is_no_post_is_refused(doors: Doors) -> None:
    status, _, body = ask_http(doors.gateway.address, "GET", PATH)

    assert (status, body) == (405, "a call is a POST\n")


@pytest.mark.parametrize("body", ['{"name":', "[]", '"text"', '{"name": {}}', "\xff\xfe", '{"a":1'])
def test_malformed_json_is_a_bad_request(doors: Doors, body: str) -> None:
    status, _, told = post(doors.gateway.address, PATH, body.encode("latin-1"))

    assert status == 400
    assert "Traceback" not in told


def test_oversized_json_is_refused_and_a_large_one_is_not(doors: Doors) -> None:
    """The gateway refuses it, or the service, whichever sees enough of it first."""
    large = json.dumps({"padding": "A" * (5 << 20)})
    too_large = json.dumps({"padding": "A" * (7 << 20)})

    assert post(doors.gateway.address, ECHO, large)[0] == 200
    status, _, body = post(doors.gateway.address, ECHO, too_large)
    assert status in (413, 429)
    assert "limit" in body or "larger" in body


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing/at.all", 404, "nothing is here"),
        (PATH.replace("GetArchitecture", "GetNothing"), 404, "Could not resolve"),
        (f"{PATH}%2f", 404, "Could not resolve"),
        (f"{PATH};a=b", 404, "Could not resolve"),
        (f"{PATH}?name=x&nothing=1", 400, "nothing"),
        ("/grpc.health.v1.Health/Check", 404, "Could not resolve"),
    ],
)
def test_json_for_no_method_is_not_taken_for_a_service_that_is_away(
    doors: Doors, path: str, status: int, words: str
) -> None:
    """The service would end such a call without a word, which looks like 503."""
    found, _, body = post(doors.gateway.address, path, REQUEST)

    assert found == status
    assert words in body


def test_only_allowed_origins_may_call_from_pages(doors: Doors) -> None:
    def preflight(origin: str) -> dict[str, str]:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        return ask_http(doors.gateway.address, "OPTIONS", PATH, headers=asked)[1]

    allowed = preflight(ALLOWED_ORIGIN)

    assert allowed["access-control-allow-origin"] == ALLOWED_ORIGIN
    assert "x-vertebra-service" in allowed["access-control-allow-headers"]
    assert "grpc-status-details-bin" in allowed["access-control-expose-headers"]
    assert "access-control-allow-origin" not in preflight("https://evil.example")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": ALLOWED_ORIGIN},
        {"access-control-request-method": "POST"},
        {"origin": "https://evil.example", "access-control-request-method": "POST"},
        {
            "origin": "null",
            "access-control-request-method": "POST",
            "content-type": "application/grpc",
        },
    ],
)
def test_what_browsers_ask_first_gets_to_no_service(doors: Doors, headers: dict[str, str]) -> None:
    """It needs no token: whatever it was, the gateway would have let it past their check."""
    status, answered, _ = ask_http(doors.gateway.address, "OPTIONS", PATH, headers=headers)

    assert status in (200, 405)
    assert not answered.keys() & {"grpc-status", "x-envoy-upstream-service-time"}
    assert "access-control-allow-origin" not in answered


def test_the_page_comes_with_a_policy_that_runs_no_inline_script(doors: Doors) -> None:
    status, headers, body = ask_http(doors.gateway.address, "GET", "/")

    assert status == 200
    assert "<title>vertebra</title>" in body
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_hashed_files_are_kept_for_ever_and_typed(doors: Doors) -> None:
    _, headers, body = ask_http(doors.gateway.address, "GET", "/assets/main-1a2b3c.js")
    _, large, _ = ask_http(doors.gateway.address, "GET", "/assets/large-4d5e6f.css")

    assert body == SCRIPT
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in headers["cache-control"]
    assert (large["content-type"], large["content-length"]) == (
        "text/css; charset=utf-8",
        "1300000",
    )


@pytest.mark.parametrize(
    "path", ["/gateway.yaml", "/../gateway/gateway.yaml", "/assets/..%2f..%2fgateway.yaml", "/a.js"]
)
def test_nothing_but_the_consoles_files_is_served(doors: Doors, path: str) -> None:
    assert ask_http(doors.gateway.address, "GET", path)[0] in (400, 404)


def test_a_page_of_the_consoles_own_making_is_the_console(doors: Doors) -> None:
    assert ask_http(doors.gateway.address, "GET", "/jobs/1234")[2].startswith("<!doctype html>")


def test_the_gateway_says_that_it_lives(doors: Doors) -> None:
    assert ask_http(doors.gateway.address, "GET", "/healthz")[::2] == (200, "ok\n")
