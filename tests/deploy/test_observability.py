"""The dashboard and the alerts name only what really running services show, in names that users of
Prometheus expect."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from catalog_service.serving.stream_ends import CUTS, TYPED_ENDS
from catalog_service.weights.trail import Outcome
from tests.services import running_catalog, running_trainer
from trainer_service.jobs import ExitClass, JobState
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import RpcFailed
from vertebra.trainer_client import TrainerClient

FOLDER = Path(__file__).parents[2] / "deploy" / "observability"

LABELS = {
    *("after", "code", "exit_class", "figures", "function", "kind", "le", "location", "outcome"),
    *("pool", "reason", "result", "rpc", "state", "version"),
}
"""All labels that we have: closed lists of words, never names of jobs, blobs or callers."""

FROM_PROMETHEUS = {"up", "job", "instance"}

VALUES = {
    "after": {*CUTS, *TYPED_ENDS.values()},
    "exit_class": {each.value for each in ExitClass},
    "outcome": {each.name.lower() for each in Outcome},
    "state": {each.value for each in JobState},
    "location": {"nowhere"},
}

FUNCTIONS = re.compile(r"[a-z_]+(?=\s*\()")
WORDS = {"by", "and", "or", "unless", "without", "on", "le"}
UNITS = re.compile(r"_(ms|millis|milliseconds|minutes|hours|kb|mb|gb|percent)(_|$)")


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Return the metrics pages of both services, after a call to each that is refused."""
    home = tmp_path_factory.mktemp("site")
    with (
        running_catalog(home) as catalog,
        running_trainer(home, catalog) as trainer,
        CatalogClient(catalog.address) as weights,
        TrainerClient(trainer.address) as jobs,
    ):
        for call in (lambda: weights.get_weights("no/such"), lambda: jobs.get("abc")):
            with pytest.raises(RpcFailed):
                call()
        return {
            name: urllib.request.urlopen(f"http://{service.admin_address}/metrics", timeout=60)
            .read()
            .decode()
            for name, service in (("catalog", catalog), ("trainer", trainer))
        }


@pytest.fixture(scope="module")
def families(pages) -> dict[str, Metric]:
    """Return every metric of both, by the name that the page gives its type for."""
    return {
        family.name: family
        for page in pages.values()
        for family in text_string_to_metric_families(page)
    }


def names_of(families: dict[str, Metric]) -> set[str]:
    """Return what expressions may name."""
    endings = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
    }
    return {
        f"{name}{ending}"
        for name, family in families.items()
        for ending in endings.get(family.type, ("",))
    }


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every expression of both files, with what it belongs to."""
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


def metrics_in(expression: str) -> set[str]:
    """Return the metrics that an expression names: identifiers that are no function, word, label,
    string or duration.
    """
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"label_values\((.*),\s*\w+\)", r"\1", bare)
    bare = re.sub(r"\b(by|without)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    found = set(re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*", bare))
    return found - set(FUNCTIONS.findall(bare)) - WORDS


def labels_in(expression: str) -> Iterator[tuple[str, str]]:
    """Yield the labels that an expression names, each with the words that it compares."""
    for inside in re.findall(r"\{([^}]*)\}", expression):
        yield from re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', inside)
    for inside in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", expression):
        for name in inside.split(","):
            yield name.strip(), ""


def test_every_metric_that_is_named_is_shown_by_a_service(families):
    known = names_of(families) | FROM_PROMETHEUS

    unknown = {
        (where, name)
        for where, expression in expressions()
        for name in metrics_in(expression)
        if name not in known
    }

    assert unknown == set()
    assert len({name for _, e in expressions() for name in metrics_in(e)}) > 40


def test_every_label_that_is_named_is_one_of_ours_with_a_value_that_it_can_have():
    wrong = []
    for where, expression in expressions():
        for name, words in labels_in(expression):
            if name not in LABELS | FROM_PROMETHEUS:
                wrong.append((where, name))
            if name in VALUES and words:
                wrong += [(where, w) for w in words.split("|") if w not in VALUES[name]]

    assert wrong == []


@pytest.mark.parametrize("name", ["vertebra_no_such_total", "vertebra_rpc_handled"])
def test_a_metric_that_there_is_not_would_be_found(families, name):
    assert metrics_in(f'sum by (rpc) (rate({name}{{rpc="a"}}[5m])) > 3') == {name}
    assert name not in names_of(families)


def test_every_metric_of_ours_is_looked_at_by_somebody(families):
    named = {name for _, expression in expressions() for name in metrics_in(expression)}
    shown = {name for name in names_of(families) if name.startswith("vertebra_")}

    unseen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown - named}
    seen = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}

    assert sorted(unseen - seen) == [
        "vertebra_figures_timestamp_seconds",
        "vertebra_rpc_started_total",
        "vertebra_store_blobs",
        "vertebra_trainer_events_stored_total",
        "vertebra_trainer_held_jobs",
        "vertebra_trainer_watcher_lag_events",
    ]


def test_names_are_by_convention(families):
    for name, family in families.items():
        assert re.fullmatch(r"(vertebra|process)_[a-z0-9_]+", name), name
        assert UNITS.search(name) is None, f"{name}: base units are seconds and bytes"
        assert family.documentation.endswith("."), name
        if family.type == "histogram":
            assert name.endswith("_seconds"), name
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, (name, sample.labels)


def test_no_label_has_a_digest_an_id_a_path_or_an_address_in_it(families):
    values = {
        value
        for family in families.values()
        for sample in family.samples
        for label, value in sample.labels.items()
        if label not in ("le", "rpc", "version")
    }

    assert values
    assert [each for each in values if not re.fullmatch(r"[A-Za-z_]{1,40}", each)] == []


def test_the_dashboard_can_be_read_by_a_person_and_by_grafana():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())

    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(places) == len(set(places)), "two panels lie on each other"
    for panel in panels:
        assert panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, panel["title"]


def test_every_alert_says_what_is_so_and_what_to_do():
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert len(rule["annotations"]["summary"]) > 10, rule["alert"]
        assert len(rule["annotations"]["description"]) > 10, rule["alert"]


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool of the package prometheus is not installed")
    return found


def test_prometheus_takes_the_configuration_and_the_rules():
    checked = subprocess.run(
        [promtool(), "check", "config", str(FOLDER / "prometheus.yaml")],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_finds_nothing_wrong_with_the_pages(pages):
    for page in pages.values():
        checked = subprocess.run(
            [promtool(), "check", "metrics"], input=page, capture_output=True, text=True
        )

        assert (checked.returncode, checked.stderr) == (0, "")


def test_prometheus_can_parse_every_expression_of_the_dashboard(tmp_path):
    tool, rules = promtool(), []
    for number, (_, expression) in enumerate(expressions()):
        if not expression.startswith("label_values"):
            expr = expression.replace("$__rate_interval", "5m")
            rules.append({"record": f"check:number{number}", "expr": expr})
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    checked = subprocess.run([tool, "check", "rules", str(path)], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
