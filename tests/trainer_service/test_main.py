"""The API process: no torch, no fork, a clear word when it cannot start, and an orderly end."""

import json
import os
import signal
import subprocess
import sys
import time

import grpc
import pytest

from catalog_service.errors import InvalidRequest
from catalog_service.model_wire import input_to_message, layout_to_message, output_to_message
from catalog_service.serving.settings_reader import read_settings
from tests.fakes.fake_catalog import FakeCatalog, completed
from tests.fakes.fake_server import running_server
from tests.fakes.job_values import INPUT, LAYOUT, OUTPUT
from trainer_service.settings import TrainerSettings, worker_environment
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub
from vertebra.trainer_client import TrainerClient

WITHOUT_TORCH_OR_FORK = """
import runpy, sys
FORBIDDEN = ("os.fork", "os.forkpty")
def refuse(event, arguments):
    if event in FORBIDDEN:
        raise RuntimeError(event)
sys.addaudithook(refuse)
try:
    runpy.run_module("trainer_service", run_name="__main__")
finally:
    print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "torchvision")))
"""


@pytest.fixture
def environment(tmp_path):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("VERTEBRA_")}
    return inherited | {
        "VERTEBRA_TRAINER_HOME": str(tmp_path / "home"),
        "VERTEBRA_TRAINER_LISTEN": "127.0.0.1:0",
        "VERTEBRA_TRAINER_ADMIN_LISTEN": "127.0.0.1:0",
        "VERTEBRA_TRAINER_READY_FILE": str(tmp_path / "ready.json"),
        "VERTEBRA_TRAINER_CATALOG": "127.0.0.1:1",
    }


def start(environment, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path, process) -> dict[str, object]:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return json.loads(path.read_text())


def test_it_serves_without_torch_or_fork_and_ends_in_order(environment, tmp_path):
    process = start(environment, "-c", WITHOUT_TORCH_OR_FORK)
    ready = wait_for(tmp_path / "ready.json", process)
    with grpc.insecure_channel(str(ready["address"])) as channel:
        jobs = TrainJobServiceStub(channel).ListTrainJobs(pb.ListTrainJobsRequest(), timeout=60)

    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)

    assert list(jobs.jobs) == []
    assert process.returncode == 0, errors
    assert output == "[]\n"
    assert "Traceback" not in errors


def test_a_home_that_is_in_use_is_one_line_and_no_stack_trace(environment, tmp_path):
    first = start(environment, "-m", "trainer_service")
    wait_for(tmp_path / "ready.json", first)

    second = start(environment, "-m", "trainer_service")
    _, errors = second.communicate(timeout=60)
    first.terminate()
    first.communicate(timeout=60)

    assert second.returncode == 2
    assert "another trainer works in" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://vertebra:secret@127.0.0.1:1/jobs", "does not answer"),
        ("nowhere:secret", "VERTEBRA_TRAINER_DATABASE_URL: Could not parse"),
        ("oracle://vertebra:secret@host/jobs", "VERTEBRA_TRAINER_DATABASE_URL: No module"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_without_a_stack_trace(environment, url, said):
    process = start(environment | {"VERTEBRA_TRAINER_DATABASE_URL": url}, "-m", "trainer_service")

    _, errors = process.communicate(timeout=120)

    assert process.returncode == 2
    assert said in errors
    assert len(errors.splitlines()) <= 2
    assert "secret" not in errors


def test_bad_settings_are_reported_all_at_once(monkeypatch):
    monkeypatch.setenv("VERTEBRA_TRAINER_SLOTS", "0")
    monkeypatch.setenv("VERTEBRA_TRAINER_DEVICE", "tpu")
    monkeypatch.setenv("VERTEBRA_TRAINER_LISTEN", "nowhere")

    with pytest.raises(InvalidRequest) as caught:
        read_settings(TrainerSettings)

    for name in ("SLOTS", "DEVICE", "LISTEN"):
        assert f"VERTEBRA_TRAINER_{name}" in caught.value.message


def test_defaults_keep_everything_below_one_home(monkeypatch, tmp_path):
    monkeypatch.setenv("VERTEBRA_TRAINER_HOME", str(tmp_path))
    monkeypatch.setenv("VERTEBRA_TRAINER_DATA_ROOTS", f"/a{os.pathsep}/b")

    settings = read_settings(TrainerSettings)

    assert settings.blobs_folder == tmp_path / "blobs"
    assert settings.jobs_url == f"sqlite:///{tmp_path / 'trainer.db'}"
    assert [str(root) for root in settings.data_roots] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("url", "given", "timeout_s"),
    [
        ("", "", 0.0),
        ("postgresql+psycopg://trainer@db/jobs", "", 60.0),
        ("postgresql+psycopg://trainer@db/jobs", "0", 0.0),
        ("", "5", 5.0),
    ],
)
def test_hosts_are_lost_only_where_there_may_be_several(monkeypatch, url, given, timeout_s):
    for name, value in (("DATABASE_URL", url), ("HOST_TIMEOUT_S", given)):
        if value:
            monkeypatch.setenv(f"VERTEBRA_TRAINER_{name}", value)

    assert read_settings(TrainerSettings).host_timeout == timeout_s


