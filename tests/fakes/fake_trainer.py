"""A trainer whose jobs are lists of events, in this process; it can break streams and lie."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import duration_pb2, timestamp_pb2

from tests.fakes.fake_blobs import FakeBlobs
from tests.fakes.fake_job_life import FakeJobLife
from tests.fakes.fake_server import refuse
from vertebra.model.v1 import stream_pb2
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2 as wire
from vertebra.trainer.v1 import train_job_service_pb2_grpc

END = stream_pb2.StreamEnd


@dataclass(kw_only=True)
class FakeTrainer(train_job_service_pb2_grpc.TrainJobServiceServicer):
    """Every job that is created has run already: its events are `script`."""

    script: list[events.TrainEvent] = field(default_factory=list)
    final_state: int = jobs.JOB_STATE_SUCCEEDED
    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    kept: dict[str, jobs.TrainJob] = field(default_factory=dict)
    break_every: int = 0
    """Break each stream after so many events; 0 means never."""
    break_how: str = "unavailable"
    """`unavailable`, `rst`, `cancelled`, `silent`, `rotate`, `draining`, `slow` or `expired`."""
    lie: str = ""
    """`gap`, `repeat`, `log`, `bookmark` or `end`."""
    batch_size: int = 2
    page_size: int = 500
    num_empty: int = 0
    """So many streams bring a bookmark and then break."""
    num_hanging: int = 0
    """So many streams bring nothing, and do not end until the client ends them."""
    openings: list[int] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    failures: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    refusal: tuple[grpc.StatusCode, str, str] | None = None
    specs: list[jobs.TrainJobSpec] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    exported: dict[str, bytes] = field(
        default_factory=lambda: {"/exports/backbone.safetensors": b"backbone"}
    )
    """Path -> bytes of the files of every job's export; none: there is no export."""
    filters: list[str] = field(default_factory=list)
    after_openings: Callable[[], object] = field(default=lambda: None)
    """Called when a watch is opened."""
    compacted: int = 0
    """So many of the first events are not kept any more."""

    def __post_init__(self) -> None:
        self.life = FakeJobLife(find_job=self._job, forget_job=self._forget)
        self.PauseTrainJob = self.life.pause
        self.ResumeTrainJob = self.life.resume
        self.DeleteTrainJob = self.life.delete
        self.ListSnapshots = self.life.list_snapshots
        self.PinSnapshot = self.life.pin_snapshot
        self.QueryMetrics = self.life.query_metrics
        self.GetCapacity = self.life.get_capacity
        self.GetTrainForm = self.life.get_train_form

    def add_to(self, server: grpc.Server) -> None:
        """Register with a server."""
        train_job_service_pb2_grpc.add_TrainJobServiceServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        self.blobs.add_to(server)

    def _job(self, name: str, context: grpc.ServicerContext) -> jobs.TrainJob:
        wanted = name.removeprefix("trainJobs/")
        found = [job for job_id, job in self.kept.items() if job_id.startswith(wanted)]
        if len(found) != 1:
            refuse(context, grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND", f"no job {wanted!r}")
        return found[0]

    def _forget(self, job: jobs.TrainJob) -> None:
        del self.kept[job.job_id]

    def _check_kept(self, after_seq: int, context: grpc.ServicerContext) -> None:
        if after_seq < self.compacted:
            told = f"events up to {self.compacted} are not kept any more"
            oldest = {"oldest_seq": str(self.compacted + 1)}
            code = grpc.StatusCode.OUT_OF_RANGE
            refuse(context, code, "CURSOR_COMPACTED", told, metadata=oldest)

    def _fail_if_told(self, context: grpc.ServicerContext) -> None:
        if self.failures:
            context.abort(*self.failures.pop(0))
        if self.refusal:
            code, reason, message = self.refusal
            refuse(context, code, reason, message, (("spec.num_epochs", "must be at least 1"),))

    def PlanTrainJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        """A plan that freezes all but the head."""
        self._fail_if_told(context)
        self.specs.append(request.spec)
        return wire.PlanTrainJobResponse(plan=plan(self.warnings), spec=request.spec)

    def CreateTrainJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Keep the job."""
        self.request_ids.append(request.request_id)
        self._fail_if_told(context)
        job = self.keep(f"{len(self.kept):04x}f00d", request.spec)
        return wire.CreateTrainJobResponse(job=job)

    def keep(self, job_id: str, spec: jobs.TrainJobSpec | None = None) -> jobs.TrainJob:
        """Store a job in its final state."""
        job = jobs.TrainJob(
            name=f"trainJobs/{job_id}",
            job_id=job_id,
            spec=spec or jobs.TrainJobSpec(display_name="digits", num_epochs=2),
            state=jobs.JobState.Name(self.final_state),
            create_time=timestamp_pb2.Timestamp(seconds=1_700_000_000),
            start_time=timestamp_pb2.Timestamp(seconds=1_700_000_003),
            end_time=timestamp_pb2.Timestamp(seconds=1_700_000_063),
            last_seq=len(self.script),
            plan=plan(),
            metrics={"validation/accuracy": 0.91, "validation/loss": 0.3},
            attempt=1,
        )
        if self.final_state == jobs.JOB_STATE_FAILED:
            job.failure.reason, job.failure.message = "DATA_INVALID", "no image can be read"
            job.state_reason = "no image can be read"
        self.kept[job_id] = job
        return job

    def GetTrainJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        """One job."""
        self._fail_if_told(context)
        return wire.GetTrainJobResponse(job=self._job(request.name, context))

    def ListTrainJobs(self, request: Any, context: Any) -> Any:  # noqa: N802
        """All of them."""
        self.filters.append(request.filter)
        return wire.ListTrainJobsResponse(jobs=self.kept.values(), total_size=len(self.kept))

    def CancelTrainJob(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Note it."""
        self.request_ids.append(request.request_id)
        self._fail_if_told(context)
        job = self._job(request.name, context)
        job.state = jobs.JOB_STATE_CANCELLING
        self.cancelled.append(job.job_id)
        return wire.CancelTrainJobResponse(job=job)

    def ListExports(self, request: Any, context: Any) -> Any:  # noqa: N802
        """One export; none where nothing is exported."""
        job = self._job(request.name, context)
        exports = [self.export(job.name)] if self.exported else []
        return wire.ListExportsResponse(exports=exports)

    def export(self, job_name: str) -> jobs.Export:
        """Return what a finished job left."""
        kind = jobs.ExportFile.KIND_BACKBONE_SAFETENSORS
        return jobs.Export(
            name=f"{job_name}/exports/1",
            architecture_id="resnet18",
            backbone_digest="sha256:" + "3" * 64,
            files=[
                jobs.ExportFile(kind=kind, path=path, blob=self.blobs.keep(data))
                for path, data in self.exported.items()
            ],
            checkpoint="checkpoints/digits",
        )

    def ListTrainJobEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The unary twin."""
        self._job(request.name, context)
        self._check_kept(request.after_seq, context)
        rest = [event for event in self.script if event.seq > request.after_seq]
        return wire.ListTrainJobEventsResponse(
            log_id="log", events=rest[: self.page_size], last_seq=len(self.script), is_final=True
        )

    def WatchTrainJob(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Batches of events, then the end; or a break."""
        self._fail_if_told(context)
        self._job(request.name, context)
        self.openings.append(request.after_seq)
        self.after_openings()
        self._check_kept(request.after_seq, context)
        rest = [event for event in self.script if event.seq > request.after_seq]
        rest = self._lied(rest)
        if len(self.openings) <= self.num_empty:
            yield wire.WatchTrainJobResponse(bookmark=wire.Bookmark(seq=request.after_seq))
            context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        if len(self.openings) <= self.num_hanging:
            ended = threading.Event()
            context.add_callback(ended.set)
            if not ended.wait(60):
                context.abort(grpc.StatusCode.INTERNAL, "nobody ended the hanging stream")
            return
        breaks = 0 < self.break_every < len(rest)
        yield from self._batches(rest[: self.break_every] if breaks else rest)
        if breaks:
            yield from self._break(context, rest[self.break_every - 1].seq)
        else:
            yield self._end(END.REASON_COMPLETED, len(self.script) + (self.lie == "end"))

    def _lied(self, rest: list[events.TrainEvent]) -> list[events.TrainEvent]:
        if self.lie == "gap":
            return rest[:2] + rest[3:]
        if self.lie == "repeat":
            return rest[:2] + rest[1:]
        return rest

    def _batches(self, rest: list[events.TrainEvent]) -> Iterator[wire.WatchTrainJobResponse]:
        log_id = f"log{len(self.openings)}" if self.lie == "log" else "log"
        for begin in range(0, len(rest), self.batch_size):
            batch = wire.EventBatch(events=rest[begin : begin + self.batch_size])
            yield wire.WatchTrainJobResponse(log_id=log_id, events=batch)
            seq = batch.events[-1].seq + (self.lie == "bookmark")
            yield wire.WatchTrainJobResponse(log_id=log_id, bookmark=wire.Bookmark(seq=seq))

    def _break(
        self, context: grpc.ServicerContext, seq: int
    ) -> Iterator[wire.WatchTrainJobResponse]:
        ends = {
            "rotate": END.REASON_ROTATE,
            "draining": END.REASON_DRAINING,
            "slow": END.REASON_SLOW_CONSUMER,
            "expired": END.REASON_AUTH_EXPIRED,
        }
        statuses = {
            "unavailable": (grpc.StatusCode.UNAVAILABLE, "connection reset"),
            "rst": (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
            "cancelled": (grpc.StatusCode.CANCELLED, "too many pending requests"),
        }
        if self.break_how in ends:
            yield self._end(ends[self.break_how], seq)
        if self.break_how in statuses:
            context.abort(*statuses[self.break_how])

    def _end(self, reason: Any, seq: int) -> wire.WatchTrainJobResponse:
        end = END(reason=reason, resume_after=seq, retry_after=duration_pb2.Duration(nanos=1000))
        return wire.WatchTrainJobResponse(log_id="log", end=end)


def plan(warnings: tuple[str, ...] = ()) -> jobs.TrainPlan:
    """Return a plan that trains the head only."""
    return jobs.TrainPlan(
        freeze=jobs.FreezePlan(
            mode="frozen_backbone",
            num_trainable_parameters=5130,
            num_frozen_parameters=11_176_512,
            rows=[
                jobs.PlanRow(name="stem", num_frozen_parameters=9_536),
                jobs.PlanRow(name="layer1", num_frozen_parameters=11_166_976),
                jobs.PlanRow(name="head", num_trainable_parameters=5130),
            ],
        ),
        num_train_images=1437,
        num_validation_images=360,
        num_steps_per_epoch=2,
        num_steps=4,
        optimizer=jobs.OptimizerSpec(algorithm=jobs.OptimizerSpec.ALGORITHM_ADAMW, lr=1e-3),
        warnings=warnings,
    )


def training_script() -> list[events.TrainEvent]:
    """Return what a short successful job says."""
    script = [
        moved(jobs.JOB_STATE_QUEUED, jobs.JOB_STATE_PREPARING),
        events.TrainEvent(message=events.Message(text="built resnet18, 44.7 MB")),
        moved(jobs.JOB_STATE_PREPARING, jobs.JOB_STATE_RUNNING),
        events.TrainEvent(planned=plan()),
        epoch(0, "validation", 2.4, 0.1),
        step(1, 1, 2.3),
        step(1, 2, 1.2),
        epoch(1, "train", 1.7, 0.5),
        epoch(1, "validation", 0.9, 0.7),
        step(2, 3, 0.6),
        step(2, 4, 0.4),
        epoch(2, "train", 0.5, 0.88),
        epoch(2, "validation", 0.3, 0.91),
        events.TrainEvent(warning=events.Warning(code="SMALL_BATCH", text="batches of 2 images")),
        moved(jobs.JOB_STATE_RUNNING, jobs.JOB_STATE_SUCCEEDED),
    ]
    for number, event in enumerate(script, start=1):
        event.seq, event.attempt = number, 1
        event.time.seconds = 1_700_000_000 + number
    return script


def moved(before: Any, after: Any) -> events.TrainEvent:
    """Return a change of state."""
    return events.TrainEvent(
        state_changed=events.StateChanged(from_state=before, to_state=after, reason="")
    )


def step(epoch_number: int, number: int, loss: float) -> events.TrainEvent:
    """Return one step's metrics."""
    values = {"loss": loss, "lr": 1e-3}
    return events.TrainEvent(
        step_metrics=events.StepMetrics(
            epoch=epoch_number, step=number, values=values, images_per_s=120.0
        )
    )


def epoch(number: int, split: str, loss: float, accuracy: float) -> events.TrainEvent:
    """Return one epoch's metrics."""
    values = {"loss": loss, "accuracy": accuracy}
    return events.TrainEvent(
        epoch_metrics=events.EpochMetrics(epoch=number, split=split, values=values, step=number * 2)
    )
