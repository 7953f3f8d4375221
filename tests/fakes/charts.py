"""The chart as Helm renders it, asked through a child that has Helm."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-charts/bin/python"
PROGRAM = Path(__file__).with_name("chart_program.py")

Document = dict[str, Any]


class ChartRefused(Exception):
    """The chart does not render these values, and says why."""


class Charts:
    """Renders, lints and validates."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self._rendered: dict[str, Document] = {}

    def text(self, values: Document, name: str = "studio") -> str:
        """Return all manifests of a release.

        Raises:
            ChartRefused: values that contradict each other or the schema.
        """
        answer = self._render(values, name)
        if "refused" in answer:
            raise ChartRefused(answer["refused"])
        text: str = answer["rendered"]
        return text

    def notes(self, values: Document) -> str:
        """Return what Helm prints after an installation."""
        text: str = self._render(values)["notes"]
        return text

    def documents(self, values: Document, name: str = "studio") -> list[Document]:
        """Return all manifests as data."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is
        return [one for one in yaml.load_all(self.text(values, name), Loader=loader) if one]

    def lint(self, values: Document) -> list[str]:
        """Return what `helm lint --strict` complains of."""
        return self._ask({"lint": values})["problems"]

    def problems(self, documents: list[Document]) -> list[str]:
        """Return what the schemas of Kubernetes and of the meshes complain of."""
        return self._ask({"validate": documents})["problems"]

    def _render(self, values: Document, name: str = "studio") -> Document:
        key = json.dumps([name, values], sort_keys=True)
        if key not in self._rendered:
            self._rendered[key] = self._ask({"render": values, "name": name})
        return self._rendered[key]

    def _ask(self, question: Document) -> Document:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        answer: Document = json.loads(self._child.stdout.readline())
        return answer


@contextmanager
def charts() -> Iterator[Charts]:
    """Yield the chart; the child ends with the block."""
    with subprocess.Popen(
        [str(PYTHON), str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield Charts(child)
        finally:
            assert child.stdin is not None
            child.stdin.close()