def test_prefixes_of_data_urls_are_a_list(monkeypatch):
    monkeypatch.setenv("VERTEBRA_TRAINER_DATA_URLS", "s3://bucket/a, gs://other")

    assert read_settings(TrainerSettings).data_urls == ("s3://bucket/a", "gs://other")

    monkeypatch.setenv("VERTEBRA_TRAINER_DATA_URLS", "/data")
    with pytest.raises(InvalidRequest, match="are no URL: "):
        read_settings(TrainerSettings)


def test_workers_inherit_none_of_our_settings(monkeypatch):
    monkeypatch.setenv("VERTEBRA_TRAINER_DATABASE_URL", "postgresql://user:secret@host/db")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("AWS_PROFILE", "data")

    environment = worker_environment()

    assert environment["AWS_PROFILE"] == "data"
    assert "secret" not in str(environment)


class EndlessCatalog(FakeCatalog):
    """Describes models at once and never finishes building one."""

    def BuildModel(self, request, context):  # noqa: N802
        if request.definition_only:
            yield models.BuildModelResponse(model=described(request.spec))
            yield models.BuildModelResponse(end=completed())
            return
        while context.is_active():
            yield models.BuildModelResponse(heartbeat=stream_pb2.Heartbeat())
            time.sleep(0.1)


def described(spec):
    return models.BuiltModel(
        spec=spec,
        layout=layout_to_message(LAYOUT),
        input=input_to_message(INPUT),
        output=output_to_message(OUTPUT),
    )


def test_a_build_under_way_does_not_hold_up_the_end(environment, tmp_path):
    with running_server(EndlessCatalog().add_to) as address:
        process = start(
            environment | {"VERTEBRA_TRAINER_CATALOG": address}, "-m", "trainer_service"
        )
        ready = wait_for(tmp_path / "ready.json", process)
        with TrainerClient(str(ready["address"])) as client:
            job = client.create(job_spec_json())
            wait_for_state(client, job.name, train_job_pb2.JOB_STATE_PREPARING)

            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors


def test_a_replica_leaves_jobs_in_the_queue_for_a_trainer_that_runs_them(environment, tmp_path):
    """Both use one home here: only who runs jobs needs it for itself."""
    with running_server(EndlessCatalog().add_to) as address:
        shared = environment | {"VERTEBRA_TRAINER_CATALOG": address}
        own = {
            "VERTEBRA_TRAINER_SUPERVISE": "false",
            "VERTEBRA_TRAINER_READY_FILE": str(tmp_path / "replica.json"),
        }
        replica = start(shared | own, "-m", "trainer_service")
        ready = wait_for(tmp_path / "replica.json", replica)
        with TrainerClient(str(ready["address"])) as client:
            job = client.create(job_spec_json())
            time.sleep(1)
            left_alone = client.get(job.name).state
            worker = start(shared, "-m", "trainer_service")
            wait_for_state(client, job.name, train_job_pb2.JOB_STATE_PREPARING)

        for process in (replica, worker):
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
    assert left_alone == train_job_pb2.JOB_STATE_QUEUED


def job_spec_json():
    return {
        "model": {"backbone": "resnet18", "pretrained": False},
        "dataset": {"bundled_digits": {}},
        "num_epochs": 1,
    }


def wait_for_state(client, name, state):
    deadline = time.monotonic() + 60
    while client.get(name).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.05)
