"""What the deploy page shows of images, Compose, the chart and traces: of what cannot run here
(`docker`) everything that it names exists. The other blocks have their own tests
(tests/rules/test_readme.py names them).
"""

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests import pages
from tests.fakes.charts import ROOT
from tests.fakes.dockerfile import IMAGES, stages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHART = ROOT / "deploy/helm/vertebra"
COMPOSE = ROOT / "deploy/compose"

EXTRA = re.compile(r"pip install \"\.\[([\w,]+)\]\"")
EXTRAS = {found for page in pages.PAGES for found in EXTRA.findall(pages.text(page))}


def shell_block(section: str, start: str) -> str:
    """Return the shell block of a section that starts with these words."""
    (body,) = [text for text in pages.shown(section, "sh") if text.startswith(start)]
    return body


def words_of(section: str, start: str) -> list[list[str]]:
    """Return the words of the lines of such a block, without comments."""
    lines = shell_block(section, start).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_images_are_built_from_files_that_there_are_under_the_names_that_are_run():
    """Docker is not here: file, context, name and version, as Compose and the chart want them."""
    services = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    built = []
    for words in words_of("In a cluster", "docker build"):
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
    (name,) = re.findall(r"--build-arg (\w+)=", pages.section("In a cluster"))
    given = [one.value for one in stages("catalog")[0].instructions if one.keyword == "ARG"]

    assert f'{name}=""' in given


def test_composes_lines_are_those_of_its_file_and_leave_no_secret_in_version_control():
    """Its heading has the same lines, and the password is said where it is looked for."""
    heading = (COMPOSE / "compose.yaml").read_text().partition("\nname:")[0]
    password, up = shell_block("In a cluster", "mkdir -m 700 deploy/compose").splitlines()
    written = password.rpartition("> ")[2]
    named = [word for word in shlex.split(up) if word.endswith(".yaml")]
    ignored = subprocess.run(["git", "check-ignore", "--quiet", written], cwd=ROOT, check=False)

    for line in (password, up):
        assert f"#   {line}\n" in heading
    compose = yaml.safe_load((ROOT / named[0]).read_text())
    assert Path(written) == Path(named[0]).parent / compose["secrets"]["database"]["file"]
    assert all((ROOT / name).exists() for name in named)
    assert ignored.returncode == 0


def test_the_chart_is_installed_as_it_is_rendered(chart):
    """By Helm's own code; the names are those of the release that is shown."""
    ((_, install, release, folder, *flags),) = words_of("In a cluster", "helm install")
    (shown,) = pages.shown("In a cluster", "yaml")
    values = yaml.safe_load(shown)
    names = {one["metadata"]["name"] for one in chart.documents(values)}

    assert install == "install"
    assert (ROOT / folder).resolve() == CHART
    assert flags == ["--namespace", "ml", "--values", "values.yaml"]
    assert {f"{release}-vertebra-{image}" for image in IMAGES} <= names


def test_what_is_installed_for_traces_exists_and_is_told_by_the_standards_variable():
    """tests/end_to_end/test_traces.py sends to a collector by the same one."""
    pip, export = words_of("Metrics and traces", "pip install")
    traced = (ROOT / "tests/end_to_end/test_traces.py").read_text()

    assert pip[:2] == ["pip", "install"]
    assert f'"{export[1].partition("=")[0]}": collector.url' in traced


@pytest.mark.parametrize("requirement", sorted(EXTRAS))
def test_extras_that_are_shown_exist(requirement):
    """pip only warns of one that it does not know."""
    assert set(requirement.split(",")) <= PROJECT["optional-dependencies"].keys()
