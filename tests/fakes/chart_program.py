"""Helm and the schemas of Kubernetes, behind a pipe: runs with the Python of .venv-charts.

A line of JSON is a question, a line of JSON the answer: {"rendered": text} or {"refused": why} for
{"render": values}, {"problems": [...]} for {"lint": values} and for {"validate": documents}.
"""

import functools
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python
import jsonschema
import kubernetes_validate
from helm_python import Chart, HelmError
from kubernetes_validate import utils as kubernetes_schemas

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/vertebra"
SCHEMAS = ROOT / "tests/deploy/schemas"
OLDEST, NEWEST = "1.30", "1.37"
"""Releases of Kubernetes that everything has to fit, by the chart's kubeVersion and by today."""

RELEASE = {"name": "studio", "namespace": "ml"}

OF_EVERY_RESOURCE = ("apiVersion", "kind", "metadata")

Document = dict[str, Any]


def strict(schema: Any) -> Any:
    """Return a schema that allows no field which it does not name."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    changed = {name: strict(value) for name, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and "type" in schema and not is_open:
        changed.setdefault("additionalProperties", False)
    return changed


@functools.cache
def resources() -> dict[str, Any]:
    """Return the schemas of custom resources by `group/version/Kind`."""
    published = json.loads(gzip.decompress((SCHEMAS / "crds.json.gz").read_bytes()))
    return strict(published | json.loads((SCHEMAS / "linkerd.json").read_text()))


def own_fields(document: Document) -> Document:
    """Return a resource without what every one has; some schemas name that, some do not."""
    return {name: value for name, value in document.items() if name not in OF_EVERY_RESOURCE}


def problems_of(document: Document) -> Iterator[str]:
    """Yield what is wrong with a document."""
    where = f"{document['kind']} {document['metadata']['name']}"
    schema = resources().get(f"{document['apiVersion']}/{document['kind']}")
    if schema is not None:
        validator = jsonschema.Draft202012Validator(schema)
        for error in validator.iter_errors(own_fields(document)):
            yield f"{where}: {error.json_path}: {error.message[:300]}"
        return
    for version in (OLDEST, NEWEST):
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
            yield f"{where} ({version}): {error.message[:300]}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{where}: {error.message}"


def render(chart: Chart, values: Document, name: str) -> Document:
    """Return all manifests as one text; why not where the chart refuses."""
    try:
        files = chart.render(values, **(RELEASE | {"name": name}))
    except HelmError as error:
        return {"refused": str(error)}
    texts = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
    return {"rendered": "\n---\n".join(texts), "notes": notes}


def lint(values: Document) -> Document:
    """Return what Helm has to say, but for what it only recommends."""
    report = helm_python.lint(CHART, values, strict=True, namespace=RELEASE["namespace"])
    told = [one["error"] for one in report["messages"] if one["severity"] > 1]
    return {"problems": [*told, *report["errors"]]}


def main() -> None:
    """Answer until the pipe closes."""
    kubernetes_schemas.schema_contents = functools.cache(kubernetes_schemas.schema_contents)
    chart = Chart.load(CHART)
    for line in sys.stdin:
        question = json.loads(line)
        if "render" in question:
            answer = render(chart, question["render"], question["name"])
        elif "lint" in question:
            answer = lint(question["lint"])
        else:
            found = (one for document in question["validate"] for one in problems_of(document))
            answer = {"problems": list(found)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
