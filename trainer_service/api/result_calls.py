"""Calls about what jobs leave and need: exports, snapshots, curves, and the site's capacity."""

import asyncio
import time

from catalog_service.errors import Violation, invalid
from catalog_service.serving.call import Context
from catalog_service.serving.listing import Field, Listing
from trainer_service.api.capacity_wire import capacity_message
from trainer_service.api.job_wire import export_message
from trainer_service.api.names import job_and_snapshot, job_name
from trainer_service.api.rooms import TrainerRooms
from trainer_service.api.run_wire import snapshot_message
from trainer_service.api.thinning import thinned
from trainer_service.errors import JobNotFound, SnapshotNotFound
from trainer_service.job_store import Series
from trainer_service.jobs import Export, SnapshotRef
from vertebra.trainer.v1 import train_job_service_pb2 as pb
from vertebra.trainer.v1 import train_run_pb2

EXPORTS: Listing[Export] = Listing(
    [Field(name="number", get=lambda export: export.number, kind="number")], "number"
)
SNAPSHOTS: Listing[SnapshotRef] = Listing(
    [
        Field(name="snapshot_id", get=lambda snapshot: snapshot.snapshot_id),
        Field(name="create_time", get=lambda snapshot: snapshot.create_time, kind="number"),
    ],
    "create_time desc",
)
DEFAULT_POINTS, MAX_POINTS = 2000, 10_000
MAX_PATTERNS = 100
MAX_PATTERN_CHARS = 200


class ResultCalls:
    """One method a call."""

    def __init__(self, rooms: TrainerRooms) -> None:
        self._store = rooms.store

    async def list_exports(
        self, request: pb.ListExportsRequest, context: Context
    ) -> pb.ListExportsResponse:
        """Return a page of what a job exported."""
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        page = EXPORTS.page(
            await asyncio.to_thread(self._store.exports, job_id),
            page_size=request.page_size,
            page_token=request.page_token,
            resource=f"{job_name(job_id)}/exports",
        )
        return pb.ListExportsResponse(
            exports=[export_message(job_id, export) for export in page.items],
            next_page_token=page.next_page_token,
        )

    async def list_snapshots(
        self, request: pb.ListSnapshotsRequest, context: Context
    ) -> pb.ListSnapshotsResponse:
        """Return a page of a job's snapshots, newest first."""
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        page = SNAPSHOTS.page(
            await asyncio.to_thread(self._store.snapshots, job_id),
            page_size=request.page_size,
            page_token=request.page_token,
            resource=f"{job_name(job_id)}/snapshots",
        )
        return pb.ListSnapshotsResponse(
            snapshots=[snapshot_message(job_id, snapshot) for snapshot in page.items],
            next_page_token=page.next_page_token,
        )

    async def pin_snapshot(
        self, request: pb.PinSnapshotRequest, context: Context
    ) -> pb.PinSnapshotResponse:
        """Keep a snapshot, or stop doing so."""
        name, snapshot_id = job_and_snapshot(request.name)
        try:
            job_id = await asyncio.to_thread(self._store.find_id, name)
        except JobNotFound as error:
            raise SnapshotNotFound(f"no snapshot {request.name!r}: {error.message}") from error
        pinned = await asyncio.to_thread(self._store.set_pin, job_id, snapshot_id, request.pinned)
        return pb.PinSnapshotResponse(snapshot=snapshot_message(job_id, pinned))

    async def query_metrics(
        self, request: pb.QueryMetricsRequest, context: Context
    ) -> pb.QueryMetricsResponse:
        """Return a job's curves, thinned out."""
        _check_query(request)
        job_id = await asyncio.to_thread(self._store.find_id, request.name)
        return await asyncio.to_thread(self._curves, job_id, request)

    async def get_capacity(
        self, request: pb.GetCapacityRequest, context: Context
    ) -> pb.GetCapacityResponse:
        """Return what there is to train on, and what waits."""
        return await asyncio.to_thread(self._capacity)

    def _curves(self, job_id: str, request: pb.QueryMetricsRequest) -> pb.QueryMetricsResponse:
        curves = self._store.metrics(
            job_id,
            patterns=tuple(request.series),
            min_step=request.min_step,
            max_step=request.max_step,
        )
        most = request.max_points or DEFAULT_POINTS
        return pb.QueryMetricsResponse(
            series=[_series_message(series, most) for series in curves.series],
            last_seq=curves.last_seq,
        )

    def _capacity(self) -> pb.GetCapacityResponse:
        store = self._store
        capacity = capacity_message(
            store.hosts(), store.placements(), store.capacity(), time.time()
        )
        return pb.GetCapacityResponse(capacity=capacity)


def _series_message(series: Series, most: int) -> train_run_pb2.MetricSeries:
    kept = thinned(series.steps, series.values, most)
    return train_run_pb2.MetricSeries(
        name=series.name,
        steps=[series.steps[at] for at in kept],
        epochs=[series.epochs[at] for at in kept],
        values=[series.values[at] for at in kept],
        num_points=len(series.steps),
    )


def _check_query(request: pb.QueryMetricsRequest) -> None:
    """Raise InvalidRequest: FIELD_INVALID, for what no answer would fit."""
    found = []
    if not 0 <= request.max_points <= MAX_POINTS:
        why = f"{request.max_points} is not between 1 and {MAX_POINTS:,}"
        found.append(Violation(field="max_points", description=why))
    for field, step in (("min_step", request.min_step), ("max_step", request.max_step)):
        if step < 0:
            found.append(Violation(field=field, description=f"{step} is negative"))
    if len(request.series) > MAX_PATTERNS:
        why = f"{len(request.series)} patterns; at most {MAX_PATTERNS}"
        found.append(Violation(field="series", description=why))
    longest = max(map(len, request.series), default=0)
    if longest > MAX_PATTERN_CHARS:
        why = f"a pattern of {longest} characters; at most {MAX_PATTERN_CHARS}"
        found.append(Violation(field="series", description=why))
    if found:
        raise invalid(found)
