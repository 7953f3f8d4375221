"""kill -9 of a worker at every step that touches the disk, and at any byte of a snapshot: the job
goes on from its last snapshot and ends with the very numbers of a job that nobody killed.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.kill_points import Fault, When
from tests.fakes.mortal_job import AttemptRecord, MortalJob
from tests.fakes.nursery import Nursery
from trainer_service.errors import SnapshotDamaged
from trainer_service.jobs import (
    EpochMetrics,
    Export,
    Finished,
    RolledBack,
    SnapshotTaken,
    StepMetrics,
    WorkOrder,
)
from trainer_service.jobs.snapshot import MANIFEST_FILE, STAGED_PREFIX
from trainer_service.snapshots.verifying import digest_of, require_whole

SEED = 6
CHAIN = 5
"""Deaths of one job, at most."""
MOST_LOST_STEPS = 1
FLUSHES_OF_A_SAVE = 8
"""Of files, of the staged folder, and of the one that it is renamed in."""
NO_LINES = ("tell.fsync",)
RESUMING = ("start.verify", "tell.rolled_back")
"""Steps of a worker that goes on."""
COUNTING = ("tell.snapshot_taken", "tell.finished")
"""Lines after which something counts."""


@pytest.fixture(scope="module")
def unharmed(
    tmp_path_factory: pytest.TempPathFactory, workers: Nursery, order: WorkOrder
) -> MortalJob:
    """Return the job as it goes when nobody dies."""
    job = MortalJob(tmp_path_factory.mktemp("unharmed"), order, workers)
    assert job.attempt().exit_code == 0
    return job


def steps_of(*jobs: MortalJob) -> Counter[str]:
    """Return every step that workers came by, and how often one worker did, at most."""
    numbers: Counter[str] = Counter()
    for job in jobs:
        for attempt in job.attempts:
            numbers |= Counter(attempt.trace)
    return numbers


def drawn_deaths(numbers: Counter[str], rng: random.Random) -> list[Fault]:
    """Return a death at each step, on one side of it or, of a line, in its middle."""
    return [
        Fault(
            step=step,
            number=rng.randint(1, min(2, numbers[step])),
            when=rng.choice(sides_of(step)),
        )
        for step in sorted(numbers)
    ]


def sides_of(step: str) -> tuple[When, ...]:
    """Return where at a step a worker can die."""
    is_line = step.startswith("tell.") and step not in NO_LINES
    return ("before", "half", "after") if is_line else ("before", "after")


def bytes_of(job: MortalJob) -> int:
    """Return how many bytes a snapshot of the job has."""
    return max(each.size_bytes for each in job.committed)


def drawn_offsets(num_bytes: int, count: int, rng: random.Random) -> list[Fault]:
    """Return deaths at bytes of the first or second snapshot of an attempt."""
    return [
        Fault(
            step="save.all",
            number=rng.randint(1, 2),
            when="offset",
            offset=rng.randrange(num_bytes),
        )
        for _ in range(count)
    ]


class Reaper:
    """Lets jobs die, one death an attempt, until every death was met."""

    def __init__(
        self, home: Path, order: WorkOrder, workers: Nursery, *, has_views: bool = False
    ) -> None:
        self._home = home
        self._order = order
        self._workers = workers
        self._has_views = has_views
        self.jobs: list[MortalJob] = []
        self.met: list[Fault] = []

    def reap(self, deaths: list[Fault]) -> None:
        """Run jobs until all deaths were met, each job to its end."""
        waiting, num_in_vain = list(deaths), 0
        while waiting:
            num_before = len(waiting)
            waiting = self._one_job(waiting)
            num_in_vain = num_in_vain + 1 if len(waiting) == num_before else 0
            assert num_in_vain <= num_before, f"no worker comes by {waiting[0]}"

    def _one_job(self, waiting: list[Fault]) -> list[Fault]:
        """Run one job; return the deaths that nobody met."""
        folder = self._home / f"job-{len(self.jobs) + 1}"
        job = MortalJob(folder, self._order, self._workers, has_views=self._has_views)
        self.jobs.append(job)
        missed: list[Fault] = []
        for index, death in enumerate(waiting):
            record = job.attempt(death)
            if record.exit_code == 0:
                return [*waiting[index + 1 :], *missed, death]
            assert record.exit_code == -9, log_of(job)
            self.met.append(death)
            if len(job.attempts) == CHAIN:
                assert job.attempt().exit_code == 0, log_of(job)
                return [*waiting[index + 1 :], *missed]
        assert job.attempt().exit_code == 0, log_of(job)
        return missed

    def histogram(self) -> str:
        """Return how often each step was met."""
        counts = Counter(f"{each.step} {each.when}" for each in self.met)
        return "\n".join(f"{count:3} {name}" for name, count in sorted(counts.items()))


def log_of(job: MortalJob) -> str:
    """Return what the last worker printed."""
    return (Path(job.attempts[-1].order.export_dir).parent / "log.txt").read_text()[-2000:]


def export_of(job: MortalJob) -> Export:
    """Return what the job left."""
    last = job.attempts[-1].events[-1]
    assert isinstance(last, Finished), last
    return last.exports[0]


def curve(job: MortalJob) -> list[tuple[object, ...]]:
    """Return the metrics that count: what was told of steps beyond a resume was told again."""
    points: dict[tuple[object, ...], tuple[object, ...]] = {}
    for attempt in job.attempts:
        for event in attempt.events:
            if isinstance(event, RolledBack):
                points = {key: point for key, point in points.items() if point[0] <= event.to_step}
            if isinstance(event, EpochMetrics):
                key = (event.split, event.epoch)
                points[key] = (event.step, event.split, event.epoch, dict(event.values))
            if isinstance(event, StepMetrics):
                points["step", event.step] = (event.step, "step", event.epoch, dict(event.values))
    return sorted(points.values(), key=lambda point: (point[0], str(point[1])))


def assert_unharmed(job: MortalJob, unharmed: MortalJob) -> None:
    """Nothing tells the job from one that nobody killed."""
    found, expected = export_of(job), export_of(unharmed)
    assert found.state_digest == expected.state_digest
    assert found.metrics == expected.metrics
    assert curve(job) == curve(unharmed)


def assert_whole(job: MortalJob) -> None:
    """What has the name of a snapshot is one; the rest is told apart by its name."""
    for folder in job.snapshots_folder.iterdir():
        if not folder.name.startswith(STAGED_PREFIX):
            manifest = folder / MANIFEST_FILE
            require_whole(folder, digest_of(manifest) if manifest.exists() else "no manifest")


def assert_little_lost(attempt: AttemptRecord) -> None:
    """An attempt begins at the newest snapshot that was told, and says so before all else."""
    if attempt.order.attempt == 1 or not attempt.events:
        return
    newest = attempt.order.resume_from[0].step if attempt.order.resume_from else 0
    begin = attempt.events[0]
    assert isinstance(begin, RolledBack)
    assert begin.to_step == newest
    assert begin.num_lost_steps == attempt.order.last_told_step - newest <= MOST_LOST_STEPS


def assert_survived(reaper: Reaper, unharmed: MortalJob) -> None:
    """Every job of it ended well."""
    for job in reaper.jobs:
        assert_unharmed(job, unharmed)
        assert_whole(job)
        for attempt in job.attempts:
            assert_little_lost(attempt)


def report(reaper: Reaper, capsys: pytest.CaptureFixture[str]) -> None:
    """Print which deaths there were."""
    with capsys.disabled():
        print(f"\n{len(reaper.met)} deaths in {len(reaper.jobs)} jobs:\n{reaper.histogram()}")


def test_a_worker_may_die_at_every_step_of_a_save_and_of_what_is_told_about_it(
    tmp_path: Path,
    workers: Nursery,
    order: WorkOrder,
    unharmed: MortalJob,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """These are the steps after which something counts or does not."""
    steps = steps_of(unharmed)
    reached = {step for step in steps if step.startswith("save.") or step in COUNTING}
    rng = random.Random(SEED)
    deaths = drawn_deaths(Counter({step: steps[step] for step in reached}), rng)
    deaths += [
        Fault(step=step, number=2, when=when) for step in COUNTING[:1] for when in sides_of(step)
    ]
    deaths += [Fault(step="save.fsync", number=rng.randint(1, 2 * FLUSHES_OF_A_SAVE))]
    deaths += [Fault(step="tell.rolled_back", when="half"), Fault(step="start.verify")]
    rng.shuffle(deaths)
    reaper = Reaper(tmp_path, order, workers)

    reaper.reap(deaths)

    report(reaper, capsys)
    assert {each.step for each in reaper.met} == reached | {"tell.rolled_back", "start.verify"}
    assert {"save.all", "save.fsync", "save.verify", "save.rename", *COUNTING} <= reached
    assert_survived(reaper, unharmed)


def test_a_snapshot_may_be_cut_off_after_any_byte(
    tmp_path: Path, workers: Nursery, order: WorkOrder, unharmed: MortalJob
) -> None:
    rng = random.Random(SEED)
    reaper = Reaper(tmp_path, order, workers)

    reaper.reap(drawn_offsets(bytes_of(unharmed), 3, rng))

    halves = [
        folder
        for job in reaper.jobs
        for folder in job.snapshots_folder.iterdir()
        if folder.name.startswith(STAGED_PREFIX)
    ]
    assert halves, "no worker died in the middle of a file"
    assert_survived(reaper, unharmed)


def test_a_naive_save_is_cut_off_under_its_final_name(
    tmp_path: Path, workers: Nursery, order: WorkOrder, unharmed: MortalJob
) -> None:
    """The control: written in place, half a snapshot has the name of a whole one."""
    job = MortalJob(tmp_path, order, workers)
    half = bytes_of(unharmed) // 2

    job.attempt(Fault(step="save.all", number=2, when="offset", offset=half, is_naive=True))

    with pytest.raises(SnapshotDamaged):
        assert_whole(job)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(3))
def test_a_worker_may_die_anywhere_again_and_again(
    tmp_path: Path,
    workers: Nursery,
    order: WorkOrder,
    seed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At every step that there is, and in the middle of many files."""
    unharmed = MortalJob(tmp_path / "unharmed", order, workers, has_views=True)
    unharmed.attempt()
    again = MortalJob(tmp_path / "again", order, workers, has_views=True)
    again.attempt()
    resumed = MortalJob(tmp_path / "resumed", order, workers, has_views=True)
    resumed.attempt(Fault(step="tell.snapshot_taken", number=2, when="after"))
    resumed.attempt()
    rng = random.Random(100 + seed)
    always = steps_of(unharmed) & steps_of(again)  # libraries that write caches do that once
    steps = always | Counter(RESUMING)
    assert steps.keys() <= steps_of(again, resumed).keys()
    deaths = [*drawn_deaths(steps, rng), *drawn_offsets(bytes_of(unharmed), 25, rng)]
    rng.shuffle(deaths)
    reaper = Reaper(tmp_path, order, workers, has_views=True)

    reaper.reap(deaths)

    report(reaper, capsys)
    assert {each.step for each in reaper.met} == set(steps)
    assert_survived(reaper, unharmed)


def test_snapshots_of_a_job_that_nobody_killed_are_told_after_every_step(
    unharmed: MortalJob,
) -> None:
    """The control: with fewer snapshots the others could not tell what is lost."""
    (attempt,) = unharmed.attempts
    steps = [each.step for each in attempt.events if isinstance(each, StepMetrics)]
    taken = [each.snapshot.step for each in attempt.events if isinstance(each, SnapshotTaken)]

    assert steps == taken == list(range(1, len(steps) + 1))
    assert len(steps) == 4
