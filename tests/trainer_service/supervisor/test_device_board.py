"""No device has two jobs, and what is given back is free again."""

from trainer_service.supervisor.device_board import DeviceBoard
from trainer_service.supervisor.devices import cpu_devices


def test_jobs_get_different_devices_and_give_them_back():
    board = DeviceBoard(cpu_devices(3, 1))

    first, second = board.take("a", 2), board.take("b", 1)
    board.give_back("a")

    assert (first, second) == ((0, 1), (2,))
    assert board.num_free == 2
    assert board.take("c", 2) == (0, 1)


def test_each_device_says_whose_it_is():
    board = DeviceBoard(cpu_devices(2, 1))
    board.take("a", 1)

    assert [device.job_id for device in board.devices()] == ["a", ""]


def test_a_job_that_runs_already_keeps_its_devices_even_if_the_host_has_fewer_now():
    board = DeviceBoard(cpu_devices(2, 1))

    board.keep("a", (1, 2))

    assert board.num_free == 1
    assert board.take("b", 1) == (0,)
