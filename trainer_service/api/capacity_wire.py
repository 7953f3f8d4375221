"""What a site can train on: values -> message."""

from collections.abc import Sequence

from trainer_service.api.durations import optional_time, time_message
from trainer_service.api.names import job_name
from trainer_service.api.words import ENGINES, number_of
from trainer_service.job_store import CapacityNumbers, Placement
from trainer_service.jobs import HostDevice, HostRecord
from vertebra.trainer.v1 import train_run_pb2 as pb

HEARD_OF_WITHIN_S = 60.0
"""A host tells of itself every 10 s."""

Jobs = dict[tuple[str, int], str]
"""Host id and index of a device -> id of the job that has it."""


def capacity_message(
    hosts: Sequence[HostRecord],
    placements: Sequence[Placement],
    numbers: CapacityNumbers,
    now: float,
) -> pb.Capacity:
    """Return what there is, what of it is free, and what waits.

    Args:
        now: Unix seconds; hosts that were not heard of for long are shown, and not counted.
    """
    jobs = {
        (placed.host_id, index): placed.job_id
        for placed in placements
        for index in placed.device_indices
    }
    heard_of = [host for host in hosts if now - host.seen_time <= HEARD_OF_WITHIN_S]
    devices = [(host, device) for host in heard_of for device in host.devices]
    free = [
        device
        for host, device in devices
        if not host.is_draining and (host.host_id, device.index) not in jobs
    ]
    return pb.Capacity(
        hosts=[_host_message(host, jobs) for host in hosts],
        num_devices=len(devices),
        num_free_devices=len(free),
        num_queued_jobs=numbers.num_queued,
        num_running_jobs=numbers.num_running,
        oldest_queued_time=optional_time(numbers.oldest_queued_time),
    )


def _host_message(host: HostRecord, jobs: Jobs) -> pb.Host:
    return pb.Host(
        host_id=host.host_id,
        name=host.name,
        devices=[
            _device_message(device, jobs.get((host.host_id, device.index), ""))
            for device in host.devices
        ],
        seen_time=time_message(host.seen_time),
        is_draining=host.is_draining,
        engines=[number_of(ENGINES, engine) for engine in host.engines],
    )


def _device_message(device: HostDevice, job_id: str) -> pb.Device:
    return pb.Device(
        kind=device.kind,
        index=device.index,
        description=device.description,
        memory_bytes=device.memory_bytes,
        job=job_name(job_id) if job_id else "",
    )
