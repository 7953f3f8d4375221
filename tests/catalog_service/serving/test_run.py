"""A service process from start to exit, as a user and an orchestrator see it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.fakes.echo_service import NAME

REPOSITORY = Path(__file__).parents[3]

PROGRAM = """
import asyncio, sys
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.serving.blob_servicer import BlobServicer, blob_registration
from catalog_service.serving.drain import DrainTiming
from catalog_service.serving.listen import Listen
from catalog_service.serving.logs import configure_logging
from catalog_service.serving.run import Service, serve_until_signalled
from catalog_service.serving.server import ServerParts
from tests.fakes.echo_service import EchoServicer, echo_registration

folder, address, calls_s = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
configure_logging("info", json=True)
parts = ServerParts(timing=DrainTiming(calls_s=calls_s, stop_s=0.2))

async def behaviour(text):
    (folder / f"entered {text}").touch()
    if text == "until draining":
        await parts.drain.draining.wait()
    if text == "for ever":
        await asyncio.Event().wait()
    return text

async def on_start():
    (folder / "started").touch()

async def on_stop():
    (folder / "stopped").touch()

blobs = BlobServicer(BlobStore(folder / "blobs"), drain=parts.drain)
asyncio.run(serve_until_signalled(Service(
    listen=Listen.parse(address),
    admin_listen=Listen.parse("127.0.0.1:0"),
    registrations=[echo_registration(EchoServicer(behaviour)), blob_registration(blobs)],
    parts=parts,
    ready_file=folder / "ready.json",
    on_start=on_start,
    on_stop=on_stop,
)))
"""


def start(
    folder: Path, address: str = "127.0.0.1:0", calls_s: float = 30.0
) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "clients" / "python")])
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(folder), address, str(calls_s)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)


@contextmanager
def running(folder: Path, calls_s: float = 30.0) -> Iterator[tuple[subprocess.Popen[str], dict]]:
    process = start(folder, calls_s=calls_s)
    try:
        wait_for(folder / "ready.json", process)
        yield process, json.loads((folder / "ready.json").read_text())
    finally:
        process.kill()
        process.communicate()


def call(channel: grpc.Channel, text: str) -> grpc.Future:
    request = StringValue(value=text).SerializeToString()
    return channel.unary_unary(f"/{NAME}/UnaryUnary").future(request)


def status_of(url: str) -> int:
    try:
        return urllib.request.urlopen(url, timeout=60).status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_ready_service_says_where_it_is_and_answers_on_both_ports(tmp_path):
    with running(tmp_path) as (process, ready):
        assert (tmp_path / "started").exists()
        assert ready["pid"] == process.pid
        with grpc.insecure_channel(ready["address"]) as channel:
            assert StringValue.FromString(call(channel, "a").result(60)).value == "a"
        admin = f"http://{ready['admin_address']}"
        assert [status_of(f"{admin}/{path}") for path in ("live", "ready", "x")] == [200, 200, 404]
        metrics = urllib.request.urlopen(f"{admin}/metrics", timeout=60).read().decode()

    assert f'vertebra_rpc_handled_total{{code="OK",rpc="{NAME}/UnaryUnary"}} 1.0' in metrics


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_the_process_exits_with_success(tmp_path, number):
    with running(tmp_path) as (process, ready), grpc.insecure_channel(ready["address"]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=NAME))
        statuses = [next(watch).status]
        in_flight = call(channel, "until draining")
        wait_for(tmp_path / "entered until draining", process)

        process.send_signal(number)
        statuses.append(next(watch).status)

        assert StringValue.FromString(in_flight.result(60)).value == "until draining"
        assert process.wait(60) == 0
        lines = [json.loads(line) for line in process.stderr if line.startswith("{")]

    serving = health_pb2.HealthCheckResponse
    assert statuses == [serving.SERVING, serving.NOT_SERVING]
    assert (tmp_path / "stopped").exists() and not (tmp_path / "ready.json").exists()
    assert lines[-1]["message"] == "stopped"


def test_a_call_that_never_ends_holds_the_exit_only_for_its_time(tmp_path):
    with (
        running(tmp_path, calls_s=0.5) as (process, ready),
        grpc.insecure_channel(ready["address"]) as channel,
    ):
        stuck = call(channel, "for ever")
        wait_for(tmp_path / "entered for ever", process)
        process.terminate()

        assert process.wait(60) == 0
        assert stuck.exception(60).code() is grpc.StatusCode.UNAVAILABLE
    assert (tmp_path / "stopped").exists()


def test_a_second_signal_ends_the_process_at_once(tmp_path):
    with (
        running(tmp_path, calls_s=3600) as (process, ready),
        grpc.insecure_channel(ready["address"]) as channel,
    ):
        _stuck = call(channel, "for ever")
        wait_for(tmp_path / "entered for ever", process)
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()

        assert process.wait(60) == 0
    assert (tmp_path / "stopped").exists()


def test_an_occupied_port_ends_the_process_with_a_sentence(tmp_path):
    (tmp_path / "second").mkdir()
    with running(tmp_path) as (_, ready):
        second = start(tmp_path / "second", ready["address"])
        _, said = second.communicate(timeout=60)

    assert second.returncode == 1
    assert f"cannot listen on {ready['address']}: the port is in use" in said
    assert not (tmp_path / "second" / "ready.json").exists()
    assert (tmp_path / "second" / "stopped").exists(), "what was started is stopped"


def test_a_service_process_is_light(tmp_path):
    with running(tmp_path) as (process, ready), grpc.insecure_channel(ready["address"]) as channel:
        call(channel, "a").result(60)
        inside = psutil.Process(process.pid)
        resident_mib = inside.memory_info().rss / 2**20
        mapped = {Path(area.path).name for area in inside.memory_maps()}

    assert resident_mib < 100
    assert not any("torch" in name or "numpy" in name for name in mapped)
