"""What a process holds: compared before and after, it says what was leaked."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import grpc
import psutil

WAVE = 50
"""Calls at once, on a connection that is then closed under the last of them."""
MB = 1_000_000
CLOSE_S, SAME, LONGEST_CLOSE = 0.1, 10, 300
OF_A_CALL = ("RPCState", "_ServicerContext", "_SyncServicerContext", "_MessageReceiver")
"""What grpcio's server makes for a call. Its clients' own objects are not ours to free."""

Drop = Callable[[grpc.aio.Channel, Random], Awaitable[None]]
"""Makes a call on a channel and leaves it at a moment that is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is counted."""

    num_tasks: int
    num_descriptors: int
    num_grpc_objects: int
    rss_mb: float


def held(loops: Sequence[asyncio.AbstractEventLoop]) -> Held:
    """Return what this process holds now, after collecting what nobody holds."""
    gc.collect()
    process = psutil.Process()
    kinds = Counter(type(one).__name__ for one in gc.get_objects())
    return Held(
        num_tasks=sum(len(asyncio.all_tasks(loop)) for loop in loops),
        num_descriptors=process.num_fds(),
        num_grpc_objects=sum(kinds[kind] for kind in OF_A_CALL),
        rss_mb=process.memory_info().rss / MB,
    )


async def settled() -> None:
    """Wait until closed connections are gone: no descriptor more or less for a while."""
    process, num_same, before = psutil.Process(), 0, 0
    for _ in range(LONGEST_CLOSE):
        await asyncio.sleep(CLOSE_S)
        now = process.num_fds()
        num_same, before = (num_same + 1 if now == before else 0), now
        if num_same == SAME:
            return


async def drop_calls(address: str, kinds: Sequence[Drop], num_calls: int, seed: int) -> None:
    """Make calls of all kinds in waves, and leave each of them somewhere on its way."""
    chance = Random(seed)
    own = [("grpc.use_local_subchannel_pool", 1)]
    for _ in range(num_calls // WAVE):
        channel = grpc.aio.insecure_channel(address, options=own)
        calls = [
            asyncio.ensure_future(kinds[number % len(kinds)](channel, chance))
            for number in range(WAVE)
        ]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait(calls, timeout=chance.uniform(0, 0.1))
        await channel.close()
        await asyncio.gather(*calls)


async def left(call: grpc.aio.Call, chance: Random, *, longest_s: float = 0.01) -> None:
    """Cancel a call after a while, or let it end before that."""
    await asyncio.sleep(chance.uniform(0, longest_s) if chance.random() < 0.9 else 0)
    call.cancel()
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError, grpc.aio.UsageError):
        await call.code()


async def some_of(call: AsyncIterator[object], chance: Random) -> None:
    """Read none, some or all messages of a stream."""
    num_wanted = chance.choice([0, 1, 2, 5])
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError, grpc.aio.UsageError):
        async for _ in call:
            num_wanted -= 1
            if num_wanted <= 0:
                return
