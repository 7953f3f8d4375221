"""A host knows who it is after a restart, and its home has one supervisor."""

import pytest

from trainer_service.errors import HomeInUse
from trainer_service.supervisor import host_home
from trainer_service.supervisor.host_home import HOST_FILE, host_id, lock_home


def test_a_host_is_the_same_after_a_restart_and_another_home_is_another_host(tmp_path):
    first = host_id(tmp_path / "a")

    assert host_id(tmp_path / "a") == first
    assert host_id(tmp_path / "b") != first


def test_of_two_that_make_an_identity_at_once_the_first_holds(tmp_path):
    first = host_id(tmp_path)

    host_home._write_first(tmp_path / HOST_FILE, "second")

    assert host_id(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [HOST_FILE]


def test_a_damaged_identity_is_not_replaced_by_a_new_one(tmp_path):
    """The jobs of the old one would wait for a host that does not come back."""
    (tmp_path / HOST_FILE).write_text("{")

    with pytest.raises(HomeInUse, match=r"host\.json is damaged"):
        host_id(tmp_path)


def test_a_home_has_one_supervisor_at_a_time(tmp_path):
    with lock_home(tmp_path), pytest.raises(HomeInUse, match="its own home folder"):
        lock_home(tmp_path)

    lock_home(tmp_path).close()
