"""Builds an image without Docker, and runs it: every stage is a layer over this machine's own
files, which stand in for the base images.

Needs root and overlay file systems. Steps that would fetch gigabytes can be replaced; which were is
part of what is returned, for tests to say so.
"""

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.dockerfile import ROOT, Instruction, Stage, stages

SITE_PACKAGES = Path(sys.prefix) / f"lib/python3.{sys.version_info.minor}/site-packages"
DEPENDENCIES = "/opt/vertebra/dependencies"
"""Where what is installed for the tests is found inside, in place of an installation."""
BASE_PATH = f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"
USER = 10001

StandIns = Mapping[str, str]
"""Pattern of a RUN -> what is run in its place."""

LIGHT: StandIns = {
    r"python3 -m venv tools .*": f"ln -s {sys.prefix} tools",
    r"\./install\.sh \w+\.lock /opt/vertebra": (
        "python3 -m venv --without-pip /opt/vertebra && "
        f"for folder in /opt/vertebra/lib/python3*/site-packages; do "
        f"echo {DEPENDENCIES} > $folder/dependencies.pth; done && mkdir {DEPENDENCIES}"
    ),
    r"npm ci .*": "mkdir -p /build/console_files && echo console > /build/console_files/index.html",
}
"""Downloads nothing: what is installed here already is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What was built; it is mounted while the builder's block lasts."""

    root: Path
    stage: Stage
    replaced: list[str] = field(default_factory=list)

    def command(
        self, arguments: Sequence[str], volume: Path, environment: Mapping[str, str]
    ) -> list[str]:
        """Return a command line that runs the image as its user, on a tree that nobody can write,
        with /tmp and the service's folder as the only exceptions. The checkout is not there.
        """
        root = shlex.quote(str(self.root))
        all_environment = {**self.stage.environment, **environment}
        program = shlex.join([*self.stage.last("ENTRYPOINT").words, *arguments])
        variables = shlex.join(f"{name}={value}" for name, value in all_environment.items())
        folder = self.stage.last("WORKDIR").value
        script = f"""
            mount -t tmpfs tmpfs {root}{ROOT}
            mount -t tmpfs tmpfs {root}/tmp
            [ ! -d {root}/var/lib/vertebra ] ||
                mount --bind {shlex.quote(str(volume))} {root}/var/lib/vertebra
            [ ! -d {root}{DEPENDENCIES} ] || mount --bind {SITE_PACKAGES} {root}{DEPENDENCIES}
            mount -o remount,ro {root}
            mount --rbind /proc {root}/proc
            mount --rbind /dev {root}/dev
            cd {root}
            exec chroot --userspec={USER}:{USER} --groups= . env -i {variables} \\
                sh -c {shlex.quote(f"cd {folder} && exec {program}")}
        """
        return ["unshare", "--mount", "sh", "-euc", script]


@functools.cache
def images_can_be_built() -> bool:
    """Return whether layers can be mounted here."""
    if os.getuid() != 0 or sys.platform != "linux":
        return False
    script = (
        "cd $(mktemp -d) && mkdir u w m && mount -t overlay o -o lowerdir=/,upperdir=u,workdir=w m"
    )
    done = subprocess.run(["unshare", "--mount", "sh", "-ec", script], capture_output=True)
    return done.returncode == 0


@contextmanager
def built_image(name: str, folder: Path, stand_ins: StandIns) -> Iterator[Image]:
    """Yield an image whose steps have all been run, or replaced.

    Args:
        folder: empty; what was built lies in it until it is deleted.
    """
    mounted: list[Path] = []
    roots: dict[str, Path] = {}
    replaced: list[str] = []
    try:
        for number, stage in enumerate(stages(name)):
            root = _mount(folder / str(number), roots.get(stage.base))
            mounted.append(root)
            roots[stage.name] = root
            _run_steps(stage, root, roots, stand_ins, replaced)
        yield Image(root=root, stage=stage, replaced=replaced)
    finally:
        for root in reversed(mounted):
            subprocess.run(["umount", "--recursive", "--lazy", str(root)], check=False)


def _mount(folder: Path, below: Path | None) -> Path:
    """Mount a new layer; return where. What is written in it lies in `folder`."""
    assert below is None, "our stages begin at base images"
    for name in ("written", "work", "root"):
        (folder / name).mkdir(parents=True)
    layers = f"lowerdir=/,upperdir={folder / 'written'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "o", "-o", layers, folder / "root"], check=True)
    root = folder / "root"
    # Python may be below root's own folder, which a base image's is not.
    (root / "root").chmod(0o755)
    return root


def _run_steps(
    stage: Stage,
    root: Path,
    roots: Mapping[str, Path],
    stand_ins: StandIns,
    replaced: list[str],
) -> None:
    folder, environment = "/", {"PATH": BASE_PATH}
    for one in stage.instructions:
        if one.keyword == "WORKDIR":
            folder = one.value
            (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif one.keyword == "ENV":
            environment |= dict(pair.split("=", 1) for pair in one.words)
        elif one.keyword == "COPY":
            _copy(one, root, folder, roots)
        elif one.keyword == "RUN":
            command = _stand_in(one.value, stand_ins)
            if command != one.value:
                replaced.append(one.value)
            _run(command, root, folder, environment)


def _stand_in(command: str, stand_ins: StandIns) -> str:
    for pattern, other in stand_ins.items():
        if re.fullmatch(pattern, command):
            return other
    return command


def _copy(one: Instruction, root: Path, folder: str, roots: Mapping[str, Path]) -> None:
    *sources, target = one.words
    context = roots[one.flags["from"]] if "from" in one.flags else ROOT
    ignored = [] if "from" in one.flags else [f"--exclude={name}" for name in _ignored()]
    place = root / os.path.normpath(os.path.join(folder, target)).lstrip("/")  # noqa: PTH118
    for source in sources:
        path = context / source.lstrip("/")
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            packed = subprocess.run(
                ["tar", "-C", path, *ignored, "-cf", "-", "."], capture_output=True, check=True
            )
            subprocess.run(["tar", "-C", place, "-xf", "-"], input=packed.stdout, check=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", path, place], check=True)


def _ignored() -> list[str]:
    """Return names that .dockerignore leaves out wherever they are, or at the end of a path."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.rpartition("/")[2] for line in lines if "/" in line and line[0] != "!"]


def _run(command: str, root: Path, folder: str, environment: Mapping[str, str]) -> None:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "UV_", "NPM_", "npm_", "SSL_")) or name.endswith("_proxy")
    }
    variables = shlex.join(f"{name}={value}" for name, value in {**passed, **environment}.items())
    inside = shlex.quote(f"cd {folder} && {command}")
    script = f"""
        mount --rbind /proc {root}/proc
        mount --rbind /dev {root}/dev
        exec chroot {root} env -i HOME=/root {variables} sh -euc {inside}
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
