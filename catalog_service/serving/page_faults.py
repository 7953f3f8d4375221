"""How often this process had to be given memory. Beside the bytes that it sent and the time that it
took, this shows an allocator that gives memory back too eagerly: sending then costs four times as
much.
"""

import resource
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class PageFaults(Collector):
    """`process_minor_page_faults_total` of this process, read when it is asked for."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one counter."""
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        yield CounterMetricFamily(
            "process_minor_page_faults", "Pages that the kernel gave without a disk.", value=faults
        )
