"""EnsureWeights' stream when work is slow or cut by a shutdown; its catalog only waits."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

import pytest

from catalog_service.api.weights_servicer import WeightsServicer
from catalog_service.blobs.blob import BlobInfo
from catalog_service.errors import NotFound, Precondition
from catalog_service.resolve import Catalog
from catalog_service.resolve.ensure import Ensured
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.trail import Outcome, Step
from vertebra.catalog.v1 import weights_service_pb2 as pb
from vertebra.model.v1.stream_pb2 import StreamEnd

NO_CONTEXT = cast(Context, None)
ENSURED = Ensured(
    reference="torchvision/A_Weights.B",
    architecture_id="a",
    blob=BlobInfo(digest="sha256:" + "1" * 64, size_bytes=7),
    source_digest="sha256:" + "2" * 64,
    source_proof="prefix",
    rules=("a -> b",),
    trail=(Step(location="store", outcome=Outcome.HIT),),
    licence="MIT",
)


class WaitingCatalog:
    """Tells one report, waits until it is let go, then returns weights or fails."""

    index = search = None

    def __init__(self, error: Exception | None = None) -> None:
        self.go = threading.Event()
        self.error = error
        self.begun: list[str] = []

    def canonical_reference(self, name: str) -> str:
        if name == "nope":
            raise NotFound("no weights 'nope'")
        return name.lower()

    def ensure(self, reference: str, tell: Tell) -> Ensured:
        self.begun.append(reference)
        tell(Progress(step="downloading", text="a.pth", bytes_done=3, remaining_s=2.5))
        assert self.go.wait(60)
        if self.error is not None:
            raise self.error
        return ENSURED


Seen = list[pb.EnsureWeightsResponse]


def streamed(
    catalog: WaitingCatalog,
    *,
    name: str = "A",
    on_message: Callable[[Drain, Seen], None],
    heartbeat_s: float = 60.0,
) -> Seen:
    """Return all messages of one call; `on_message` sees them as they come."""
    seen: Seen = []

    async def watch() -> None:
        drain = Drain()
        servicer = WeightsServicer(cast(Catalog, catalog), drain, heartbeat_s=heartbeat_s)
        request = pb.EnsureWeightsRequest(name=name)
        try:
            stream: Any = servicer.EnsureWeights(request, NO_CONTEXT)
            async with aclosing(stream):
                async for message in stream:
                    seen.append(message)
                    on_message(drain, seen)
        finally:
            catalog.go.set()
            servicer.close()

    asyncio.run(watch())
    return seen


def kinds(seen: Seen) -> list[str | None]:
    return [message.WhichOneof("event") for message in seen]


def test_progress_comes_first_then_the_weights_then_the_end() -> None:
    catalog = WaitingCatalog()

    seen = streamed(catalog, on_message=lambda drain, seen: catalog.go.set())

    assert kinds(seen) == ["progress", "weights", "end"]
    assert seen[0].progress.remaining.ToMilliseconds() == 2500
    assert seen[1].weights.blob.size_bytes == 7
    assert seen[1].weights.trail[0].outcome == pb.TrailStep.OUTCOME_HIT
    assert seen[2].end.reason == StreamEnd.REASON_COMPLETED


def test_silence_is_filled_with_heartbeats() -> None:
    catalog = WaitingCatalog()

    def let_go_after_three(drain: Drain, seen: Seen) -> None:
        if kinds(seen).count("heartbeat") == 3:
            catalog.go.set()

    seen = streamed(catalog, heartbeat_s=0.01, on_message=let_go_after_three)

    assert kinds(seen)[-2:] == ["weights", "end"]
    assert {"heartbeat"} == set(kinds(seen)[1:-2])


def test_a_shutdown_ends_the_stream_in_order_while_the_work_goes_on() -> None:
    seen = streamed(WaitingCatalog(), on_message=lambda drain, seen: drain.begin())

    assert kinds(seen) == ["progress", "end"]
    assert seen[-1].end.reason == StreamEnd.REASON_DRAINING


def test_a_failure_ends_the_call() -> None:
    catalog = WaitingCatalog(error=Precondition("no bytes"))

    with pytest.raises(Precondition, match="no bytes"):
        streamed(catalog, on_message=lambda drain, seen: catalog.go.set())


def test_a_name_that_is_none_starts_nothing() -> None:
    catalog = WaitingCatalog()

    with pytest.raises(NotFound):
        streamed(catalog, name="nope", on_message=lambda drain, seen: None)
    assert catalog.begun == []


def test_every_spelling_of_a_weight_is_the_same_work() -> None:
    catalog = WaitingCatalog()

    async def two() -> None:
        servicer = WeightsServicer(cast(Catalog, catalog), Drain())
        streams: list[Any] = [
            servicer.EnsureWeights(pb.EnsureWeightsRequest(name=name), NO_CONTEXT)
            for name in ("A", "a")
        ]
        for stream in streams:
            await anext(stream)
        catalog.go.set()
        for stream in streams:
            await stream.aclose()
        servicer.close()

    asyncio.run(two())

    assert catalog.begun == ["a"]
