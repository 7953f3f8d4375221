"""Registrations that take long hold up no look-up, and are not taken without limit."""

import asyncio
import threading
import uuid
from typing import Any, cast

import pytest

from catalog_service.api.checkpoint_servicer import MAX_REGISTRATIONS, CheckpointServicer
from catalog_service.checkpoints.checkpoint import CheckpointNotFound
from catalog_service.checkpoints.registry import Registry
from catalog_service.errors import Exhausted, Precondition
from catalog_service.resolve import Catalog, Registration
from catalog_service.serving.call import Context
from tests.fakes.in_loop import in_loop, until
from vertebra.catalog.v1 import checkpoint_service_pb2 as pb

NO_CONTEXT = cast(Context, None)


class SlowCatalog:
    """Registers nothing: waits until it is let go, then fails."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.num_started = 0

    def register(self, registration: Registration) -> Any:
        self.num_started += 1
        assert self.go.wait(60)
        raise Precondition("let go")


class EmptyRegistry:
    """Has no checkpoint."""

    def get(self, name: str) -> Any:
        raise CheckpointNotFound(f"no checkpoint {name!r}")


def request(number: int) -> pb.RegisterCheckpointRequest:
    return pb.RegisterCheckpointRequest(
        request_id=str(uuid.UUID(int=number)),
        checkpoint_id="letters",
        architecture_id="resnet18",
        blob_name=f"blobs/sha256:{'0' * 64}",
    )


@in_loop
async def test_slow_registrations_hold_up_no_look_up_and_one_too_many_is_told_to_come_back() -> (
    None
):
    catalog = SlowCatalog()
    servicer = CheckpointServicer(cast(Catalog, catalog), cast(Registry, EmptyRegistry()))
    slow = [
        asyncio.ensure_future(servicer.RegisterCheckpoint(request(number), NO_CONTEXT))
        for number in range(MAX_REGISTRATIONS)
    ]
    await until(lambda: catalog.num_started == MAX_REGISTRATIONS)

    with pytest.raises(CheckpointNotFound):
        await servicer.GetCheckpoint(pb.GetCheckpointRequest(name="x"), NO_CONTEXT)
    with pytest.raises(Exhausted, match="come back later"):
        await servicer.RegisterCheckpoint(request(99), NO_CONTEXT)
    slow[0].cancel()  # its client leaves, its thread stays
    await asyncio.wait(slow[:1])
    with pytest.raises(Exhausted):
        await servicer.RegisterCheckpoint(request(99), NO_CONTEXT)

    catalog.go.set()
    assert {type(error) for error in await asyncio.gather(*slow[1:], return_exceptions=True)} == {
        Precondition
    }
    with pytest.raises(Precondition, match="let go"):
        await servicer.RegisterCheckpoint(request(99), NO_CONTEXT)
    servicer.close()
