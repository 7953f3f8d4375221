"""What the calls of TrainJobService work with."""

from dataclasses import dataclass

from trainer_service.api.event_feed import EventFeed
from trainer_service.api.planning import TrainingHost
from trainer_service.api.watch import SLOW_READER_S
from trainer_service.catalog_gateway import Catalog
from trainer_service.job_store import JobStore
from vertebra.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerRooms:
    """What the calls work with."""

    store: JobStore
    catalog: Catalog
    feed: EventFeed
    host: TrainingHost
    slow_reader_s: float = SLOW_READER_S
    tracing: Tracing | None = None
    """None where nobody asked for traces."""
