"""The job store: every fact about jobs, and the only place where their state changes."""

from collections.abc import Callable

from trainer_service.job_store.callers import Callers
from trainer_service.job_store.database import Database
from trainer_service.job_store.holders import Holders
from trainer_service.job_store.hosts import Hosts
from trainer_service.job_store.leases import Leases
from trainer_service.job_store.readers import Readers

MAX_WAITING_JOBS = 100_000
"""A queue longer than this is a caller's loop, not work."""


class JobStore:
    """Jobs, their attempts, events, curves, snapshots and exports, and the hosts that train.

    One door to five rooms; every method is one transaction, told where it is defined.

    Args:
        url: SQLAlchemy's database URL.
        clock: Unix seconds; where none is given, leases go by the database's clock.

    Raises:
        StoreVersionUnknown: another release has been here.
        StoreUnavailable: the database does not answer.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        max_waiting_jobs: int = MAX_WAITING_JOBS,
    ) -> None:
        database = Database(url, clock)
        self.log_id = database.log_id
        self.subscribe = database.subscribe
        self.close = database.close
        self._open_to_callers(Callers(database, max_waiting_jobs=max_waiting_jobs))
        self._open_to_hosts(Leases(database), Hosts(database), Holders(database))
        self._open_to_readers(Readers(database))

    def _open_to_callers(self, callers: Callers) -> None:
        self.recall_creation = callers.recall_creation
        self.create_job = callers.create_job
        self.request_cancel = callers.request_cancel
        self.request_pause = callers.request_pause
        self.request_resume = callers.request_resume
        self.delete_job = callers.delete_job
        self.set_pin = callers.set_pin

    def _open_to_hosts(self, leases: Leases, hosts: Hosts, holders: Holders) -> None:
        self.claim = leases.claim
        self.renew = leases.renew
        self.adopt = leases.adopt
        self.take_over = leases.take_over
        self.heartbeat = hosts.heartbeat
        self.forget_host = hosts.forget_host
        self.hosts = hosts.hosts
        self.queue = hosts.queue
        self.overdue = hosts.overdue
        self.fail_waiting = hosts.fail_waiting
        self.placements = hosts.placements
        self.capacity = hosts.capacity
        self.figures = hosts.figures
        self.pin_model = holders.pin_model
        self.say = holders.say
        self.append_lines = holders.append_lines
        self.move = holders.move
        self.begin = holders.begin
        self.end_attempt = holders.end_attempt
        self.finish = holders.finish
        self.drop_snapshots = holders.drop_snapshots
        self.spent = holders.spent
        self.drop_spent = holders.drop_spent
        self.deleted = holders.deleted
        self.forget_deleted = holders.forget_deleted
        self.compact = holders.compact

    def _open_to_readers(self, readers: Readers) -> None:
        self.find_job = readers.find_job
        self.jobs = readers.jobs
        self.page_of_jobs = readers.page_of_jobs
        self.attempts = readers.attempts
        self.attempt = readers.attempt
        self.hold = readers.hold
        self.retries = readers.retries
        self.events = readers.events
        self.states = readers.states
        self.look = readers.look
        self.find_id = readers.find_id
        self.log_ends = readers.log_ends
        self.position = readers.position
        self.last_seqs = readers.last_seqs
        self.exports = readers.exports
        self.snapshots = readers.snapshots
        self.resume_from = readers.resume_from
        self.metrics = readers.metrics
