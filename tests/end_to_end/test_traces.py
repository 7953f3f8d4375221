"""One job, from the command line to its export, over a worker that is killed: one trace."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests import pages
from tests.fakes.collector import running_collector
from tests.services import running_catalog, running_trainer

SPEC = {
    "display_name": "traced",
    "model": {
        "backbone": "squeezenet1_1",
        "pretrained": False,
        "allow_frozen_random": True,
        "image_height_px": 64,
        "image_width_px": 64,
    },
    "dataset": {"bundled_digits": {}, "data_ratio": 0.05},
    "num_epochs": 2,
}


def wait_for(question) -> None:
    deadline = time.monotonic() + 120
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.02)


LINE = re.compile(r"(?:[0-9a-f]{6})?(?P<indent> *)(?P<name>\S+: \S+(?: \S+)*)(?:  .*)?")


def shown() -> str:
    """Return the trace that the deploy page shows."""
    (trace,) = pages.shown("Metrics and traces", "text")
    return trace


def ways(tree: str) -> set[tuple[str, ...]]:
    """Return where each span stands: what it is below, from the first one on, and itself."""
    found: set[tuple[str, ...]] = set()
    above: list[tuple[int, str]] = []
    for line in tree.splitlines():
        span = LINE.fullmatch(line)
        assert span is not None, line
        above = [one for one in above if one[0] < len(span["indent"])]
        above.append((len(span["indent"]), span["name"]))
        found.add(tuple(name for _, name in above))
    return found


@pytest.mark.full
def test_a_job_whose_worker_is_killed_is_one_trace_from_the_call_to_the_export(tmp_path):
    experiment = tmp_path / "experiment.json"
    experiment.write_text(json.dumps(SPEC))
    with running_collector() as collector:
        sends = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with (
            running_catalog(tmp_path / "site", **sends) as catalog,
            running_trainer(tmp_path / "site", catalog, **sends) as trainer,
        ):
            addresses = {
                "VERTEBRA_CATALOG_ADDRESS": catalog.address,
                "VERTEBRA_TRAINER_ADDRESS": trainer.address,
            }
            command = [sys.executable, "-m", "vertebra.cli", "train", str(experiment)]
            with subprocess.Popen(command, env={**os.environ, **sends, **addresses}) as train:
                wait_for(lambda: collector.named("train epoch"))
                [identity] = tmp_path.glob("site/jobs/*/attempt-1/worker.json")
                os.kill(json.loads(identity.read_text())["pid"], signal.SIGKILL)
                assert train.wait(240) == 0
            wait_for(lambda: collector.named("job") and collector.named("vertebra train"))

    print(collector.tree())
    by_id = {span.span_id: span for span in collector.spans}
    assert len(by_id) == len(collector.spans), "a span was sent twice"
    assert len({span.trace_id for span in collector.spans}) == 1
    assert [span.name for span in collector.spans if span.parent_id not in by_id] == [
        "vertebra train"
    ]
    [job] = collector.named("job")
    assert by_id[job.parent_id].name == "vertebra.trainer.v1.TrainJobService/CreateTrainJob"
    killed, finished = sorted(collector.named("attempt"), key=lambda span: span.start_ns)
    assert (killed.is_error, finished.is_error, job.is_error) == (True, False, False)
    below = {span.name for span in collector.spans if span.parent_id == finished.span_id}
    assert {"prepare", "load model", "check data", "train", "export", "store export"} <= below
    [lost] = [span for span in collector.named("train") if span.parent_id == killed.span_id]
    assert lost.is_error
    prepared = [span for span in collector.named("prepare") if span.parent_id == killed.span_id]
    built = [span for span in collector.spans if span.parent_id == prepared[0].span_id]
    assert [span.name for span in built] == ["vertebra.catalog.v1.ModelService/BuildModel"]
    served = [span for span in collector.spans if span.parent_id == built[0].span_id]
    assert [span.service for span in served] == ["vertebra-catalog"]
    assert ways(shown()) <= ways(collector.tree())
