"""The process: says what is wrong with its settings, never imports torch, leaves no child."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from catalog_service.reader.child import NICENESS
from catalog_service.serving.settings_reader import SettingsInvalid, read_settings
from catalog_service.settings import CatalogSettings
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed

MOST_NICE = 19

PROGRAM = """
import asyncio, sys
import psutil
from catalog_service.__main__ import Servicers
from catalog_service.make_objects import make_objects
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import ServerParts, start_server
from catalog_service.reader.child import NICENESS
from catalog_service.serving.settings_reader import read_settings
from catalog_service.settings import CatalogSettings
from vertebra.catalog_client import CatalogClient

async def serve():
    settings, parts = read_settings(CatalogSettings), ServerParts()
    servicers = Servicers(make_objects(settings), settings, parts)
    server = await start_server(
        Listen(host="127.0.0.1", port=0), servicers.registrations(), parts=parts
    )

    def ask():
        with CatalogClient(server.address) as client:
            return len(list(client.list_architectures()))

    print(await asyncio.to_thread(ask))
    await server.drain_and_stop()

asyncio.run(serve())
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")))
print(psutil.Process().memory_info().rss // 2**20)
"""


def test_serving_a_list_imports_no_torch_and_stays_small(tmp_path: Path) -> None:
    environment = {**os.environ, "VERTEBRA_CATALOG_HOME": str(tmp_path)}

    count, torch_modules, rss_mb = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()

    print(f"resident set after ListArchitectures, server and client together: {rss_mb} MB")
    assert count == "131"
    assert torch_modules == "[]"
    assert int(rss_mb) < 200


def test_it_stops_in_order_and_takes_its_children_along(tmp_path: Path) -> None:
    with running_catalog(tmp_path) as service:
        with CatalogClient(service.address) as client:
            assert client.get_architecture("resnet18").num_features == 512
        children = psutil.Process(service.pid).children(recursive=True)
        service.process.send_signal(signal.SIGTERM)
        status = service.process.wait(timeout=60)

    _, alive = psutil.wait_procs(children, timeout=60)
    assert status == 0
    assert alive == []
    assert not (tmp_path / "catalog_service.ready.json").exists()


def test_children_do_not_outlive_a_kill(tmp_path: Path) -> None:
    with running_catalog(tmp_path) as service:
        with CatalogClient(service.address) as client:
            client.build_model({"backbone": "squeezenet1_1"}, definition_only=True)
        children = psutil.Process(service.pid).children(recursive=True)
        service.kill()

    _, alive = psutil.wait_procs(children, timeout=60)
    assert children
    assert alive == []


def test_all_bad_settings_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEBRA_CATALOG_LISTEN", "nowhere")
    monkeypatch.setenv("VERTEBRA_CATALOG_WORKERS", "0")
    monkeypatch.setenv("VERTEBRA_CATALOG_LOCATIONS", "store,cloud")
    monkeypatch.setenv("VERTEBRA_CATALOG_LOG_FORMAT", "xml")

    with pytest.raises(SettingsInvalid) as caught:
        read_settings(CatalogSettings)

    assert {violation.field for violation in caught.value.violations} == {
        "VERTEBRA_CATALOG_LISTEN",
        "VERTEBRA_CATALOG_WORKERS",
        "VERTEBRA_CATALOG_LOCATIONS",
        "VERTEBRA_CATALOG_LOG_FORMAT",
    }


def test_an_unusable_setting_ends_the_program_with_one_line_each(tmp_path: Path) -> None:
    environment = {**os.environ, "VERTEBRA_CATALOG_WORKERS": "many"}

    ended = subprocess.run(
        [sys.executable, "-m", "catalog_service"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "VERTEBRA_CATALOG_WORKERS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_usual_variables_decide_where_caches_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    by_xdg = read_settings(CatalogSettings).torch_home_folder
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "th"))
    monkeypatch.setenv("VERTEBRA_CATALOG_MIRRORS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")

    settings = read_settings(CatalogSettings)

    assert by_xdg == tmp_path / "xdg" / "torch"
    assert settings.torch_home_folder == tmp_path / "th"
    assert settings.mirrors == (tmp_path / "a", tmp_path / "b")
    assert settings.blobs_folder == settings.home / "blobs"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/proc/nowhere"),
        ("INDEX", "/nowhere/index.json"),
        ("INDEX", __file__),
        ("DATABASE_URL", "nosuchdatabase://user:secret@host/name"),
    ],
)
def test_what_a_setting_names_but_cannot_be_used_is_one_line_without_secrets(
    tmp_path: Path, name: str, value: str
) -> None:
    settings = {"HOME": str(tmp_path / "home"), "LISTEN": "127.0.0.1:0", name: value}

    ended = subprocess.run(
        [sys.executable, "-m", "catalog_service"],
        env={**os.environ, **{f"VERTEBRA_CATALOG_{key}": text for key, text in settings.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"VERTEBRA_CATALOG_{name} ")
    assert "secret" not in line


def stopped_reader(catalog: int) -> psutil.Process:
    """Return the child that reads a file just now, stopped in the middle.

    It reads for a moment only: whoever calls this has files read until one is caught.
    """
    at_work = min(MOST_NICE, os.getpriority(os.PRIO_PROCESS, catalog) + NICENESS)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for pid in children_of(catalog):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes()
                is_reader = b"catalog_service.reader.child" in words
                if is_reader and os.getpriority(os.PRIO_PROCESS, pid) == at_work:
                    os.kill(pid, signal.SIGSTOP)
                    return psutil.Process(pid)
    raise AssertionError("no file was read")


def children_of(pid: int) -> Iterator[int]:
    """Yield the children of a process; psutil looks at all that run, which takes longer than a
    file.
    """
    for of_a_thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, of_a_thread.read_text().split())


def test_a_file_that_is_never_read_does_not_hold_up_the_exit(tmp_path: Path) -> None:
    """The drain is bounded although a thread waits for a reader that stands still."""
    file = tmp_path / "backbone.ckpt"
    # So many names take a second to read, however small they are.
    torch.save({f"layer{number}.weight": torch.zeros(1) for number in range(5000)}, file)
    with running_catalog(tmp_path / "home") as catalog, CatalogClient(catalog.address) as client:
        blob = client.blobs.upload(file).name
        names = {"checkpoint_id": "slow", "architecture_id": "resnet18", "blob_name": blob}

        is_caught = threading.Event()

        def register() -> None:
            while not is_caught.is_set():
                with contextlib.suppress(RpcFailed):
                    client.register_checkpoint(**names)

        call = threading.Thread(target=register)
        call.start()
        reader = stopped_reader(catalog.pid)
        is_caught.set()

        status = catalog.stop()

        reader.wait(timeout=60)
        call.join()
    assert status == 0
