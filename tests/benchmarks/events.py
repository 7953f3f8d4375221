"""What events cost: the spool beside no spool, our loop beside a bare one, and fifty watchers
beside a server that sends one message per event.
"""

import asyncio
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from catalog_service.models.contracts import OutputContract
from catalog_service.models.freeze_plan import FreezePlan
from tests.benchmarks.peers import naive_grpc
from tests.benchmarks.rows import (
    CPU_CLOCK_S,
    Metric,
    Row,
    Sample,
    Way,
    compare,
    cpu_seconds,
    stopwatch,
    take_turns,
)
from tests.fakes.job_models import input_contract
from tests.fakes.job_values import LAYOUT, job_model, job_spec, step, train_plan
from tests.fakes.trainings import CPU, random_images
from tests.services import Service, running_trainer
from trainer_service.datasets.batches import as_input
from trainer_service.datasets.read import Dataset
from trainer_service.event_spool import EventSpool
from trainer_service.freezing import Seal
from trainer_service.job_store import JobStore, NewJob, Outcome
from trainer_service.jobs import JobState, LossSpec, OptimizerGroup, SpoolLine, TrainPlan
from trainer_service.plan import DECAYED, UNDECAYED
from trainer_service.run_job import image_batches
from trainer_service.stop_switch import StopSwitch
from trainer_service.tasks.table import task_for
from trainer_service.train.loop import Training, train
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1.train_job_service_pb2_grpc import TrainJobServiceStub

SIDE_PX = 8
BATCH_SIZE = 4
NUM_CLASSES = 3

