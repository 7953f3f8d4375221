"""A client's calls are spans; a collector that is away or silent costs nobody anything."""

import os
import subprocess
import sys
import textwrap
import time

import grpc
import pytest

from tests.fakes.collector import running_collector
from tests.services import running_catalog
from vertebra.blob.v1 import blob_service_pb2
from vertebra.model.v1.stream_pb2 import StreamEnd
from vertebra.stream_words import CUTS, reason_word
from vertebra.tracing import rpc_of


def program(environment: dict[str, str], code: str, *arguments: str) -> str:
    """Run a program of somebody who uses the client; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


CALLS = """
    import sys, time
    from vertebra.catalog_client import CatalogClient
    from vertebra.client_errors import RpcFailed

    with CatalogClient(sys.argv[1]) as catalog:
        began = time.perf_counter()
        for _ in range(int(sys.argv[2])):
            try:
                catalog.get_weights("no/such")
            except RpcFailed:
                pass
        print(time.perf_counter() - began)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return a catalog and the collector that it and its callers send to."""
    with running_collector() as collector:
        sends = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with running_catalog(tmp_path_factory.mktemp("site"), **sends) as catalog:
            yield catalog, collector, sends


def environ(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


def wait_for(question) -> None:
    deadline = time.monotonic() + 60
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_with_the_standard_variables_has_its_calls_in_one_trace_each(site):
    catalog, collector, sends = site

    program(environ(**sends), CALLS, catalog.address, "2")

    rpc = "vertebra.catalog.v1.WeightsService/GetWeights"
    wait_for(lambda: len(collector.named(rpc)) == 4)
    ours = [span for span in collector.named(rpc) if span.service == "vertebra-client"]
    served = {
        span.parent_id: span for span in collector.named(rpc) if span.service != ours[0].service
    }
    assert len({span.trace_id for span in ours}) == 2
    for span in ours:
        assert served[span.span_id].trace_id == span.trace_id
        assert span.is_error and not served[span.span_id].is_error
        assert span.attributes["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]


PATIENCE_S = 50
"""How long the SDK would wait for a collector: each program would, too, before it ends."""


@pytest.mark.parametrize("collector", ["away", "silent"])
def test_a_collector_that_is_away_or_silent_slows_no_call_and_no_end(site, collector):
    catalog, kept, sends = site
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    chosen = {**(away if collector == "away" else sends), "OTEL_EXPORTER_OTLP_TIMEOUT": "50"}
    kept.may_answer.clear()
    began = time.monotonic()
    try:
        program(environ(**chosen), CALLS, catalog.address, "50")
    finally:
        kept.may_answer.set()

    assert time.monotonic() - began < PATIENCE_S - 10


def test_an_rpc_is_known_by_its_request():
    request = blob_service_pb2.ReadBlobRequest()

    assert rpc_of(request) == "vertebra.blob.v1.BlobService/ReadBlob"


def test_the_words_of_a_client_are_those_that_servers_count():
    from catalog_service.serving.stream_ends import resumed_after

    words = [
        reason_word(StreamEnd(reason=number)) for number in StreamEnd.Reason.values() if number
    ]

    assert all(resumed_after(word) == word for word in [*words, *CUTS.values(), "cut"])
