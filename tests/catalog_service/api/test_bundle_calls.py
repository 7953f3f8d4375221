"""An export whose caller leaves ends before its next entry."""

import threading
from typing import Any, cast

from catalog_service.api.bundle_calls import BundleCalls, CallerLeft
from catalog_service.errors import NotFound
from catalog_service.resolve.bundles import Bundles, Importing, PlannedItem
from catalog_service.serving.drain import Drain
from catalog_service.weights.search import Search
from tests.fakes.in_loop import in_loop
from vertebra.catalog.v1 import storage_service_pb2 as pb

MANY = 1000
TIMEOUT_S = 60


def gone(number: int) -> PlannedItem:
    """Return an entry of which nobody has bytes."""
    return PlannedItem(
        reference=f"torchvision/{number}",
        architecture_id="",
        blob_digest="",
        size_bytes=0,
        url="",
        licence="",
        is_gated=False,
        availability="none",
        trail=(),
    )


class EndlessBundles:
    """Entries that cannot be had, one after the other, each once the test has seen the last."""

    def __init__(self) -> None:
        self.num_told = 0
        self.may_go_on = threading.Semaphore(1)
        self.ended_by: BaseException | None = None
        self.has_ended = threading.Event()

    def export(self, *_: object, skipped: Any, **__: object) -> None:
        """Tell of entries until somebody says stop."""
        try:
            for number in range(MANY):
                assert self.may_go_on.acquire(timeout=TIMEOUT_S)
                skipped(gone(number), NotFound("nowhere"))
                self.num_told += 1
        except BaseException as error:
            self.ended_by = error
            raise
        finally:
            self.has_ended.set()


@in_loop
async def test_an_export_ends_when_its_caller_has_left() -> None:
    bundles = EndlessBundles()
    calls = BundleCalls(cast(Bundles, bundles), cast(Importing, None), cast(Search, None), Drain())
    chosen = pb.BundleSelection(names=["torchvision/0"])
    stream = calls.export(pb.ExportBundleRequest(selection=chosen, skip_unavailable=True))

    await anext(stream)
    await stream.aclose()
    bundles.may_go_on.release()

    assert bundles.has_ended.wait(TIMEOUT_S)
    assert isinstance(bundles.ended_by, CallerLeft)
    assert bundles.num_told <= 1
    calls.close()
