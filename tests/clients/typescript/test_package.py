"""The npm package as others use it: packed, unpacked in an empty project, compiled, run, bundled.

Its dependencies are linked from the clients' own, so nothing is downloaded.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.clients.typescript.node_suite import CLIENTS, PACKAGE, node, node_path
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script

TIMEOUT_S = 240
MODULES = CLIENTS / "node_modules"
README = (PACKAGE / "README.md").read_text()
FROM_NODE, REGISTERING, FROM_BROWSER = re.findall(r"```ts\n(.*?)```", README, re.DOTALL)

NODE_OPTIONS = {
    "target": "es2023",
    "module": "nodenext",
    "strict": True,
    "skipLibCheck": False,
    "types": ["node"],
    "outDir": "out",
}
BROWSER_OPTIONS = {
    "target": "es2023",
    "module": "esnext",
    "moduleResolution": "bundler",
    "lib": ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    "strict": True,
    "skipLibCheck": False,
    "types": [],
    "noEmit": True,
}


def told_by(*command: str | Path, folder: Path, **variables: str) -> str:
    """Return what a program prints that must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PATH": node_path(), **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tarball, made in a copy: others read what is built here."""
    node()
    copy = tmp_path_factory.mktemp("package")
    left_out = shutil.ignore_patterns("dist", "build", "node_modules")
    shutil.copytree(PACKAGE, copy, ignore=left_out, dirs_exist_ok=True)
    (copy / "node_modules").symlink_to(MODULES)
    told_by(MODULES / ".bin" / "tsc", "-p", "tsconfig.json", folder=copy)
    (made,) = json.loads(told_by("npm", "pack", "--json", "--ignore-scripts", folder=copy))
    tarball: Path = copy / made["filename"]
    return tarball


@pytest.fixture(scope="module")
def project(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project in which the package is installed."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"type": "module"}')
    target = folder / "node_modules" / "@vertebra" / "client"
    with tarfile.open(packed) as tarball:
        tarball.extractall(folder, filter="data")
    target.parent.mkdir(parents=True)
    (folder / "package").rename(target)
    for name in [*manifest()["dependencies"], "@types/node", "undici-types"]:
        link = folder / "node_modules" / name
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(MODULES / name)
    return folder


def manifest() -> dict[str, dict[str, str]]:
    """Return package.json."""
    found: dict[str, dict[str, str]] = json.loads((PACKAGE / "package.json").read_text())
    return found


def compiled(project: Path, source: str, options: dict[str, object], name: str) -> Path:
    """Return what TypeScript makes of a source under these options, in a folder of its own."""
    folder = project / name
    folder.mkdir()
    (folder / "main.ts").write_text(source)
    config = {"compilerOptions": options, "files": ["main.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    told_by(MODULES / ".bin" / "tsc", "-p", "tsconfig.json", folder=folder)
    return folder


def test_the_tarball_has_code_types_sources_and_the_readme_and_no_tests(packed: Path):
    with tarfile.open(packed) as tarball:
        names = {name.removeprefix("package/") for name in tarball.getnames()}

    assert {"README.md", "package.json", "dist/index.js", "src/index.ts"} <= names
    assert {name.split("/")[0] for name in names} == {"README.md", "package.json", "dist", "src"}
    assert {name.removesuffix(".js") + ".d.ts" for name in names if name.endswith(".js")} <= names


def test_everything_that_is_imported_is_a_dependency(project: Path):
    installed = project / "node_modules" / "@vertebra" / "client" / "dist"
    sources = [path.read_text() for path in installed.rglob("*.js")]
    imported = {name for text in sources for name in re.findall(r'from "([^."][^"]*)"', text)}
    packages = {"/".join(name.split("/")[: 1 + name.startswith("@")]) for name in imported}

    assert {name for name in packages if not name.startswith("node:")} == set(
        manifest()["dependencies"]
    )


def test_the_readme_trains_fetches_and_registers_from_node(project: Path):
    """Compiled strictly, the libraries' own types checked as well."""
    training = compiled(project, FROM_NODE, NODE_OPTIONS, "training")
    registering = compiled(project, REGISTERING, NODE_OPTIONS, "registering")
    (registering / "backbone.safetensors").write_bytes(b"tensors")
    catalog, trainer = FakeCatalog(), FakeTrainer(script=training_script())
    with running_server(catalog.add_to) as first, running_server(trainer.add_to) as second:
        where = {"VERTEBRA_CATALOG_ADDRESS": first, "VERTEBRA_TRAINER_ADDRESS": second}
        trained = told_by(node(), "out/main.js", folder=training, **where)
        registered = told_by(node(), "out/main.js", folder=registering, **where)

    lines = trained.splitlines()
    assert lines[0] == "resnet18"
    assert "epoch 2" in lines
    assert lines[-1] == "SUCCEEDED"
    assert registered == "checkpoints/mine\n"


def test_the_readme_is_bundled_for_a_browser_without_a_module_of_node(project: Path):
    folder = compiled(project, FROM_BROWSER, BROWSER_OPTIONS, "page")

    options = ["--bundle", "--platform=browser", "--format=esm", "--outfile=page.js"]
    told_by(MODULES / ".bin" / "esbuild", "main.ts", *options, folder=folder)

    assert not re.findall(r'["\']node:', (folder / "page.js").read_text())


def test_what_is_not_exported_cannot_be_imported(project: Path):
    program = (
        'await import("@vertebra/client/dist/index.js").then('
        "() => { throw new Error('imported') }, ({ code }) => console.log(code))"
    )

    told = told_by(node(), "--input-type=module", "--eval", program, folder=project)

    assert told == "ERR_PACKAGE_PATH_NOT_EXPORTED\n"


def test_every_export_can_be_imported(project: Path):
    names = ["", "/node", "/web", *(f"/v1/{name.stem}" for name in (PACKAGE / "src/v1").glob("*"))]
    lines = [f'import * as m{at} from "@vertebra/client{name}";' for at, name in enumerate(names)]
    counts = [f"Object.keys(m{at}).length > 0" for at in range(len(names))]
    program = "\n".join([*lines, f"console.log({' && '.join(counts)})"])

    assert told_by(node(), "--input-type=module", "--eval", program, folder=project) == "true\n"
