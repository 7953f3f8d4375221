"""A refused sender is listened to for a moment, and no longer."""

import asyncio
import time
from collections.abc import AsyncIterator

from catalog_service.serving.call import LINGER_S, Call
from catalog_service.serving.limits import Pool
from tests.fakes.in_loop import in_loop


def call_with(uploads: AsyncIterator[bytes] | None) -> Call:
    return Call(
        method="/s/M", is_stream=True, pool=Pool.BYTES, metadata={}, context=None, uploads=uploads
    )


@in_loop
async def test_what_a_refused_sender_still_sends_is_taken_to_its_end():
    taken = []

    async def uploads() -> AsyncIterator[bytes]:
        for number in range(100):
            taken.append(number)
            yield b"x"

    await call_with(uploads()).linger()

    assert len(taken) == 100


@in_loop
async def test_neither_silence_nor_an_endless_sender_holds_the_refusal_for_long():
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    for uploads in (silent(), endless(), None):
        began = time.monotonic()
        await call_with(uploads).linger()
        assert time.monotonic() - began < LINGER_S + 60.0
