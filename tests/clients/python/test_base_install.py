"""The base install is a client by itself: from the wheel, without torch, at both ends of its range.

Each environment is made by uv from the usual package index, whose files uv keeps in its cache.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import uv

from tests.fakes.fake_catalog import ROWS, FakeCatalog
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script

REPOSITORY = Path(__file__).resolve().parents[3]

FLOOR = ("--resolution", "lowest-direct")
"""The oldest release of every direct dependency that pyproject.toml allows."""

NEWEST = ("--resolution", "highest")

IMPORT_ALL_STUBS = """
import importlib, pathlib, vertebra
root = pathlib.Path(vertebra.__file__).parent
names = sorted(
    '.'.join(('vertebra', *path.relative_to(root).with_suffix('').parts))
    for path in root.glob('*/v1/*_pb2*.py')
)
for name in names:
    importlib.import_module(name)
import vertebra.catalog_client, vertebra.trainer_client, vertebra.blob_client
print(len(names))
"""

VERSIONS = """
import json
from importlib.metadata import distributions
print(json.dumps({one.metadata['Name'].lower(): one.version for one in distributions()}))
"""


def run(*command: str | Path, **variables: str) -> str:
    """Return what a command prints; its complaint is the assertion's."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment() | variables,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Return the environment without this checkout, with pip's index for uv if the site has one."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV") and not name.startswith("VERTEBRA_")
    }
    if index := os.environ.get("PIP_INDEX_URL"):
        environment.setdefault("UV_DEFAULT_INDEX", index)
    return environment


def base_dependencies() -> list[str]:
    """Return pyproject's own list: named directly, they can be resolved to their floors."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    dependencies: list[str] = project["dependencies"]
    return dependencies


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module", params=[FLOOR, NEWEST], ids=["floor", "newest"])
def installed(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The `bin` of an environment that holds the wheel and its base dependencies alone."""
    environment = tmp_path_factory.mktemp("base") / "venv"
    program, python = uv.find_uv_bin(), environment / "bin" / "python"
    run(program, "venv", "--quiet", "--python", sys.executable, environment)
    install = (program, "pip", "install", "--quiet", "--python", python)
    run(*install, *request.param, wheel, *base_dependencies())
    return environment / "bin"


def test_help_is_shown(installed: Path) -> None:
    assert "Exit codes:" in run(installed / "vertebra", "--help")


def test_all_stubs_and_clients_are_importable(installed: Path) -> None:
    assert int(run(installed / "python", "-c", IMPORT_ALL_STUBS)) >= 18


def test_models_are_listed(installed: Path) -> None:
    with running_server(FakeCatalog().add_to) as address:
        told = run(
            installed / "vertebra", "--json", "models", "ls", VERTEBRA_CATALOG_ADDRESS=address
        )
        table = run(installed / "vertebra", "models", "ls", VERTEBRA_CATALOG_ADDRESS=address)

    assert [row["architecture_id"] for row in json.loads(told)["architectures"]] == [
        row[0] for row in ROWS
    ]
    assert "resnet50" in table


def test_a_model_is_described(installed: Path) -> None:
    """With every kind of option: click reads them differently from release to release."""
    options = ("--classes", "cat,dog", "--hidden", "8", "--multilabel", "--no-pretrained")
    with running_server(FakeCatalog().add_to) as address:
        told = run(
            *(installed / "vertebra", "models", "describe", "resnet18", *options),
            *("--remove", "layer4", "--size", "32", "--layers"),
            VERTEBRA_CATALOG_ADDRESS=address,
        )

    assert "classification of 2 classes: cat, dog" in told
    assert "LAYER" in told


def test_the_services_are_named_as_missing(installed: Path) -> None:
    done = subprocess.run(
        [installed / "vertebra", "up"],
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
    )

    assert done.returncode == 4
    assert "pip install 'vertebra[trainer]'" in done.stderr
    assert "torch" in done.stderr


def test_a_training_is_watched(installed: Path) -> None:
    with running_server(FakeTrainer(script=training_script()).add_to) as address:
        told = run(
            *(installed / "vertebra", "train", "--trainer", address),
            *("--backbone", "resnet18", "--digits", "--epochs", "2"),
        )

    assert "5.1 k parameters train" in told
    assert "epoch 2/2" in told and "validation loss 0.3000" in told


def test_the_floor_is_the_floor_and_torch_is_nowhere(
    installed: Path, request: pytest.FixtureRequest
) -> None:
    versions = json.loads(run(installed / "python", "-c", VERSIONS))

    is_floor = request.node.callspec.params["installed"] is FLOOR
    assert versions["protobuf"].startswith("6.31.") is is_floor
    assert versions["grpcio"].startswith("1.78.") is is_floor
    assert "torch" not in versions
