"""A worker sees a heartbeat only where its lease was stored; it is gone before that lapses."""

import os
import time

import pytest

from trainer_service.errors import StoreUnavailable
from trainer_service.jobs import HEARTBEAT_FILE
from trainer_service.supervisor.leases import RUN_OUT, Leases

TIMEOUT_S = 30.0
LONG_AGO = 1000.0


class FakeStore:
    """Keeps leases of `kept`, however many are asked for, unless it is away."""

    def __init__(self) -> None:
        self.kept = {"a", "b"}
        self.is_away = False
        self.asked: list[tuple[str, float, list[str]]] = []

    def renew(self, owner, lease_s, job_ids):
        self.asked.append((owner, lease_s, list(job_ids)))
        if self.is_away:
            raise StoreUnavailable("the database is away")
        return self.kept & set(job_ids)


class Site:
    """Two jobs of a host, its store and its clock."""

    def __init__(self, home, timeout_s=TIMEOUT_S) -> None:
        self.now = 0.0
        self.store = FakeStore()
        self.leases = Leases(self.store, "host", timeout_s, clock=lambda: self.now)
        self.folders = {}
        for job_id in ("a", "b"):
            folder = self.folders[job_id] = home / job_id
            folder.mkdir()
            (folder / HEARTBEAT_FILE).touch()
            os.utime(folder / HEARTBEAT_FILE, (LONG_AGO, LONG_AGO))
            self.leases.add(job_id, folder, asked_at=self.now)

    def seen_by(self, job_id) -> float:
        """Return what the worker of a job sees as its host's last sign."""
        return (self.folders[job_id] / HEARTBEAT_FILE).stat().st_mtime


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_renewals_leave_time_for_two_to_fail(site):
    assert site.leases.every_s == TIMEOUT_S / 3


def test_a_renewed_lease_is_a_heartbeat_for_the_worker(site):
    before = time.time()

    assert site.leases.renew() == set()

    assert site.store.asked == [("host", TIMEOUT_S, ["a", "b"])]
    assert site.seen_by("a") >= before - 1


def test_a_lost_lease_is_told_and_its_worker_sees_no_heartbeat(site):
    site.store.kept = {"b"}

    assert site.leases.renew() == {"a"}

    assert site.seen_by("a") == LONG_AGO
    assert site.seen_by("b") > LONG_AGO


def test_without_the_store_no_worker_sees_a_heartbeat(site):
    """Else a host that the database does not hear of would train on, and another one too."""
    site.store.is_away = True

    with pytest.raises(StoreUnavailable):
        site.leases.renew()

    assert site.seen_by("a") == LONG_AGO


def test_a_lease_runs_out_before_another_host_may_take_the_job(site):
    site.now = RUN_OUT * TIMEOUT_S - 1
    before = site.leases.run_out()
    site.now = RUN_OUT * TIMEOUT_S + 1

    assert before == set()
    assert site.leases.run_out() == {"a", "b"}
    assert site.now < 2 * TIMEOUT_S


def test_time_counts_from_before_the_store_was_asked(site):
    """An answer that comes late does not make the lease longer."""
    ask = site.store.renew

    def slow(*arguments):
        answer = ask(*arguments)
        site.now += TIMEOUT_S
        return answer

    site.store.renew = slow
    site.leases.renew()
    site.now = RUN_OUT * TIMEOUT_S + 1

    assert site.leases.run_out() == {"a", "b"}


def test_a_lease_that_is_forgotten_is_neither_renewed_nor_lost(site):
    site.leases.forget("a")
    site.now = 10 * TIMEOUT_S

    assert site.leases.run_out() == {"b"}
    assert site.leases.renew() == set()
    assert site.store.asked[0][2] == ["b"]


def test_leases_that_never_lapse_need_no_renewal(tmp_path):
    site = Site(tmp_path, timeout_s=0.0)
    site.now = 1e9

    assert site.leases.renew() == site.leases.run_out() == set()
    assert site.store.asked == []
    assert site.leases.every_s > 0
