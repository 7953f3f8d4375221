"""Runs a file of node's own tests, and says of each what became of it.

A file is bundled from the client's sources first: no step in between can be stale.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = ROOT / "clients"
PACKAGE = CLIENTS / "typescript"
TEST_TIMEOUT_S = 240
"""Of a file and of each test in it: node knows one number for both."""
TIMEOUT_S = 270

Outcomes = Mapping[str, str]
"""Name of a test -> what went wrong, empty where nothing did."""


@cache
def node() -> str:
    """Return the program; skips where there is none, or packages are not installed."""
    found = shutil.which("node", path=node_path())
    if found is None or not (CLIENTS / "node_modules" / ".installed").exists():
        pytest.skip("no Node 20.19 with the clients' packages: deploy/node.sh installs them")
    return found


def node_path() -> str:
    """Return a search path with the Node that deploy/node.sh made, where it made one."""
    return f"{ROOT / '.venv-node' / 'bin'}{os.pathsep}{os.environ['PATH']}"


def bundle(source: Path, target: Path) -> Path:
    """Return `target`: `source` and what it imports of ours in one file, for Node."""
    esbuild = CLIENTS / "node_modules" / ".bin" / "esbuild"
    target.parent.mkdir(parents=True, exist_ok=True)
    options = ["--bundle", "--platform=node", "--format=esm", "--packages=external"]
    command = [str(esbuild), str(source), *options, f"--outfile={target}", "--log-level=warning"]
    subprocess.run(command, cwd=PACKAGE, env={**os.environ, "PATH": node_path()}, check=True)
    return target


def run_suite(name: str, given: Mapping[str, Any], folder: Path) -> Outcomes:
    """Run `clients/typescript/test/<name>.test.ts`.

    Args:
        given: what the tests are told.
        folder: for what the run writes.
    """
    # Below the package, so that node finds what it imports.
    program = bundle(PACKAGE / "test" / f"{name}.test.ts", PACKAGE / "build" / f"{name}.test.mjs")
    told, report = folder / "given.json", folder / "report.xml"
    told.write_text(json.dumps(given))
    options = ["--test-reporter=junit", f"--test-reporter-destination={report}"]
    options.append(f"--test-timeout={TEST_TIMEOUT_S * 1000}")
    run = subprocess.run(
        [node(), "--test", *options, str(program)],
        env={**os.environ, "VERTEBRA_TEST_GIVEN": str(told)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert report.exists(), run.stdout + run.stderr
    return outcomes(report)


def outcomes(report: Path) -> Outcomes:
    """Return what a report in JUnit's format says of each test."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        wrong = case.find("failure")
        if wrong is None:
            wrong = case.find("error")
        found[case.attrib["name"]] = "" if wrong is None else wrong.text or "failed"
    return found


LOOP = re.compile(
    r"^for \(const \[?(\w+)[^=]*? of (\[.*?\])(?: as const)?\) \{(.*?)^}", re.MULTILINE | re.DOTALL
)
"""A loop over literals at the top of a file: its first variable, the literals, what is in it."""

ROW = re.compile(r'^  \["(.*?)"', re.MULTILINE)


def names_in(name: str) -> list[str]:
    """Return the names of a file's tests; one in a loop is written out for each of its values."""
    text = (PACKAGE / "test" / f"{name}.test.ts").read_text()
    looped = [
        pattern.replace("${" + variable + "}", value)
        for variable, values, body in LOOP.findall(text)
        for pattern in re.findall(r"^  test\(`(.+?)`", body, re.MULTILINE)
        for value in ROW.findall(values) or re.findall(r'"(.*?)"', values)
    ]
    return re.findall(r'^test\("(.+?)"', text, re.MULTILINE) + looped
