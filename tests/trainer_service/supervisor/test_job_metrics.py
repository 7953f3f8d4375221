"""What a host counts about its jobs, on jobs that really ran."""

import asyncio

from prometheus_client import generate_latest

from catalog_service.serving.figures import Figures
from trainer_service.jobs import ExitClass, JobState, RunSpec, SnapshotTaken
from trainer_service.supervisor.queue_metrics import QueueMetrics


def value(bench, name: str, **labels: str) -> float | None:
    return bench.rooms.metrics.registry.get_sample_value(f"vertebra_trainer_{name}", labels)


def run(bench, job_id: str) -> None:
    """Take a job to its end, and be sure that its supervisor is done with it."""

    async def supervise() -> None:
        async with bench.supervising():
            await bench.until_final(job_id)
            await bench.until(lambda: value(bench, "held_jobs") == 0)

    asyncio.run(supervise())


def test_a_job_that_succeeds_counts_its_steps_snapshots_and_end(bench):
    bench.worker_does(steps=4, snapshot_every=2)
    job_id = bench.create()

    run(bench, job_id)

    assert value(bench, "steps_total") == 4
    assert value(bench, "snapshot_save_duration_seconds_count") == 2
    assert value(bench, "snapshot_bytes_total") == sum(
        told.event.snapshot.size_bytes
        for told in bench.events(job_id)
        if isinstance(told.event, SnapshotTaken)
    )
    assert value(bench, "attempts_ended_total", exit_class="finished") == 1
    assert value(bench, "jobs_ended_total", state="succeeded") == 1
    assert value(bench, "queue_wait_seconds_count") == 1
    assert value(bench, "prepare_duration_seconds_count") == 1
    assert value(bench, "event_store_delay_seconds_count") > 0
    assert value(bench, "devices") == 1
    assert value(bench, "devices_in_use") == value(bench, "held_jobs") == 0


def test_a_crash_counts_by_its_class_and_what_must_be_done_again(bench):
    bench.worker_does(steps=5, snapshot_every=2, ends=["crash", "finished"])
    job_id = bench.create(RunSpec(max_failures=1))

    run(bench, job_id)

    assert value(bench, "attempts_ended_total", exit_class="crashed") == 1
    assert value(bench, "attempts_ended_total", exit_class="finished") == 1
    assert value(bench, "lost_steps_total") == 1
    assert value(bench, "jobs_ended_total", state="succeeded") == 1
    assert value(bench, "jobs_ended_total", state="failed") == 0


def test_every_way_to_end_is_shown_before_it_happens(bench):
    shown = {
        each: value(bench, "attempts_ended_total", exit_class=each.value) for each in ExitClass
    }

    assert set(shown.values()) == {0.0}


def test_no_label_names_a_job(bench):
    job_id = bench.create()
    run(bench, job_id)

    page = generate_latest(bench.rooms.metrics.registry).decode()

    assert job_id not in page and "trainJobs/" not in page


def test_what_nobody_has_stored_is_the_lag_of_a_spool(bench):
    async def scenario() -> tuple[float | None, float | None]:
        async with bench.supervising() as supervisor:
            await bench.until_running(job_id)
            spool = bench.rooms.attempt_folder(job_id, 1) / "spool.jsonl"
            with spool.open("ab") as file:
                file.write(b"half a line, which nobody can read yet")
            supervisor.measure_spools()
            while_running = value(bench, "spool_lag_bytes"), value(bench, "devices_in_use")
            bench.cancel(job_id)
            await bench.until_final(job_id)
        return while_running

    bench.worker_does(steps=3, waits={"2": "for ever"})
    job_id = bench.create()

    lag, in_use = asyncio.run(scenario())

    assert lag is not None and lag >= len("half a line, which nobody can read yet")
    assert in_use == 1


def test_the_queue_is_asked_for_how_many_wait_and_for_how_long(bench):
    registry = bench.rooms.metrics.registry
    figures = Figures(registry)
    QueueMetrics(registry, figures, bench.store)
    for _ in range(3):
        bench.create()

    asyncio.run(figures.refresh())

    assert value(bench, "jobs", state="queued") == 3
    assert value(bench, "jobs", state="running") == 0
    assert value(bench, "jobs", state=JobState.SUCCEEDED.value) is None
    assert value(bench, "queue_oldest_wait_seconds") > 0
