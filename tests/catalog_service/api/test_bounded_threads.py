"""Calls that wait are bounded, and one whose client left is not run."""

import asyncio
import threading

import pytest

from catalog_service.api.bounded_threads import BoundedThreads
from catalog_service.errors import Exhausted


def test_one_call_too_many_is_refused_and_the_next_is_not():
    release = threading.Event()
    threads = BoundedThreads("answers", num_threads=1, max_calls=2)

    async def three_then_one() -> list[object]:
        calls = [asyncio.ensure_future(threads.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Exhausted, match="2 answers are under way") as refused:
            await threads.run(release.wait)
        assert refused.value.retry_after_s is not None
        release.set()
        return [*await asyncio.gather(*calls), await threads.run(lambda: "again")]

    assert asyncio.run(three_then_one()) == [True, True, "again"]
    threads.close()


def test_a_call_whose_client_left_while_it_waited_is_not_run():
    release, ran = threading.Event(), []
    threads = BoundedThreads("answers", num_threads=1, max_calls=2)

    async def leave() -> None:
        first = asyncio.ensure_future(threads.run(release.wait))
        second = asyncio.ensure_future(threads.run(lambda: ran.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        release.set()
        await first
        await threads.run(lambda: ran.append("third"))

    asyncio.run(leave())
    threads.close()

    assert ran == ["third"]
