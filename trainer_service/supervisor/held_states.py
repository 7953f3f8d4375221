"""Where a host's jobs are in their lives: those who look after them look at the same moments, and
share one question to the store. Nothing is remembered: an answer is of after it was asked for.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping

from trainer_service.errors import JobNotFound
from trainer_service.jobs import JobState

Ask = Callable[[Collection[str]], Mapping[str, JobState]]


class HeldStates:
    """The states of jobs, asked for by many at once.

    Args:
        ask: the states of those jobs that there are.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._one_at_a_time = asyncio.Lock()
        self._next: tuple[set[str], asyncio.Task[Mapping[str, JobState]]] | None = None
        """What is asked for as soon as the question under way is answered."""

    async def of(self, job_id: str) -> JobState:
        """Return where a job is in its life.

        Raises:
            JobNotFound: it is deleted.
            StoreUnavailable: not known now.
        """
        if self._next is None:
            wanted: set[str] = set()
            self._next = wanted, asyncio.create_task(self._answer(wanted))
        wanted, answer = self._next
        wanted.add(job_id)
        states = await asyncio.shield(answer)  # it is others', too
        if job_id not in states:
            raise JobNotFound(f"job {job_id} is deleted")
        return states[job_id]

    async def _answer(self, wanted: set[str]) -> Mapping[str, JobState]:
        async with self._one_at_a_time:
            self._next = None  # whoever comes from here on wants to know what is so later
            return await asyncio.to_thread(self._ask, wanted)


def until_next_look_s(every_s: float, now_s: float) -> float:
    """Return the time until all who look so often, whenever they began, look together."""
    return every_s - now_s % every_s
