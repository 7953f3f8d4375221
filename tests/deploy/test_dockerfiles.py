"""What is said of a good Dockerfile, of each of ours, by reading it."""

import fnmatch
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from catalog_service.serving.settings_reader import read_settings
from catalog_service.settings import CatalogSettings
from tests.fakes.dockerfile import IMAGES, ROOT, dockerfile, entrypoint, stages
from trainer_service.settings import TrainerSettings
from vertebra.gateway.config import GATEWAY_PORT

every_image = pytest.mark.parametrize("image", IMAGES)
SETTINGS = {"catalog": CatalogSettings, "trainer": TrainerSettings}
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def pins(lock: str) -> set[tuple[str, str]]:
    """Return what a lock file names, with versions."""
    return set(PIN.findall((ROOT / f"deploy/{lock}.lock").read_text()))


@every_image
def test_a_base_image_is_pinned_and_small(image):
    """`latest` is another one tomorrow; a full one has compilers."""
    for stage in stages(image):
        assert re.fullmatch(r"(python:3\.\d+-slim-\w+|node:\d+-slim)", stage.base)


@every_image
def test_what_is_shipped_runs_as_nobody_in_particular(image):
    """By number: Kubernetes cannot know that a name is not root's."""
    shipped = stages(image)[-1]

    assert shipped.last("USER").value == "10001:10001"
    assert [one.keyword for one in shipped.instructions][-4:].count("RUN") == 0


@every_image
def test_programs_are_started_without_a_shell(image):
    """A shell would be process 1, and would keep signals to itself."""
    shipped = stages(image)[-1]

    assert shipped.last("ENTRYPOINT").value.startswith("[")
    assert entrypoint(image)[:2] == ["python", "-m"]


@every_image
def test_nothing_is_installed_that_is_not_pinned_by_hash(image):
    """And no cache, no package manager of the system, nothing from a URL."""
    for stage in stages(image):
        assert not [one for one in stage.instructions if one.keyword == "ADD"]
        runs = " ".join(one.value for one in stage.instructions if one.keyword == "RUN")
        assert not re.search(r"curl|wget|apt-get|sudo|https?://", runs)
        assert runs.count("pip install") == runs.count("--require-hashes")
        assert runs.count("pip install") == runs.count("--no-cache-dir")


@every_image
def test_the_last_stage_copies_one_environment_and_no_sources(image):
    """What builds stays in the stage that builds."""
    copies = [one for one in stages(image)[-1].instructions if one.keyword == "COPY"]

    assert [(one.flags, one.value) for one in copies] == [
        ({"from": "build"}, "/opt/vertebra /opt/vertebra")
    ]


@every_image
def test_what_is_copied_is_under_version_control_and_not_ignored(image):
    """Docker is given what .dockerignore leaves; a clean checkout has what git has."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    for stage in stages(image):
        for one in stage.instructions:
            if one.keyword != "COPY" or "from" in one.flags:
                continue
            for source in one.words[:-1]:
                files = [name for name in tracked.stdout.split() if is_below(name, source)]
                assert files, source
                assert any(fnmatch.fnmatch(source, f"{open_}*") for open_ in let_in), source


def is_below(name: str, source: str) -> bool:
    """Return whether a file is `source` or in it."""
    return name == source or name.startswith(f"{source}/")


@pytest.mark.parametrize("image", SETTINGS)
def test_settings_of_an_image_are_real_and_its_ports_those_that_it_listens_on(image, monkeypatch):
    """Said to the very class that reads them."""
    shipped = stages(image)[-1]
    for name, value in shipped.environment.items():
        if name != "HOME":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"VERTEBRA_{image.upper()}_PLAINTEXT", "1")
    settings = read_settings(SETTINGS[image])
    ports = {int(port) for port in shipped.last("EXPOSE").words}

    assert ports == {settings.listen.port, settings.admin_listen.port}
    assert settings.home == Path("/var/lib/vertebra")


@pytest.mark.parametrize("image", SETTINGS)
@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, False)])
def test_health_is_asked_where_the_admin_port_was_put(image, status, is_well):
    """The image's own words are run, with the variable that a site has changed."""

    class Live(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    _, _, words = stages(image)[-1].last("HEALTHCHECK").value.partition("CMD ")
    with http.server.HTTPServer(("127.0.0.1", 0), Live) as admin:
        threading.Thread(target=admin.serve_forever, daemon=True).start()
        place = {f"VERTEBRA_{image.upper()}_ADMIN_LISTEN": f"0.0.0.0:{admin.server_port}"}
        command = [sys.executable, *json.loads(words)[1:]]
        done = subprocess.run(command, env=os.environ | place, capture_output=True)
        admin.shutdown()

    assert (done.returncode == 0) is is_well


def test_the_gateways_port_is_the_one_that_is_known():
    """Clients have it as their default."""
    assert stages("gateway")[-1].last("EXPOSE").value == str(GATEWAY_PORT)


@every_image
def test_memory_that_comes_and_goes_is_kept_where_bytes_are_moved(image):
    """glibc otherwise returns each megabyte to the kernel and asks for it again."""
    kept = stages(image)[-1].environment.get("MALLOC_TOP_PAD_")

    assert (kept == str(64 << 20)) == (image in SETTINGS)


@every_image
def test_an_image_has_the_versions_that_are_tested(image):
    """Its lock file is a part of the one that the tests are run with."""
    assert pins(image) <= pins("requirements")


def test_torch_without_cuda_is_the_same_torch():
    """What the installer leaves out for TORCH_INDEX is CUDA's and torch's, and nothing else."""
    script = (ROOT / "deploy/docker/install.sh").read_text()
    found = re.search(r"awk '(.+?)'", script, re.DOTALL)
    assert found is not None
    kept = subprocess.run(
        ["awk", found[1], ROOT / "deploy/catalog.lock"], capture_output=True, text=True, check=True
    ).stdout
    left_out = {name for name, _ in pins("catalog")} - {name for name, _ in PIN.findall(kept)}

    assert {"torch", "torchvision", "triton", "nvidia-cublas", "cuda-toolkit"} <= left_out
    assert all(re.match(r"torch|triton|nvidia-|cuda-", name) for name in left_out)
    assert "torch==" not in kept


@every_image
def test_no_secret_is_baked_in(image):
    """Build arguments and variables stay readable in an image for ever."""
    text = dockerfile(image).read_text()

    assert not re.search(r"(ARG|ENV) \S*(TOKEN|SECRET|PASSWORD|KEY)", text, re.IGNORECASE)
