"""A peer: the gRPC server that a person writes in an afternoon. `python -m
tests.benchmarks.naive_grpc <file> <number of events>` prints its port and serves until killed.

It streams a file in 64 KiB messages without checksums, and a job's events one message each.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from vertebra.blob.v1 import blob_service_pb2 as blobs
from vertebra.blob.v1 import blob_service_pb2_grpc
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_service_pb2 as jobs
from vertebra.trainer.v1 import train_job_service_pb2_grpc

CHUNK_BYTES = 64 * 1024


class NaiveBlobs(blob_service_pb2_grpc.BlobServiceServicer):
    """Reads and sends."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def ReadBlob(  # noqa: N802
        self, request: blobs.ReadBlobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[blobs.ReadBlobResponse]:
        """Yield the file."""
        with self._path.open("rb") as file:  # as naive as they come
            while data := file.read(CHUNK_BYTES):
                yield blobs.ReadBlobResponse(data=data)


class NaiveJobs(train_job_service_pb2_grpc.TrainJobServiceServicer):
    """Keeps events in a list and sends one at a time."""

    def __init__(self, num_events: int) -> None:
        now = time.time()
        self._events = [event_message(number, now) for number in range(1, num_events + 1)]

    async def WatchTrainJob(  # noqa: N802
        self, request: jobs.WatchTrainJobRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[jobs.WatchTrainJobResponse]:
        """Yield all events."""
        for event in self._events:
            yield jobs.WatchTrainJobResponse(events=jobs.EventBatch(events=[event]))


def event_message(number: int, told: float) -> events.TrainEvent:
    """Return one step that was told at this time, with what a step of ours says."""
    values = {"loss": 1.0 / number, "lr": 1e-3}
    metrics = events.StepMetrics(epoch=1, step=number, values=values, images_per_s=100.0)
    message = events.TrainEvent(seq=number, attempt=1, step_metrics=metrics)
    message.time.FromNanoseconds(int(told * 1e9))
    return message


async def serve(path: Path, num_events: int) -> None:
    """Serve until the process is killed."""
    server = grpc.aio.server()
    blob_service_pb2_grpc.add_BlobServiceServicer_to_server(NaiveBlobs(path), server)
    train_job_service_pb2_grpc.add_TrainJobServiceServicer_to_server(NaiveJobs(num_events), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
