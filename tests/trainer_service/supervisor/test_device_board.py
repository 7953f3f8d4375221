"""No device has two jobs, and what is given back is free again."""

from trainer_service.supervisor.device_board import DeviceBoard


def test_jobs_get_different_devices_and_give_them_back():
    board = DeviceBoard(3)

    first, second = board.take("a", 2), board.take("b", 1)
    board.give_back("a")

    assert (first, second) == ((0, 1), (2,))
    assert board.num_free == 2
    assert board.take("c", 2) == (0, 1)


def test_a_job_that_runs_already_keeps_its_devices_even_if_the_host_has_fewer_now():
    board = DeviceBoard(2)

    board.keep("a", (1, 2))

    assert board.num_free == 1
    assert board.take("b", 1) == (0,)
