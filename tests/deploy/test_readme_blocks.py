"""What the README shows of images, Compose, the chart and traces, and how each block is shown to be
true: some tests run it, and of what cannot run here (`docker`) everything that it names exists.

Console blocks are run by tests/end_to_end/test_readme.py. The trace is compared with a real one by
tests/end_to_end/test_traces.py, the chart's values and refusal by test_chart.py.
"""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.fakes.charts import ROOT
from tests.fakes.dockerfile import IMAGES, stages

README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHART = ROOT / "deploy/helm/vertebra"
COMPOSE = ROOT / "deploy/compose"

SHOWN_BY = {
    "Metrics and traces": {
        ("console", "$ curl"): "tests/end_to_end/test_readme.py",
        ("sh", "pip install"): "here",
        ("text", "vertebra-cli: vertebra"): "tests/end_to_end/test_traces.py",
    },
    "In a cluster": {
        ("sh", "docker build"): "here",
        ("sh", "echo DATABASE_PASSWORD"): "here",
        ("sh", "helm install"): "here",
        ("yaml", "mesh: istio"): "tests/deploy/test_chart.py",
        ("text", "trainer: several"): "tests/deploy/test_chart.py",
    },
}
"""Blocks by section, kind and first words, and what runs or checks each."""


def blocks(section: str) -> dict[tuple[str, str], str]:
    """Return the blocks of a section by kind and first two words."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    return {(kind, " ".join(re.findall(r"[^\s\"=]+", body)[:2])): body for kind, body in found}


def block(section: str, *key: str) -> list[list[str]]:
    """Return the words of the lines of one block, without comments."""
    (body,) = [text for found, text in blocks(section).items() if found == key]
    return [words for line in body.splitlines() if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("section", SHOWN_BY)
def test_every_block_is_run_or_checked_by_somebody(section):
    """A new one needs a row, and a test behind it."""
    assert blocks(section).keys() == SHOWN_BY[section].keys()
    for where in set(SHOWN_BY[section].values()) - {"here"}:
        assert (ROOT / where).exists()


def test_images_are_built_from_files_that_there_are_under_the_names_that_are_run():
    """Docker is not here: file, context, name and version, as Compose and the chart want them."""
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    built = []
    for words in block("In a cluster", "sh", "docker build"):
        docker, build, _, file, _, tag, context = words
        built.append(tag.removeprefix("vertebra-").removesuffix(f":{version}"))

        assert (docker, build, context) == ("docker", "build", ".")
        assert (ROOT / file).name == f"{built[-1]}.Dockerfile"
        assert (ROOT / file).exists()
        assert services[built[-1]]["image"] == tag
    assert sorted(built) == sorted(IMAGES)
    assert version == PROJECT["version"]


def test_a_build_argument_is_one_of_the_image_that_it_is_said_of():
    """Docker only warns of one that it does not know."""
    (name,) = re.findall(r"--build-arg (\w+)=", README)
    given = [one.value for one in stages("catalog")[0].instructions if one.keyword == "ARG"]

    assert f'{name}=""' in given


def test_composes_lines_are_those_of_its_file_and_leave_no_secret_in_version_control():
    """Its heading has the same lines, and the password is said where it is looked for."""
    heading = (COMPOSE / "compose.yaml").read_text().partition("\nname:")[0]
    (body,) = [text for key, text in blocks("In a cluster").items() if key[1].startswith("echo")]
    password, up = body.splitlines()
    written = password.rpartition("> ")[2]
    named = [word for word in shlex.split(up) if word.endswith(".yaml")]
    ignored = subprocess.run(["git", "check-ignore", "--quiet", written], cwd=ROOT, check=False)

    for line in (password, up):
        assert f"#   {line}\n" in heading
    assert Path(written) == Path(named[0]).with_name(".env")
    assert all((ROOT / name).exists() for name in named)
    assert ignored.returncode == 0


def test_the_chart_is_installed_as_it_is_rendered(chart):
    """By Helm's own code; the names are those of the release that is shown."""
    ((_, install, release, folder, *flags),) = block("In a cluster", "sh", "helm install")
    values = yaml.safe_load(blocks("In a cluster")["yaml", "mesh: istio"])
    names = {one["metadata"]["name"] for one in chart.documents(values)}

    assert install == "install"
    assert (ROOT / folder).resolve() == CHART
    assert flags == ["--namespace", "ml", "--values", "values.yaml"]
    assert {f"{release}-vertebra-{image}" for image in IMAGES} <= names


def test_what_is_installed_for_traces_exists_and_is_told_by_the_standards_variable():
    """tests/end_to_end/test_traces.py sends to a collector by the same one."""
    pip, export = block("Metrics and traces", "sh", "pip install")
    traced = (ROOT / "tests/end_to_end/test_traces.py").read_text()

    assert pip[:2] == ["pip", "install"]
    assert f'"{export[1].partition("=")[0]}": collector.url' in traced


@pytest.mark.parametrize("requirement", sorted(set(re.findall(r"vertebra\[([\w,]+)\]", README))))
def test_extras_that_are_shown_exist(requirement):
    """pip only warns of one that it does not know."""
    assert set(requirement.split(",")) <= PROJECT["optional-dependencies"].keys()
