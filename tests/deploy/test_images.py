"""The images: their steps are run, and what comes out runs as nobody on a tree that cannot be
written. Base images and gigabytes of wheels are stood in for by what is on this machine.
"""

import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.fakes.dockerfile import ROOT
from tests.fakes.image_build import LIGHT, USER, Image, built_image, images_can_be_built
from tests.fakes.ports import free_port
from tests.fakes.read_only import open_to_all
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not images_can_be_built(),
        reason="layers cannot be mounted here: it needs root and overlayfs",
    ),
]

PATIENCE_S = 120
SMALL_JOB = {
    "model": {
        "backbone": "resnet18",
        "pretrained": False,
        "image_height_px": 32,
        "image_width_px": 32,
    },
    "dataset": {"bundled_digits": {}, "data_ratio": 0.1},
    "num_epochs": 1,
}
CONFIGURATION = "site-packages/vertebra/gateway/gateway.yaml"
WRITABLE = ("/tmp", "/var/lib/vertebra")


def answer(url: str) -> str | None:
    """Return what is at a URL; None while nobody answers well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


@contextmanager
def running(
    image: Image, url: str, arguments: Sequence[str] = (), **variables: str
) -> Iterator[psutil.Process]:
    """Yield the container's first process once `url` answers."""
    with open_to_all() as volume:
        volume.chmod(0o777)
        log = volume / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                image.command(arguments, volume, variables), stdout=output, stderr=output
            )
        try:
            deadline = time.monotonic() + PATIENCE_S
            while answer(url) is None:
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.05)
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            process.wait()


def ends_well(process: psutil.Process) -> None:
    """As an orchestrator ends it."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) in (0, None, -signal.SIGTERM)


def read_only_mounts(process: psutil.Process) -> Mapping[str, bool]:
    """Return mount points as the process sees them, and whether each is read-only."""
    lines = Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()
    return {line.split()[4]: "ro" in line.split()[5].split(",") for line in lines}


@contextmanager
def image_of(name: str) -> Iterator[Image]:
    """Yield an image that was built with what is on this machine."""
    with open_to_all() as folder, built_image(name, folder, LIGHT) as image:
        print(f"{name}: replaced, not run as written: {json.dumps(image.replaced)}")
        yield image


@pytest.fixture(scope="module")
def catalog_image() -> Iterator[Image]:
    """Build the catalog's once."""
    with image_of("catalog") as image:
        yield image


def test_the_catalogs_image_builds_models_as_nobody_on_a_tree_that_cannot_be_written(
    catalog_image,
):
    """Torch's worker, too: it starts, compiles nothing, and writes below its two folders alone."""
    grpc, admin = free_port(), free_port()
    variables = {
        "VERTEBRA_CATALOG_LISTEN": f"127.0.0.1:{grpc}",
        "VERTEBRA_CATALOG_ADMIN_LISTEN": f"127.0.0.1:{admin}",
        "VERTEBRA_CATALOG_OFFLINE": "1",
    }
    with (
        running(catalog_image, f"http://127.0.0.1:{admin}/ready", **variables) as process,
        CatalogClient(f"127.0.0.1:{grpc}") as catalog,
    ):
        model = catalog.build_model({"backbone": "resnet18", "pretrained": False})
        mounts = read_only_mounts(process)
        users = process.uids()
        left = [path.name for path in (catalog_image.root / "opt/vertebra/bin").iterdir()]
        ends_well(process)

    assert model.state_digest.startswith("sha256:")
    assert users.real == users.effective == USER
    assert mounts["/"] is True
    assert {path: mounts[path] for path in WRITABLE} == dict.fromkeys(WRITABLE, False)
    assert not {"pip", "uv", "hatchling", "gcc", "make"} & set(left)


@pytest.mark.full
def test_the_trainers_image_trains_below_its_process_1_on_a_tree_that_cannot_be_written(tmp_path):
    """A whole job, snapshots and exports too; the entry point and its arguments are the image's."""
    grpc, admin = free_port(), free_port()
    with (
        running_catalog(tmp_path) as catalog,
        image_of("trainer") as image,
        running(
            image,
            f"http://127.0.0.1:{admin}/ready",
            image.stage.last("CMD").words,
            VERTEBRA_TRAINER_LISTEN=f"127.0.0.1:{grpc}",
            VERTEBRA_TRAINER_ADMIN_LISTEN=f"127.0.0.1:{admin}",
            VERTEBRA_TRAINER_CATALOG=catalog.address,
            VERTEBRA_TRAINER_DEVICE="cpu",
        ) as process,
        TrainerClient(f"127.0.0.1:{grpc}") as trainer,
    ):
        job = trainer.wait(trainer.create(SMALL_JOB).name)
        (api,) = process.children()
        command, users, mounts = api.cmdline(), api.uids(), read_only_mounts(api)
        ends_well(process)

    assert job.state == wire.JobState.JOB_STATE_SUCCEEDED, job.state_reason
    assert command[-2:] == ["-m", "trainer_service"]
    assert users.real == USER
    assert mounts["/"] is True


def test_a_service_refuses_to_answer_other_hosts_in_plain_text_unless_told(catalog_image):
    """The image listens to the world; without a certificate that has to be said aloud."""
    with open_to_all() as volume:
        volume.chmod(0o777)
        command = catalog_image.command([], volume, {})
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)

    assert done.returncode == 2
    assert "in plain text" in done.stderr


def test_the_gateways_image_becomes_envoy():
    """Its configuration is written below /tmp; nothing of Python is left running."""
    port = free_port()
    arguments = [
        f"--listen=127.0.0.1:{port}",
        "--catalog=localhost:1",
        "--trainer=localhost:2",
        "--console",
    ]
    with (
        image_of("gateway") as image,
        running(image, f"http://127.0.0.1:{port}/healthz", arguments) as process,
    ):
        page = answer(f"http://127.0.0.1:{port}/")
        name, users = Path(process.exe()).name, process.uids()
        (configuration,) = (image.root / "opt/vertebra/lib").glob(f"python3*/{CONFIGURATION}")
        shipped = configuration.read_bytes()
        ends_well(process)

    assert shipped == (ROOT / "clients/python" / CONFIGURATION.partition("/")[2]).read_bytes()
    assert page == "console\n"
    assert name == "envoy"
    assert users.real == USER


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is in the base image, and not here")
def test_the_gateways_image_is_built_with_nothing_left_out():
    """Its requirements by hash, the console by npm: no step is replaced."""
    port = free_port()
    arguments = [f"--listen=127.0.0.1:{port}", "--catalog=a:1", "--trainer=b:2", "--console"]
    with (
        open_to_all() as folder,
        built_image("gateway", folder, {}) as image,
        running(image, f"http://127.0.0.1:{port}/healthz", arguments),
    ):
        page = answer(f"http://127.0.0.1:{port}/")

    assert image.replaced == []
    assert page is not None
    assert "/assets/main-" in page
