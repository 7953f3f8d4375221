"""What an attempt needs before its worker starts."""

from dataclasses import replace

from tests.fakes.supervisor_program import QUICK


def test_a_catalog_that_builds_for_ever_is_not_waited_for(bench):
    bench.catalog.is_slow = True

    job = bench.run(bench.create(), timing=replace(QUICK, prepare_s=0.3, trouble_s=0.2))

    assert job.failure.reason == "CATALOG_UNAVAILABLE"
    assert "within 0.3 s" in job.failure.message
