"""The supervisor's end of `control.json`: what a worker is told, numbered."""

from pathlib import Path

from trainer_service.jobs import Command, Control, read_control, write_control


class ControlFile:
    """What one attempt's worker was told last; read back where another supervisor told it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.newest = read_control(folder)

    def tell(self, command: Command, *, within_s: float = 0.0) -> None:
        """Tell the worker something new. It looks by itself; a signal makes it look at once."""
        number = self.newest.number + 1
        control = Control(command=command, number=number, within_s=within_s)
        write_control(self.folder, control)
        self.newest = control
