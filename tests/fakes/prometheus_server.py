"""A real Prometheus server over the shipped configuration, with time that runs faster for it."""

import json
import math
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.fakes.ports import free_port

OBSERVABILITY = Path(__file__).parents[2] / "deploy/observability"
FASTER = 30
"""A minute of the rules is two seconds; a scrape every 15 s is one every half."""

START_TIMEOUT_S = 60
DURATION = r"(\d+)([smhd])"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def prometheus_program() -> str | None:
    """Return the server's program; None where it is not installed."""
    return shutil.which("prometheus")


def sooner(text: str) -> str:
    """Return a duration, or an expression with all its ranges, for faster time."""

    def short(found: re.Match[str]) -> str:
        return f"{int(found[1]) * SECONDS[found[2]] * 1000 // FASTER}ms"

    if re.fullmatch(DURATION, text):
        return re.sub(DURATION, short, text)
    return re.sub(rf"(?<=\[){DURATION}(?=\])", short, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusServer:
    """A running server."""

    url: str

    def values(self, expression: str, seconds: float) -> list[float]:
        """Return every number that a panel of the dashboard would draw of the last seconds."""
        now = time.time()
        query = {"query": expression, "start": now - seconds, "end": now, "step": 1}
        found = self._get(f"/api/v1/query_range?{urllib.parse.urlencode(query)}")["result"]
        numbers = [float(number) for series in found for _, number in series["values"]]
        return [number for number in numbers if not math.isnan(number)]

    def summaries(self) -> dict[str, str]:
        """Return what alerts that fire say, by name."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        firing = [one for one in alerts if one["state"] == "firing"]
        return {one["labels"]["alertname"]: one["annotations"]["summary"] for one in firing}

    def unhealthy_rules(self) -> dict[str, str]:
        """Return rules that could not be evaluated, with why."""
        groups = self._get("/api/v1/rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return {one["name"]: one.get("lastError", "") for one in rules if one["health"] == "err"}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.load(answer)["data"]


@contextmanager
def running_prometheus(folder: Path, targets: Mapping[str, str]) -> Iterator[PrometheusServer]:
    """Yield Prometheus with the shipped jobs and alerts.

    Args:
        targets: job -> address of its /metrics.
    """
    program = prometheus_program()
    assert program is not None
    config = _configuration(folder, targets)
    port = free_port()
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/-/ready", process, folder / "prometheus.log")
        yield PrometheusServer(url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def _configuration(folder: Path, targets: Mapping[str, str]) -> Path:
    """Write the shipped files with faster clocks and these targets; return the configuration."""
    config = yaml.safe_load((OBSERVABILITY / "prometheus.yaml").read_text())
    every = sooner(config["global"]["scrape_interval"])
    config["global"] |= {"scrape_interval": every, "evaluation_interval": every}
    config["global"]["scrape_timeout"] = every
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    rules = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["expr"] = sooner(rule["expr"])
            rule |= {"for": sooner(rule["for"])} if "for" in rule else {}
    (folder / "alerts.yaml").write_text(yaml.safe_dump(rules))
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Prometheus is not ready: {log.read_text()}")
