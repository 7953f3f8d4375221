"""Jobs and exports: value -> message."""

from collections.abc import Sequence

from google.protobuf import json_format

from catalog_service.model_wire import (
    lineage_to_message,
    report_to_message,
    spec_to_message,
)
from trainer_service.api.durations import duration_message, optional_time, time_message
from trainer_service.api.evaluation_wire import evaluation_message
from trainer_service.api.names import job_name
from trainer_service.api.plan_wire import plan_message
from trainer_service.api.run_wire import attempt_message, snapshot_message
from trainer_service.api.words import EXPORT_FILES, SAMPLE_PANELS, STATES, number_of
from trainer_service.job_store import Attempt, JobRecord
from trainer_service.jobs import (
    Export,
    ExportFile,
    JobFailure,
    JobModel,
    JobState,
    PredictionSample,
)
from vertebra.blob.v1.blob_service_pb2 import Blob
from vertebra.trainer.v1 import train_job_pb2 as pb


def job_message(job: JobRecord, attempts: Sequence[Attempt] = ()) -> pb.TrainJob:
    """Return a job as it stands; lists show no attempts."""
    message = pb.TrainJob(
        name=job_name(job.job_id),
        job_id=job.job_id,
        spec=json_format.Parse(job.sent_spec, pb.TrainJobSpec()),
        state=STATES[job.state],
        state_reason=job.state_reason,
        failure=failure_message(job.failure) if job.failure else None,
        create_time=time_message(job.create_time),
        start_time=optional_time(job.start_time),
        end_time=optional_time(job.end_time),
        last_seq=job.last_seq,
        progress=_progress(job),
        model=model_message(job.model) if job.model else None,
        plan=plan_message(job.plan) if job.plan else None,
        attempt=max(1, job.attempt),
        evaluation=evaluation_message(job.evaluation) if job.evaluation else None,
        attempts=[attempt_message(attempt) for attempt in attempts],
        not_before=optional_time(job.not_before) if job.state is JobState.QUEUED else None,
        snapshot=snapshot_message(job.job_id, job.snapshot) if job.snapshot else None,
        host=job.owner,
    )
    message.metrics.update(job.metrics)
    return message


def _progress(job: JobRecord) -> pb.JobProgress:
    num_steps = job.plan.num_steps if job.plan else 0
    message = pb.JobProgress(
        epoch=job.progress.epoch,
        num_epochs=(job.plan and job.plan.num_epochs) or job.spec.num_epochs,
        step=job.progress.step,
        num_steps=num_steps,
        images_per_s=job.progress.images_per_s,
    )
    remaining_s = job.progress.remaining_s(num_steps) if num_steps else None
    if remaining_s is not None and job.state is JobState.RUNNING:
        message.remaining.CopyFrom(duration_message(remaining_s))
    return message


def failure_message(failure: JobFailure) -> pb.JobFailure:
    """Return why a job failed."""
    return pb.JobFailure(reason=failure.reason, message=failure.message)


def model_message(model: JobModel) -> pb.JobModel:
    """Return the model that a job starts from; where its files are is our own business."""
    return pb.JobModel(
        spec=spec_to_message(model.spec),
        spec_digest=model.spec_digest,
        state_digest=model.state_digest,
        backbone_digest=model.backbone_digest,
        load_report=report_to_message(model.load_report),
        lineage=lineage_to_message(model.lineage),
    )


def export_message(job_id: str, export: Export) -> pb.Export:
    """Return what a job left."""
    message = pb.Export(
        name=f"{job_name(job_id)}/exports/{export.number}",
        architecture_id=export.architecture_id,
        backbone_digest=export.backbone_digest,
        state_digest=export.state_digest,
        files=[_file_message(file) for file in export.files],
        checkpoint=export.checkpoint,
        create_time=time_message(export.create_time),
        epoch=export.epoch,
    )
    message.metrics.update(export.metrics)
    return message


def _file_message(file: ExportFile) -> pb.ExportFile:
    blob = Blob(name=f"blobs/{file.digest}", digest=file.digest, size_bytes=file.size_bytes)
    return pb.ExportFile(
        kind=number_of(EXPORT_FILES, file.kind),
        path=file.path,
        blob=blob,
        sample=_sample_message(file.sample) if file.sample else None,
    )


def _sample_message(sample: PredictionSample) -> pb.PredictionSample:
    message = pb.PredictionSample(
        image=sample.image,
        truth=sample.truth,
        prediction=sample.prediction,
        is_among_worst=sample.is_among_worst,
        panels=[number_of(SAMPLE_PANELS, panel) for panel in sample.panels],
        gap_px=sample.gap_px,
        width_px=sample.width_px,
        height_px=sample.height_px,
        legend=[
            pb.ClassColor(class_name=each.class_name, color=each.color) for each in sample.legend
        ],
    )
    if sample.is_right is not None:
        message.is_right = sample.is_right
    return message
