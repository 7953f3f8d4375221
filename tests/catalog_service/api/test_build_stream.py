"""BuildModel's stream when builds are slow, many, or cut by a shutdown; its catalog only waits."""

import asyncio
import threading
from typing import Any, cast

import pytest

from catalog_service.api.model_servicer import MAX_BUILDS, ModelServicer
from catalog_service.errors import Exhausted, Precondition
from catalog_service.models.spec import ModelSpec
from catalog_service.resolve import BuiltModel, Catalog
from catalog_service.serving.call import Context
from catalog_service.serving.drain import Drain
from catalog_service.weights.progress import Progress, Tell
from vertebra.catalog.v1 import model_service_pb2 as pb
from vertebra.model.v1 import model_spec_pb2
from vertebra.model.v1.stream_pb2 import StreamEnd

REQUEST = pb.BuildModelRequest(spec=model_spec_pb2.ModelSpec(backbone="resnet18"))
NO_CONTEXT = cast(Context, None)


class WaitingCatalog:
    """Builds nothing: waits until it is let go, then fails."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.num_started = 0

    def build(self, spec: ModelSpec, *, definition_only: bool, tell: Tell) -> BuiltModel:
        self.num_started += 1
        tell(Progress(step="resolving", text=spec.backbone))
        assert self.go.wait(60)
        raise Precondition("let go")


def servicer_of(catalog: WaitingCatalog, drain: Drain) -> ModelServicer:
    return ModelServicer(cast(Catalog, catalog), drain, heartbeat_s=0.01)


def test_a_silent_build_sends_heartbeats() -> None:
    async def watch() -> list[str | None]:
        catalog, drain = WaitingCatalog(), Drain()
        servicer = servicer_of(catalog, drain)
        events: list[str | None] = []
        with pytest.raises(Precondition, match="let go"):
            async for message in servicer.BuildModel(REQUEST, NO_CONTEXT):
                events.append(message.WhichOneof("event"))
                if events.count("heartbeat") == 3:
                    catalog.go.set()
        servicer.close()
        return events

    events = asyncio.run(watch())

    assert events[0] == "progress"
    assert set(events[1:]) == {"heartbeat"}


def test_a_stream_cut_by_a_shutdown_says_so() -> None:
    async def watch() -> pb.BuildModelResponse:
        catalog, drain = WaitingCatalog(), Drain()
        servicer = servicer_of(catalog, drain)
        last = pb.BuildModelResponse()
        async for message in servicer.BuildModel(REQUEST, NO_CONTEXT):
            last = message
            drain.closing.set()
        catalog.go.set()
        servicer.close()
        return last

    assert asyncio.run(watch()).end.reason == StreamEnd.REASON_DRAINING


def test_more_builds_than_threads_are_refused_at_once() -> None:
    async def fill() -> str:
        catalog, drain = WaitingCatalog(), Drain()
        servicer = servicer_of(catalog, drain)
        streams: list[Any] = [servicer.BuildModel(REQUEST, NO_CONTEXT) for _ in range(MAX_BUILDS)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(Exhausted) as caught:
            await anext(servicer.BuildModel(REQUEST, NO_CONTEXT))
        catalog.go.set()
        for stream in streams:
            await stream.aclose()
        servicer.close()
        return caught.value.error_reason

    assert asyncio.run(fill()) == "SERVER_BUSY"


def test_a_client_that_leaves_does_not_stop_the_build() -> None:
    async def leave() -> int:
        catalog, drain = WaitingCatalog(), Drain()
        servicer = servicer_of(catalog, drain)
        stream: Any = servicer.BuildModel(REQUEST, NO_CONTEXT)
        await anext(stream)
        await stream.aclose()
        assert not catalog.go.is_set()
        catalog.go.set()
        servicer.close()
        return catalog.num_started

    assert asyncio.run(leave()) == 1
