"""Who starts now: in the order of the queue, as far as devices reach, and nobody starves."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_service.supervisor.waiting_line import Room, jobs_to_start


@dataclass(frozen=True)
class Job:
    job_id: str
    num_devices: int = 1
    engine: str = "process"


ONE, ALSO_ONE, TWO, NINE = Job("one"), Job("also one"), Job("two", 2), Job("nine", 9)
RAY = Job("ray", 4, "ray")

MAX_LENGTH = 5
"""Of a job, in ticks."""


@pytest.mark.parametrize(
    ("num_free", "waiting", "starting"),
    [
        (0, [ONE], []),
        (2, [ONE, ALSO_ONE], ["one", "also one"]),
        (1, [ONE, ALSO_ONE], ["one"]),
        (3, [TWO, ONE], ["two", "one"]),
        (1, [TWO, ONE], []),
        (2, [ONE, TWO, ALSO_ONE], ["one"]),
        (4, [NINE, ONE], ["one"]),
    ],
    ids=str,
)
def test_the_first_that_waits_for_devices_is_not_passed(num_free, waiting, starting):
    room = Room(num_devices=4, num_free_devices=num_free)

    assert jobs_to_start(waiting, room) == starting


def test_a_job_for_a_cluster_needs_no_device_of_this_host():
    engines = frozenset({"process", "ray"})
    room = Room(num_devices=1, num_free_devices=0, num_free_remote=1, engines=engines)

    assert jobs_to_start([ONE, RAY, Job("ray 2", 1, "ray")], room) == ["ray"]


def test_a_job_for_an_engine_that_this_host_lacks_is_left_to_others():
    assert jobs_to_start([RAY, ONE], Room(num_devices=1, num_free_devices=1)) == ["one"]


@given(
    sizes=st.lists(st.integers(1, 4), max_size=12),
    lengths=st.lists(st.integers(1, MAX_LENGTH), min_size=1, max_size=5),
)
def test_a_job_for_all_devices_gets_them_however_many_small_ones_come(sizes, lengths):
    """It starts when those before it are done, at the latest."""
    start = when_all_start(sizes, lengths, jobs_to_start)

    assert start is not None
    assert start <= MAX_LENGTH * (len(sizes) + 1)


def test_filling_every_gap_with_whoever_fits_would_let_it_wait_for_ever():
    """The naive way, seen to fail: small jobs of different length never leave all devices free."""

    def whoever_fits(waiting, room):
        free, chosen = room.num_free_devices, []
        for job in waiting:
            if job.num_devices <= free:
                free -= job.num_devices
                chosen.append(job.job_id)
        return chosen

    assert when_all_start([1, 1], [2, 3], whoever_fits) is None
    assert when_all_start([1, 1], [2, 3], jobs_to_start) is not None


def when_all_start(sizes, lengths, choose) -> int | None:
    """Return when a job for all four devices starts; None if it never did. Jobs for one device come
    without end behind it.

    Args:
        sizes: of the jobs before it.
        lengths: of the jobs, in turns.
    """
    waiting = [Job(f"before {n}", size) for n, size in enumerate(sizes)] + [Job("all", 4)]
    ends: list[tuple[int, int]] = []
    num_started = 0
    for now in range(200):
        ends = [(end, size) for end, size in ends if end > now]
        waiting += [Job(f"small {now} {n}") for n in range(2)]
        free = 4 - sum(size for _, size in ends)
        for job_id in choose(waiting, Room(num_devices=4, num_free_devices=free)):
            job = next(one for one in waiting if one.job_id == job_id)
            waiting.remove(job)
            ends.append((now + lengths[num_started % len(lengths)], job.num_devices))
            num_started += 1
            if job_id == "all":
                return now
    return None
