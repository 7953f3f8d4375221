"""What a worker is told is numbered, over all supervisors that ever told it something."""

from trainer_service.jobs import read_control
from trainer_service.supervisor.control_file import ControlFile


def test_a_second_supervisor_goes_on_counting(tmp_path):
    """A worker that has answered 2 does not look at another 1."""
    first = ControlFile(tmp_path)
    first.tell("pause", within_s=5.0)
    first.tell("go_on")

    second = ControlFile(tmp_path)
    second.tell("pause", within_s=7.0)

    told = read_control(tmp_path)
    assert (told.command, told.number, told.within_s) == ("pause", 3, 7.0)
    assert second.newest == told
