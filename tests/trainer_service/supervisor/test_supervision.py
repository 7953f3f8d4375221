"""What the end of a service means for its jobs: they are left alone, or they leave first."""

import asyncio

import pytest

from trainer_service.supervisor.supervision import Supervision


class FakeSupervisor:
    """Notes what is asked of it; a drain takes a moment."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def start(self) -> None:
        self.asked.append("start")

    async def drain(self) -> None:
        self.asked.append("drain")
        await asyncio.sleep(0.05)
        self.asked.append("drained")

    async def stop(self) -> None:
        self.asked.append("stop")


def asked_of(*, preempts: bool, is_draining: bool = True) -> list[str]:
    """Return what a supervisor is asked from a service's start to its end."""

    async def life() -> list[str]:
        supervisor, draining = FakeSupervisor(), asyncio.Event()
        supervision = Supervision(supervisor, draining, preempts=preempts)
        await supervision.start()
        if is_draining:
            draining.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            supervisor.asked.append("calls end")
        await supervision.stop()
        return supervisor.asked

    return asyncio.run(life())


def test_jobs_are_left_alone_unless_they_are_to_leave():
    assert asked_of(preempts=False) == ["start", "calls end", "stop"]


def test_jobs_begin_to_leave_while_calls_still_end_and_are_waited_for():
    assert asked_of(preempts=True) == ["start", "drain", "calls end", "drained", "stop"]


@pytest.mark.parametrize("preempts", [True, False])
def test_a_service_that_never_served_stops_at_once(preempts):
    """Its port was taken, for example: nothing tells it to drain."""
    assert asked_of(preempts=preempts, is_draining=False) == ["start", "stop"]
