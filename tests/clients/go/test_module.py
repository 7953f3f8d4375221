"""The Go module as others use it: from an empty module of theirs, and every name explained."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.clients.go.conftest import MODULE, TIMEOUT_S, go
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script

NAME = "github.com/vertebra/vertebra/clients/go"
THEIRS = f"""module example.test/theirs

go 1.26.0

require {NAME} v0.0.0

replace {NAME} => {MODULE}
"""

EXPORTED = re.compile(
    r"^(?:func (?:\(\w+ \*?[A-Z][^)]*\) )?|type |var |const )([A-Z]\w*)", re.MULTILINE
)
"""Functions, methods of exported types, types and values at the top of a file."""


def test_the_readme_runs_in_an_empty_module(tmp_path: Path):
    (block,) = re.findall(r"```go\n(.*?)```", (MODULE / "README.md").read_text(), re.DOTALL)
    (tmp_path / "go.mod").write_text(THEIRS)
    (tmp_path / "main.go").write_text(block)
    (tmp_path / "backbone.safetensors").write_bytes(b"tensors")
    shutil.copy(MODULE / "go.sum", tmp_path)
    catalog = FakeCatalog()
    trainer = FakeTrainer(script=training_script())
    with running_server(catalog.add_to) as first, running_server(trainer.add_to) as second:
        done = go(
            *("run", "-mod=mod", "."),
            folder=tmp_path,
            VERTEBRA_CATALOG_ADDRESS=first,
            VERTEBRA_TRAINER_ADDRESS=second,
        )

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert set(lines[:-1]) == {"epoch 0", "epoch 1", "epoch 2"}
    assert lines[-1] == "checkpoints/mine"


def test_the_readmes_go_is_formatted():
    (block,) = re.findall(r"```go\n(.*?)```", (MODULE / "README.md").read_text(), re.DOTALL)

    told = subprocess.run(
        ["gofmt"], input=block, capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )

    assert told.stdout == block


def test_every_exported_name_says_what_it_is():
    silent = []
    for path in (MODULE / "vertebra").glob("*.go"):
        if path.name.endswith("_test.go"):
            continue
        text = path.read_text()
        for found in EXPORTED.finditer(text):
            before = text[: found.start()].rstrip("\n").splitlines()
            if not before or not before[-1].startswith("//"):
                silent.append(f"{path.name}: {found[1]}")

    assert silent == []


def test_go_vet_has_nothing_to_say():
    done = go("vet", "./...")

    assert (done.returncode, done.stderr) == (0, "")