STEP_METRICS = (
    Metric(name="steps_per_s", title="steps/s of a tiny model", more_is_better=True),
    Metric(name="cpu_us", title="CPU us per step"),
)
WATCH_METRICS = (
    Metric(name="events_per_s", title="events/s to all watchers", more_is_better=True),
    Metric(name="server_cpu_us", title="server CPU us per event"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_steps: int
    num_watchers: int
    num_events: int
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return the rows of the loop and of the watchers."""
    with tempfile.TemporaryDirectory() as name:
        return [*_loop_rows(size, Path(name)), *_watch_rows(size, Path(name))]


def _loop_rows(size: Size, folder: Path) -> list[Row]:
    torch.set_num_threads(1)
    ours = Way(
        name="train() with the spool",
        command="for event in train(...): spool.write(event)",
        run=_steps(size.num_steps, lambda: _train_spooled(size, folder)),
    )
    quiet = Way(
        name="train() without it",
        command="for event in train(...): pass",
        run=_steps(size.num_steps, lambda: _train_quiet(size)),
    )
    bare = Way(
        name="bare loop",
        command="zero_grad(); cross_entropy(model(images), labels).backward(); AdamW.step()",
        run=_steps(size.num_steps, lambda: _bare_loop(size.num_steps)),
    )
    samples = take_turns([ours, quiet, bare], size.num_rounds)
    return [
        *compare("events", ours, quiet, STEP_METRICS, samples),
        *compare("events", ours, bare, STEP_METRICS, samples),
    ]


def _steps(num_steps: int, loop: Callable[[], None]) -> Callable[[], Sample]:
    def run() -> Sample:
        with stopwatch() as watch:
            loop()
        return {"steps_per_s": num_steps / watch.wall_s, "cpu_us": watch.cpu_s / num_steps * 1e6}

    return run


def tiny_model() -> nn.Module:
    """Return a model whose step costs so little that all the rest shows."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE_PX * SIDE_PX, NUM_CLASSES))


def tiny_training(num_steps: int) -> Training:
    """Return one epoch of so many steps."""
    model = tiny_model()
    spec = replace(job_spec(mode="full"), num_epochs=1, batch_size=BATCH_SIZE)
    plan = _tiny_plan(model, num_steps)
    dataset = Dataset(
        class_names=("a", "b", "c"),
        train=random_images(num_steps * BATCH_SIZE, SIDE_PX),
        validation=random_images(BATCH_SIZE, SIDE_PX),
        fingerprint="sha256:noise",
    )
    return Training(
        model=model,
        task=task_for(plan, CPU),
        batches=image_batches(spec, plan, dataset, CPU),
        spec=spec,
        plan=plan,
        device=CPU,
        layout=LAYOUT,  # of another model: only phases and the best epoch's state ask for it
    )


def _tiny_plan(model: nn.Module, num_steps: int) -> TrainPlan:
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    freeze = FreezePlan(
        mode="full",
        norm="batch_statistics",
        trainable=tuple(sizes),
        train_modules=("",),
        frozen_norms=(),
        rows=(),
        num_trainable_parameters=sum(sizes.values()),
        num_frozen_parameters=0,
    )
    groups = [(DECAYED, 0.01, "1.weight"), (UNDECAYED, 0.0, "1.bias")]
    return replace(
        train_plan(),
        freeze=freeze,
        input=input_contract(SIDE_PX),
        output=OutputContract(shape=(NUM_CLASSES,)),
        loss=LossSpec(kind="cross_entropy"),
        num_steps_per_epoch=num_steps,
        num_steps=num_steps,
        optimizer_groups=tuple(
            OptimizerGroup(
                name=name,
                lr=1e-3,
                weight_decay=decay,
                num_parameters=sizes[parameter],
                parameters=(parameter,),
            )
            for name, decay, parameter in groups
        ),
    )


def _train_spooled(size: Size, folder: Path) -> None:
    training = tiny_training(size.num_steps)
    with EventSpool(folder / f"{uuid.uuid4().hex}.jsonl") as spool:
        for event in train(training, _seal(training), StopSwitch()):
            spool.write(event)


def _train_quiet(size: Size) -> None:
    training = tiny_training(size.num_steps)
    for _ in train(training, _seal(training), StopSwitch()):
        pass


def _seal(training: Training) -> Seal:
    return Seal(training.model, frozenset(training.plan.freeze.trainable))


def _bare_loop(num_steps: int) -> None:
    """The same batches by the same means, and nothing but the steps."""
    model = tiny_model()
    optimizer = torch.optim.AdamW(model.parameters())
    images = random_images(num_steps * BATCH_SIZE, SIDE_PX)
    contract = input_contract(SIDE_PX)
    for number in range(num_steps):
        chosen = slice(number * BATCH_SIZE, (number + 1) * BATCH_SIZE)
        optimizer.zero_grad()
        outputs = model(as_input(images.kept[chosen], contract))
        cross_entropy(outputs, images.labels[chosen]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _watch_rows(size: Size, folder: Path) -> list[Row]:
    home = folder / "home"
    home.mkdir()
    job_id, num_events = write_finished_job(home, size.num_events)
    placeholder = folder / "empty"
    placeholder.touch()
    with (
        running_trainer(home, _nobody()) as service,
        naive_grpc(placeholder, num_events) as naive,
    ):
        each = f"{size.num_watchers} watchers of one job of {num_events} events"
        ours = Way(
            name="WatchTrainJob",
            command=f"python -m trainer_service; {each}",
            run=lambda: _watched(service.address, service.pid, job_id, size),
        )
        peer = Way(
            name="naive grpc",
            command=f"grpc.aio server, one message per event; {each}",
            run=lambda: _watched(naive.address, naive.pid, job_id, size),
        )
        samples = take_turns([ours, peer], size.num_rounds)
    return compare("events", ours, peer, WATCH_METRICS, samples)


def _nobody() -> Service:
    """Return a catalog that no one needs: nothing is trained here."""
    return Service(address="127.0.0.1:9", admin_address="", process=None, log=Path())  # type: ignore[arg-type]


def write_finished_job(home: Path, num_steps: int) -> tuple[str, int]:
    """Write a job that succeeded into a trainer's store; return its id and number of events."""
    store = JobStore(f"sqlite:///{home / 'trainer.db'}")
    new = NewJob(spec=job_spec(), sent_spec="{}", request_id=str(uuid.uuid4()), request_hash="h")
    job_id = store.create_job(new).job.job_id
    hold = store.claim(job_id, "host-1", 0.0).hold
    store.pin_model(hold, job_model())
    store.move(hold, JobState.RUNNING)
    lines = [
        SpoolLine(index=number, time=100.0 + number, event=step(number + 1))
        for number in range(num_steps)
    ]
    store.append_lines(hold, lines)
    store.finish(hold, Outcome(state=JobState.SUCCEEDED))
    last_seq = store.find_job(job_id).last_seq
    store.close()
    return job_id, last_seq


def _watched(address: str, pid: int, job_id: str, size: Size) -> Sample:
    server_cpu_s = -cpu_seconds(pid)
    with stopwatch() as watch:
        counts = asyncio.run(_watch_all(address, job_id, size.num_watchers))
    server_cpu_s = max(server_cpu_s + cpu_seconds(pid), CPU_CLOCK_S)
    assert len(set(counts)) == 1
    assert counts[0] >= size.num_events
    return {
        "events_per_s": sum(counts) / watch.wall_s,
        "server_cpu_us": server_cpu_s / sum(counts) * 1e6,
    }


async def _watch_all(address: str, job_id: str, num_watchers: int) -> list[int]:
    """Watch from this process, a connection per stream; return each one's number of events."""

    async def watch() -> int:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            stub = TrainJobServiceStub(channel)
            stream = stub.WatchTrainJob(wire.WatchTrainJobRequest(name=job_id))
            return sum([len(message.events.events) async for message in stream])

    return list(await asyncio.gather(*(watch() for _ in range(num_watchers))))
